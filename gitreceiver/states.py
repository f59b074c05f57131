"""The life of a push, as one table."""

from __future__ import annotations

from core.states import LifeCycle
from gitreceiver.types import PushState

_ENDS = frozenset({PushState.FAILED, PushState.CANCELLED})

PUSH = LifeCycle(
    {
        PushState.RECEIVED: frozenset({PushState.BUILDING, PushState.SUPERSEDED}) | _ENDS,
        PushState.BUILDING: frozenset({PushState.RELEASING}) | _ENDS,
        PushState.RELEASING: frozenset({PushState.LIVE}) | _ENDS,
        PushState.LIVE: frozenset(),
        PushState.FAILED: frozenset(),
        PushState.CANCELLED: frozenset(),
        PushState.SUPERSEDED: frozenset(),
    }
)

"""The life of a release, as one table."""

from __future__ import annotations

from core.states import LifeCycle
from releases.types import ReleaseState

RELEASE = LifeCycle(
    {
        ReleaseState.PENDING: frozenset({ReleaseState.DELIVERING, ReleaseState.FAILED}),
        ReleaseState.DELIVERING: frozenset({ReleaseState.LIVE, ReleaseState.FAILED}),
        ReleaseState.LIVE: frozenset(),
        ReleaseState.FAILED: frozenset(),
    }
)

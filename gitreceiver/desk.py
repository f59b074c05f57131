"""Where a received push is handed in: what the wire needs of the push pipeline, and the values between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from accounts import Identity
from core.ids import AppId


@dataclass(frozen=True)
class RefUpdate:
    """One ref that a client asks to move.

    `old`: what the client saw there (None: it is new); `new`: what it shall be (None: delete). `forced`: the new commit
    does not descend from the old one.
    """

    ref: str
    old: str | None
    new: str | None
    forced: bool = False


@dataclass(frozen=True)
class Watched:
    """The record that a push of the deploy branch got, to be followed."""

    push_id: str


@dataclass(frozen=True)
class Outcome:
    """How a push ended; `reason` is short, as git shows it in brackets: `build failed`."""

    ok: bool
    reason: str = ""


class PushDesk(Protocol):
    """Records pushes of the deploy branch and tells how they go. Used from many threads at once."""

    def make_room(self, app_id: AppId, *, builds: bool) -> str:
        """Hold disk for a push that is to come; the claim's id. DiskNearlyFull when it would not fit."""
        ...

    def settle_room(self, claim_id: str, push_id: str | None, pack_bytes: int) -> None:
        """The push was recorded after so many bytes, or (None) nothing came of it."""
        ...

    def receive(
        self, app_id: AppId, identity: Identity, updates: Sequence[RefUpdate], options: Sequence[str]
    ) -> Watched:
        """Pin the commit, record the push and wake a worker. The objects are stored. UserError refuses the push."""
        ...

    def follow(self, push_id: str, gone: Callable[[], bool]) -> Iterator[str | None]:
        """The push's log, line by line from its start; None about once a second; ends when the push has, or `gone`."""
        ...

    def outcome(self, push_id: str) -> Outcome:
        """How the push ended."""
        ...

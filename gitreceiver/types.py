"""The values of a push."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.ids import AppId, UserId


class PushState(StrEnum):
    RECEIVED = "received"  # stored, waits for its turn
    BUILDING = "building"
    RELEASING = "releasing"  # the image is there; release, start, health, switch
    LIVE = "live"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"  # a newer push came before this one was begun


class PushKind(StrEnum):
    PUSH = "push"
    REDEPLOY = "redeploy"  # `portside deploy COMMIT`: a stored commit again; no branch moves


@dataclass(frozen=True)
class Push:
    """One push of a deploy branch.

    `old_commit` is the branch's value that the client saw; `reason` is short, as git shows it in brackets.
    """

    id: str
    app_id: AppId
    kind: PushKind
    ref: str
    commit: str
    old_commit: str | None
    forced: bool
    options: tuple[str, ...]
    user_id: UserId
    email: str
    state: PushState
    reason: str
    log_id: str
    version: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @property
    def is_final(self) -> bool:
        return self.finished_at is not None

    @property
    def status(self) -> str:
        """The word that the Platform API uses for a build: pending, succeeded or failed."""
        if not self.is_final:
            return "pending"
        return "succeeded" if self.state is PushState.LIVE else "failed"

    @property
    def wants_rebuild(self) -> bool:
        return "rebuild" in self.options

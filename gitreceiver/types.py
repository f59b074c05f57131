"""The values of a push."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.ids import AppId, UserId
from core.timing import Step
from gitreceiver.waterfall import Built, is_inner

RECEIVE = "receive"


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
    `total_ms`: from its first byte to its last word, once it is live; `steps`: what took how long on the way. `stack`
    and `built` are known once there is an image.
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
    total_ms: int | None = None
    steps: tuple[Step, ...] = ()
    stack: str = ""
    built: Built | None = None

    @property
    def began_at(self) -> datetime:
        """When its first byte came: steps are counted from here."""
        received = next((step.ended_ms for step in self.steps if step.name == RECEIVE), 0)
        return self.created_at - timedelta(milliseconds=received)

    @property
    def within_build(self) -> frozenset[str]:
        """The names of those steps that are parts of `build`."""
        return frozenset(step.name for step in self.steps if is_inner(step.name))

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

"""The crash matrix as a table: each part that can be killed, at each step, with what must come of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from tests.crash import steps
from tests.crash.steps import STEPS, Step


class Outcome(StrEnum):
    LIVE = "live"
    FAILED = "failed"
    REFUSED = "not received"


API, WORKER, REDIS, REGISTRY, ROUTER = "api", "worker", "redis", "registry", "router"
ENGINE = "dockerd"
CLIENT = "git client"
PARTS = (API, WORKER, REDIS, REGISTRY, ROUTER, ENGINE, CLIENT)

LIVE = frozenset({Outcome.LIVE})
REFUSED = frozenset({Outcome.REFUSED})
DECIDED = frozenset({Outcome.LIVE, Outcome.FAILED})

EXPECTED: dict[tuple[str, Step], frozenset[Outcome]] = {
    (API, steps.RECEIVE): REFUSED,
    (CLIENT, steps.RECEIVE): REFUSED,
    (ENGINE, steps.BUILD): DECIDED,
    (ENGINE, steps.UPLOAD): DECIDED,
    (ENGINE, steps.RELEASE_PHASE): DECIDED,
    (ENGINE, steps.START): DECIDED,
    (ENGINE, steps.HEALTH): DECIDED,
    (ENGINE, steps.SWITCH): DECIDED,
    (ENGINE, steps.ROLLBACK): DECIDED,
}
"""What must come of it, where that is not that the new release is live."""

LEFT_OUT = {(CLIENT, steps.DRAIN): "the push has ended: there is no client"}

QUICK = frozenset(
    {
        (API, steps.RECEIVE),
        (API, steps.BUILD),
        (WORKER, steps.BUILD),
        (WORKER, steps.HEALTH),
        (WORKER, steps.SWITCH),
        (WORKER, steps.SCALE),
        (REDIS, steps.HEALTH),
        (REGISTRY, steps.UPLOAD),
        (ROUTER, steps.SWITCH),
        (ENGINE, steps.HEALTH),
        (CLIENT, steps.RECEIVE),
    }
)
"""What every change is tested with."""


@dataclass(frozen=True)
class Cell:
    """One part at one step. `left_out`: why there is nothing to test."""

    part: str
    step: Step
    expected: frozenset[Outcome]
    left_out: str
    quick: bool

    def __str__(self) -> str:
        return f"{self.part} in {self.step.name}"


def _cell(part: str, step: Step) -> Cell:
    at = (part, step)
    return Cell(part, step, EXPECTED.get(at, LIVE), LEFT_OUT.get(at, ""), at in QUICK)


CELLS = tuple(_cell(part, step) for part in PARTS for step in STEPS)

"""Plays one cell of the crash matrix: a part is killed at a step, and then everything must be as it has to be."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass

from gitreceiver import PushState
from releases import ReleaseState
from tests.acceptance.site import Site
from tests.background import Background, eventually
from tests.crash.aftermath import Aftermath
from tests.crash.blows import Victim
from tests.crash.matrix import API, CLIENT, ENGINE, ROUTER, Cell, Outcome
from tests.crash.second_engine import SecondEngine
from tests.crash.steady import Steady
from tests.crash.steps import Goal, Kind
from tests.live import LivePlatform

DECIDED_S = 60
SETTINGS = {"SCHEDULER_DRAIN_S": 60}
_WITHOUT_IT_NO_ANSWER = (ROUTER, ENGINE)
_NOT_TOLD = (API, CLIENT)


@dataclass(frozen=True)
class Seen:
    """What came of a cell, and how many seconds after the blow that was decided."""

    outcome: Outcome
    decided_s: float


class Stage:
    """The platforms that cells are played on: one, and one with an engine of its own. `with Stage() as stage: …`

    A cell that fails takes its platform with it, so that the next finds a whole one.
    """

    def __init__(self) -> None:
        self._made: dict[bool, tuple[ExitStack, LivePlatform, SecondEngine | None]] = {}

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        with ExitStack() as stack:
            for made in self._made.values():
                stack.push(made[0])
        self._made.clear()

    def play(self, cell: Cell) -> Seen:
        """Play a cell; AssertionError when something is not as it must be."""
        own_engine = cell.part == ENGINE
        if own_engine not in self._made:
            self._made[own_engine] = _made(own_engine)
        stack, platform, engine = self._made[own_engine]
        try:
            return _play(cell, platform, engine)
        except BaseException:
            del self._made[own_engine]
            stack.close()
            raise


def _made(own_engine: bool) -> tuple[ExitStack, LivePlatform, SecondEngine | None]:
    with ExitStack() as stack:
        engine = stack.enter_context(SecondEngine()) if own_engine else None
        platform = LivePlatform(engine.url if engine else "", **SETTINGS)
        stack.callback(platform.end)
        platform.start()
        return stack.pop_all(), platform, engine


def _play(cell: Cell, platform: LivePlatform, engine: SecondEngine | None) -> Seen:
    victim = Victim(platform)
    victim.returns()
    site = Site(platform, *platform.app("crash_site"))
    goal = cell.step.arrange(site)
    with Steady(site) as visitor:
        seen, now = _hit(cell, site, victim, engine, goal, visitor)
        _assert_next_push_works(site, now)
    assert not visitor.failures, f"the app did not answer: {visitor.failures[:3]}"
    assert visitor.served
    platform.cli("destroy", "--confirm", site.name)
    return seen


def _hit(
    cell: Cell, site: Site, victim: Victim, engine: SecondEngine | None, goal: Goal, visitor: Steady
) -> tuple[Seen, Now]:
    after = Aftermath.of(site)
    with cell.step.reached(site, victim, goal) as act:
        hit_at = time.monotonic()
        _kill(cell.part, victim, engine, act.command)
        if not cell.step.let_go_late:
            act.let_go()
        _return(cell.part, victim, engine)
        if act.slow is not None:
            answer = act.slow()
            assert f"release=v{goal.before}\n" in answer or cell.part in _WITHOUT_IT_NO_ANSWER, answer
        outcome = _outcome(goal, after, act.command)
        seen = Seen(outcome, time.monotonic() - hit_at)
        told = act.command.ended()
    if cell.part in _WITHOUT_IT_NO_ANSWER:
        visitor.is_served_again(DECIDED_S)
    assert outcome in cell.expected, f"{outcome}:\n{told.output}"
    if cell.part not in _NOT_TOLD:
        assert (told.code == 0) == (outcome is Outcome.LIVE), told.output
    return seen, _assert_as_recorded(goal, outcome, after)


def _kill(part: str, victim: Victim, engine: SecondEngine | None, command: Background) -> None:
    if part == CLIENT:
        command.kill()
    elif engine is not None:
        engine.kill()
    else:
        victim.kill(part)


def _return(part: str, victim: Victim, engine: SecondEngine | None) -> None:
    """Parts come back by themselves; an engine is brought back by whoever runs the machine."""
    if engine is not None:
        engine.start()
    elif part != CLIENT:
        victim.returns(part)


def _outcome(goal: Goal, after: Aftermath, command: Background) -> Outcome:
    """Wait until it is decided, and say how."""
    found: list[Outcome] = []

    def is_decided() -> bool:
        outcome = _decided(goal, after, command)
        found[:] = [outcome] if outcome else []
        return outcome is not None

    eventually(is_decided, f"the {goal.kind} is decided; it has said:\n{command.output}", DECIDED_S)
    return found[0]


def _decided(goal: Goal, after: Aftermath, command: Background) -> Outcome | None:
    if goal.kind is Kind.SCALE:
        return Outcome.LIVE if after.webs_in_service() == goal.webs else None
    if goal.kind is Kind.ROLLBACK:
        state = after.state_of(goal.version)
        return {ReleaseState.LIVE: Outcome.LIVE, ReleaseState.FAILED: Outcome.FAILED}.get(state) if state else None
    push = after.last_push()
    if push.commit != goal.commit:
        return None if command.running else Outcome.REFUSED
    if not push.is_final:
        return None
    return Outcome.LIVE if push.state is PushState.LIVE else Outcome.FAILED


@dataclass(frozen=True)
class Now:
    """How the releases stand: their statuses, the first one first; `webs` instances are wanted."""

    statuses: tuple[str, ...]
    webs: int


def _assert_as_recorded(goal: Goal, outcome: Outcome, after: Aftermath) -> Now:
    """The branch, the releases, what serves and what runs are what the record of the outcome says."""
    before = ("succeeded",) * goal.before
    if goal.kind is Kind.SCALE:
        now, version, commit, branch = before, goal.version, goal.commit, goal.branch
    elif outcome is Outcome.LIVE:
        now, version, commit = (*before, "succeeded"), goal.version, goal.commit
        branch = goal.commit if goal.kind is Kind.PUSH else goal.branch
    else:
        made = ("failed",) if after.has_release(goal.version) else ()
        now, version, commit, branch = before + made, goal.before, goal.good, goal.branch
    webs = goal.webs
    after.assert_settled(version, commit, branch, now, webs)
    return Now(now, webs)


def _assert_next_push_works(site: Site, now: Now) -> None:
    after, version = Aftermath.of(site), len(now.statuses) + 1
    (site.folder / "Procfile").write_text("web: perl /app/server.pl\n")
    commit = site.write("next")
    pushed = site.push()
    assert pushed.code == 0, pushed.output
    after.assert_settled(version, commit, commit, (*now.statuses, "succeeded"), now.webs)

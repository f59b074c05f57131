"""What is made of the answers of running instances."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler import CheckKind, HealthCheck, judging
from scheduler.judging import Hung, Judged, Tally
from scheduler.tables import InstanceRow
from tests.scheduler.test_plan import RULES, T0, instance

READY = HealthCheck(CheckKind.READINESS, path="/ready", attempts=3, wait_s=5)
LIVE = HealthCheck(CheckKind.LIVENESS, path="/live", attempts=2, wait_s=1)


def after(check: HealthCheck, *answers: bool) -> Tally:
    tally = judging.first(check, T0)
    for number, passed in enumerate(answers):
        tally = judging.answered(tally, check, passed, "" if passed else "503", T0 + timedelta(seconds=number))
    return tally


def test_the_first_question_waits_for_the_initial_delay_and_the_next_for_the_pause() -> None:
    assert judging.first(HealthCheck(initial_delay_s=7), T0).next_at == T0 + timedelta(seconds=7)
    assert after(READY, True).next_at == T0 + timedelta(seconds=5)
    assert after(LIVE, False, False).next_at == T0 + timedelta(seconds=1 + 1)


@given(st.lists(st.booleans(), max_size=12))
def test_only_so_many_failures_in_a_row_make_it_fail(answers: list[bool]) -> None:
    tally = after(READY, *answers)
    assert judging.fails(tally, READY) == (len(answers) >= 3 and not any(answers[-3:]))
    assert tally.passed == (answers[-1:] == [True])


def test_readiness_and_liveness_are_told_apart() -> None:
    found = judging.verdict(
        {
            "unready": [(READY, after(READY, *[False] * 3)), (LIVE, after(LIVE, True))],
            "hung": [(READY, after(READY, True)), (LIVE, after(LIVE, True, False, False))],
            "unsure": [(READY, after(READY, True, False))],
            "new": [(READY, after(READY))],
            "ready": [(READY, after(READY, True)), (LIVE, after(LIVE, False))],
            "alive": [(LIVE, after(LIVE, True))],
        }
    )
    assert found.unready == {"unready": "503", "hung": "503"}
    assert found.ready == {"ready", "alive"}
    assert found.hung == {"hung": Hung(T0 + timedelta(seconds=1), "503")}


ROWS = st.lists(st.tuples(st.booleans(), st.sampled_from(["failing", "passing", "unknown"])), max_size=6)


@given(ROWS)
def test_answers_never_empty_a_route(given_rows: list[tuple[bool, str]]) -> None:
    rows = [instance(number + 1, unready=unready) for number, (unready, _) in enumerate(given_rows)]
    said = {row.id: word for row, (_, word) in zip(rows, given_rows, strict=True)}
    unready = {row_id: "503" for row_id, word in said.items() if word == "failing"}
    judged = Judged(unready, frozenset(row_id for row_id, word in said.items() if word == "passing"))
    out, back = judging.routing(rows, judged)
    routed = {row.id for row in rows if not row.unready}
    then = (routed - {row.id for row in out}) | {row.id for row in back}
    assert bool(then) >= bool(routed), "what was routed is not emptied"
    assert all(said[row.id] == "failing" for row in out)
    assert all(said[row.id] == "passing" and row.unready for row in back)
    if any(said[row_id] != "failing" for row_id in then):
        assert not any(said[row_id] == "failing" for row_id in then), "with a ready one, no failing one is in the route"


@pytest.mark.parametrize(
    ("ran_s", "failures", "due_s", "counted"),
    [(0, 0, 1, 1), (0, 3, 8, 4), (59, 1, 2, 2), (60, 5, 0, 0)],
)
def test_one_that_hangs_soon_after_its_start_waits_as_after_a_crash(
    ran_s: int, failures: int, due_s: int, counted: int
) -> None:
    row, since = instance(failures=failures), T0 + timedelta(seconds=ran_s)
    judged = Judged(hung={row.id: Hung(since, "no answer")})
    due = since + timedelta(seconds=due_s)
    assert renewed(row, judged, due - timedelta(milliseconds=1)) == []
    assert renewed(row, judged, due) == [(row, counted, "liveness check failed: no answer")]
    row.replace = True
    assert renewed(row, judged, due) == []


def renewed(row: InstanceRow, judged: Judged, now: object) -> list[object]:
    return list(judging.to_renew([row], judged, now, RULES))  # type: ignore[arg-type]

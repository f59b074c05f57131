"""Numbers of requests, in files of bounded size."""

from __future__ import annotations

import pytest

from core.ids import AppId, new_id
from router.access_log import parse
from router.metrics import BOUNDS_MS, STEP_S, STEPS, Metrics, Tallies, Tally, by_release, points, tally_of, together

NOW_S = 1_800_000_000.0


def tally(status: int = 200, service_ms: int = 5, version: int = 1, instance: str = "i-1") -> Tally:
    request = parse(f"portside1 app {instance} GET h id 10.0.0.1 0 {service_ms} {status} 9 -- HTTP/1.1 http - / ")
    assert request is not None
    return tally_of(request, version)


@pytest.fixture
def app_id() -> AppId:
    return AppId(new_id())


@pytest.fixture
def metrics(tmp_path) -> Metrics:
    return Metrics(tmp_path / "requests")


def test_requests_are_counted_by_status_and_time():
    assert tally(204).classes == (0, 1, 0, 0, 0, 0)
    assert tally(503).classes == (0, 0, 0, 0, 1, 0)
    assert tally(-1).classes == (0, 0, 0, 0, 0, 1)
    assert tally(service_ms=0).times[0] == tally(service_ms=1).times[0] == 1
    assert tally(service_ms=2).times[1] == 1
    assert tally(service_ms=999_999).times[len(BOUNDS_MS)] == 1


def test_a_websocket_and_a_request_of_no_process_have_no_time():
    assert sum(tally(101).times) == sum(tally(503, instance="<NOSRV>").times) == 0
    assert tally(101).requests == 1


def test_percentiles_lie_within_the_step_of_their_time():
    found = together_of([tally(service_ms=4)] * 98 + [tally(service_ms=800)] * 2)
    assert 3 <= found.percentile(0.5) <= 5
    assert 700 <= found.percentile(0.99) <= 1000
    assert Tally().percentile(0.5) is None


def together_of(tallies: list[Tally]) -> Tally:
    return sum(tallies, Tally())


def test_steps_of_10_s_add_up(metrics, app_id):
    metrics.add(app_id, tally(), NOW_S)
    metrics.add(app_id, tally(500), NOW_S + 3)
    metrics.add(app_id, tally(), NOW_S + STEP_S)
    first, second = metrics.steps(app_id, NOW_S - 60, NOW_S + 60)
    assert (first.at, first.tally.classes) == (NOW_S, (0, 1, 0, 0, 1, 0))
    assert (second.at, second.tally.requests) == (NOW_S + STEP_S, 1)
    assert metrics.total(app_id).requests == 3
    assert metrics.steps(app_id, NOW_S + STEP_S, NOW_S + 60) == [second]
    assert metrics.steps(AppId(new_id()), 0, NOW_S) == []


def test_a_day_is_kept_in_a_file_that_no_longer_grows(metrics, app_id, tmp_path):
    for step in range(0, STEPS * 2, 40):
        metrics.add(app_id, tally(), NOW_S + step * STEP_S)
    size = (tmp_path / "requests" / f"{app_id}.metrics").stat().st_size
    assert size < 800_000
    found = metrics.steps(app_id, 0, NOW_S + (STEPS * 2 - 40) * STEP_S)
    assert len(found) == STEPS / 40
    assert found[0].at == NOW_S + STEPS * STEP_S
    assert metrics.total(app_id).requests == STEPS * 2 / 40
    metrics.forget(app_id)
    metrics.forget(app_id)
    assert metrics.total(app_id) == Tally()


def test_more_of_one_time_than_a_step_holds_stays_at_the_most(metrics, app_id):
    many = Tally(1, (0, 70_000, 0, 0, 0, 0), (70_000, *[0] * len(BOUNDS_MS)))
    metrics.add(app_id, many, NOW_S)
    (step,) = metrics.steps(app_id, NOW_S, NOW_S)
    assert (step.tally.requests, step.tally.times[0]) == (70_000, 65_535)


def test_a_period_in_equal_parts_with_the_quiet_ones(metrics, app_id):
    for second in (0, 10, 599):
        metrics.add(app_id, tally(), NOW_S + second)
    steps = metrics.steps(app_id, NOW_S, NOW_S + 599)
    parts = points(steps, NOW_S, NOW_S + 599, 30)
    assert [part.at for part in parts] == [NOW_S + 20 * number for number in range(30)]
    assert [part.tally.requests for part in parts] == [2, *[0] * 28, 1]
    assert together(steps).requests == 3


def test_the_numbers_of_each_release_the_newest_first(metrics, app_id):
    metrics.add(app_id, tally(version=1), NOW_S)
    metrics.add(app_id, tally(version=2), NOW_S + 10)
    metrics.add(app_id, tally(500, version=2), NOW_S + 20)
    found = by_release(metrics.steps(app_id, NOW_S, NOW_S + 60))
    assert [(version, each.requests) for version, each in found.items()] == [(2, 2), (1, 1)]


def test_what_the_listener_hears_is_counted_with_its_release(metrics):
    request = parse("portside1 app i-1 GET h id 10.0.0.1 0 5 200 9 -- HTTP/1.1 http - / ")
    assert request is not None
    Tallies(metrics, {"i-1": 7}.__getitem__).count([request, request])
    found = metrics.period(AppId("app"), 60, 12)
    assert (found.whole.requests, list(found.releases), found.point_s) == (2, [7], 300)
    assert (len(found.points), sum(point.tally.requests for point in found.points)) == (12, 2)

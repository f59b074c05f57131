"""Numbers of requests, as JSON and for Prometheus."""

from __future__ import annotations

from pathlib import Path

import pytest

from core import clock
from router import Metrics
from router.metrics import Tally

TALLY = Tally(2, (0, 8, 0, 1, 1, 0), (0, 0, 10, *[0] * 21))


@pytest.fixture
def counted(stage, app, tmp_path: Path) -> None:
    stage.router.metrics = Metrics(tmp_path / "requests")
    stage.router.metrics.add(app.id, TALLY, clock.now().timestamp())


def test_the_last_hour_of_an_app(api, counted) -> None:
    found = api.get("/apps/shop/metrics").json
    assert found["whole"]["requests"] == 10
    assert found["whole"]["status"] == {"1xx": 0, "2xx": 8, "3xx": 0, "4xx": 1, "5xx": 1, "none": 0}
    assert 2 <= found["whole"]["p95_ms"] <= 3
    assert [(each["version"], each["requests"]) for each in found["releases"]] == [(2, 10)]
    assert (found["point_s"], len(found["points"])) == (30, 120)
    assert sum(point["requests"] for point in found["points"]) == 10


def test_an_app_that_nobody_asked(api, app) -> None:
    found = api.get("/apps/shop/metrics?minutes=1440").json
    assert (found["whole"]["requests"], found["whole"]["p50_ms"], found["releases"]) == (0, None, [])


@pytest.mark.parametrize("minutes", ["0", "1441", "x", "-5"])
def test_a_time_that_is_not_kept_is_refused(api, app, minutes: str) -> None:
    answer = api.get(f"/apps/shop/metrics?minutes={minutes}")
    assert answer.status_code == 422
    assert "it must be 1 to 1440" in answer.json["message"]


def test_prometheus_gets_the_totals_of_what_the_token_may_see(api, counted) -> None:
    answer = api.get("/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.text.splitlines()
    assert 'portside_requests_total{app="shop",status="5xx"} 1' in lines
    assert 'portside_request_seconds_bucket{app="shop",le="0.002"} 0' in lines
    assert 'portside_request_seconds_bucket{app="shop",le="0.003"} 10' in lines
    assert 'portside_request_seconds_bucket{app="shop",le="+Inf"} 10' in lines
    assert "portside_apps 1" in lines

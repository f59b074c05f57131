"""Numbers of requests."""

from __future__ import annotations

import json

NUMBERS = {
    "requests": 10,
    "per_second": 0.1,
    "status": {"1xx": 0, "2xx": 8, "3xx": 0, "4xx": 1, "5xx": 1, "none": 0},
    "p50_ms": 4.2,
    "p95_ms": 61.0,
    "p99_ms": None,
}


def test_requests_in_all_and_by_release(invoke, logged_in) -> None:
    answer = {"whole": NUMBERS, "releases": [{"version": 2, **NUMBERS}, {"version": None, **NUMBERS}]}
    logged_in.answers["GET", "/apps/demo/metrics?minutes=60"] = answer
    lines = invoke("metrics", "-a", "demo").stdout.splitlines()
    assert lines[0].split() == ["RELEASE", "REQUESTS", "2XX", "3XX", "4XX", "5XX", "P50", "P95", "P99"]
    assert lines[1].split() == ["all", "10", "8", "0", "1", "1", "4", "ms", "61", "ms"]
    assert [line.split("  ")[0] for line in lines[2:]] == ["v2", "no release"]
    assert json.loads(invoke("metrics", "-a", "demo", "--json").stdout) == answer

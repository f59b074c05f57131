"""What the bench of the router takes from wrk, and what it makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.routing.measure import BARE, NGINX, OURS, PASSING, Found, rows, table
from bench.routing.proxies import bare_haproxy, nginx
from bench.routing.wrk import parse

SAID = """Running 2s test @ http://127.0.0.1:1/
  1 threads and 32 connections
  Latency Distribution
     50%    1.21ms
     99%  950.00us
  40000 requests in 2.00s, 10.71MB read
Requests/sec:  20000.50
"""


def test_the_numbers_of_wrk_are_read() -> None:
    speed = parse(SAID)
    assert (speed.requests, speed.per_s, speed.p99_ms) == (40_000, 20_000.5, pytest.approx(0.95))


@pytest.mark.parametrize("more", ["  Non-2xx or 3xx responses: 3", "  Socket errors: connect 0, read 1"])
def test_a_failed_request_is_no_measurement(more: str) -> None:
    with pytest.raises(RuntimeError, match="not all requests went well"):
        parse(SAID + more)


def found() -> Found:
    made = Found()
    for whose, per_s, cpu in ((OURS, 950.0, 30.0), (BARE, 1000.0, 20.0), (PASSING, 1900.0, 10.0), (NGINX, 800.0, 26.0)):
        made.add("requests/s", whose, per_s)
        made.add("CPU a request (µs)", whose, cpu)
    made.add("route switch (ms)", OURS, 5.1)
    return made


def test_the_budgets_are_those_of_the_design() -> None:
    switch, throughput = rows(10_000, found())
    assert (switch.figure, switch.budget, switch.met) == (5.1, 5, False)
    assert (throughput.met, throughput.what) == (True, "bare HAProxy's throughput over the router's, 10,000 apps")
    assert throughput.note == (
        "bare: the same apps, by hand; over one that only passes bytes to one backend: 2.00 x."
        " CPU of the proxy for a request: 30.0 µs, bare 20.0 µs, passing 10.0 µs"
    )


def test_the_table_has_the_others_beside_ours_where_they_were_measured() -> None:
    made = table({1: found()})
    assert [list(column.cells) for column in made.columns][1:5] == [
        ["requests/s", "CPU a request (µs)", "route switch (ms)"],
        ["950", "30.0", "5.10"],
        ["1,000", "20.0", ""],
        ["0.95", "1.50", ""],
    ]


def test_haproxy_by_hand_knows_the_same_apps_as_nginx(tmp_path: Path) -> None:
    hosts = ["app-0.apps.test", "app-1.apps.test"]
    bare_haproxy(tmp_path, 1, 2, hosts, log=7)
    nginx(tmp_path, 1, 2, hosts)
    by_hand, other = (tmp_path / "bare.cfg").read_text(), (tmp_path / "nginx.conf").read_text()
    assert (tmp_path / "bare.map").read_text() == "app-0.apps.test app0\napp-1.apps.test app1\n"
    assert (by_hand.count("\nbackend app"), other.count("upstream app")) == (2, 2)
    assert "log fd@7 format raw" in by_hand
    for header in ("X-Request-Id", "X-Request-Start", "X-Forwarded-Proto", "X-Forwarded-Port"):
        assert header in by_hand
        assert header in other

"""What the router counts of an app's answers, read off a real HAProxy."""

from __future__ import annotations

import pytest

from router.counts import NONE, STEPS_MS, Counts, parse, steps

HOST = "shop.apps.test"


def counts(errors=0, **steps_ms):
    """`counts(below_5=3)`: three answers in the step that ends at 5 ms."""
    ends = [f"below_{end}" for end in STEPS_MS] + ["more"]
    return Counts(errors, tuple(steps_ms.get(name, 0) for name in ends))


def test_the_95th_percentile_lies_where_95_of_100_answers_are_below():
    assert counts(below_10=100).p95_ms == pytest.approx(5 + 5 * 0.95)
    assert counts(below_5=95, below_500=5).p95_ms == 5
    assert counts(below_5=90, below_500=10).p95_ms == pytest.approx(300 + 200 * 0.5)
    assert counts(more=10).p95_ms == 10_000
    assert NONE.p95_ms is None


def test_haproxys_answer_is_read():
    answer = "# table: counts\n0x55: key=gen-1 use=0 exp=6 gpc0=3 gpc1=2 gpc2=4 gpc18=1\n"
    assert parse(answer) == counts(3, below_5=2, below_10=4, more=1)
    assert parse("# table: counts, type: string, size:10240, used:1\n") == NONE


def test_the_steps_leave_no_gap_and_do_not_overlap():
    conditions = dict(steps())
    assert list(conditions) == list(range(1, 19))
    assert conditions[1] == "{ var(txn.took_ms) -m int lt 5 }"
    assert conditions[2] == "{ var(txn.took_ms) -m int ge 5 } { var(txn.took_ms) -m int lt 10 }"
    assert conditions[18] == "{ var(txn.took_ms) -m int ge 10000 }"


@pytest.mark.engine
def test_each_generation_is_counted_for_itself(haproxy, app_id, start_app):
    haproxy.router.name_app(app_id, "shop")
    haproxy.deploy(app_id, "g1", start_app("one"))
    assert haproxy.get(HOST) == (200, "one")
    assert haproxy.router.traffic.seen(app_id) is None, "only apps that ask for it are counted"
    haproxy.router.traffic.count(app_id, True)
    assert haproxy.router.traffic.seen(app_id) == NONE
    for _ in range(3):
        haproxy.get(HOST)
    first = haproxy.router.traffic.seen(app_id)
    assert (first.requests, first.errors) == (3, 0)
    slow = start_app("two", delay_s=0.2)
    haproxy.deploy(app_id, "g2", slow)
    assert haproxy.get(HOST) == (200, "two")
    second = haproxy.router.traffic.seen(app_id)
    assert second.requests == 1
    assert second.p95_ms >= 190
    slow.stop()
    assert haproxy.get(HOST)[0] == 503
    after = haproxy.router.traffic.seen(app_id)
    assert (after.requests, after.errors) == (2, 1), "what nobody answers is an error, too"
    haproxy.router.traffic.count(app_id, False)
    haproxy.get(HOST)
    assert haproxy.router.traffic.seen(app_id) is None
    assert haproxy.control.observe(None).counted == {}

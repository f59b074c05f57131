"""What the soak calls a leak, and how it speaks over a WebSocket."""

from __future__ import annotations

import io
from collections import Counter

import pytest

from bench.load import Target
from bench.soak.run import Outcome
from bench.soak.talk import frame, handshake, heard
from bench.soak.verdict import judge, slope_per_h


def well(before: dict[str, float], after: dict[str, float], changes: int = 100) -> dict[str, bool]:
    return {one.what: one.is_well for one in judge(before, after, (), changes)}


def test_what_no_rule_names_may_not_grow_at_all() -> None:
    assert well({"containers": 3, "networks": 1}, {"containers": 4, "networks": 1}) == {
        "containers": False,
        "networks": True,
    }


def test_what_was_not_there_before_has_grown() -> None:
    assert well({}, {"rows surprises": 1, "router entries new.map": 0}) == {
        "router entries new.map": True,
        "rows surprises": False,
    }


@pytest.mark.parametrize(
    ("name", "after", "is_well"),
    [
        ("memory worker (MB)", 72.0, True),
        ("memory worker (MB)", 72.1, False),
        ("sockets router", 67.0, False),
        ("sockets worker", 85.0, True),
        ("rows pushes", 110.0, True),
        ("rows pushes", 111.0, False),
        ("rows router_slots", 61.0, False),
    ],
)
def test_some_things_have_room_and_history_grows_with_what_was_done(name: str, after: float, is_well: bool) -> None:
    assert well({name: 60.0}, {name: after}) == {name: is_well}


def test_the_slope_is_that_of_the_later_half_when_all_is_warm() -> None:
    warming_up = [(60.0 * minute, {"memory api (MB)": 20.0 * minute}) for minute in range(5)]
    warm = [(60.0 * minute, {"memory api (MB)": 45.0 + minute}) for minute in range(5, 10)]
    (verdict,) = judge({"memory api (MB)": 50}, {"memory api (MB)": 51}, warming_up + warm, 10)
    assert (verdict.most, verdict.slope_per_h) == (80, pytest.approx(60))
    assert slope_per_h([(0, 1), (1, 2)]) is None


def test_one_failed_request_is_not_well() -> None:
    outcome = Outcome(Counter(deploys=1), 1.0, 10, 10, 0.1, Counter(), judge({"a": 1}, {"a": 1}, (), 1))
    assert outcome.is_well
    failed = Outcome(Counter(deploys=1), 1.0, 10, 10, 0.1, Counter({"GET: status 502": 1}), outcome.verdicts)
    assert not failed.is_well


def test_a_websocket_is_asked_for_and_spoken_to_as_rfc_6455_says() -> None:
    head = handshake(Target(8080, "app.localhost"))
    assert head.startswith(
        b"GET /talk HTTP/1.1\r\nHost: app.localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    )
    assert head.endswith(b"\r\n\r\n")
    assert frame(b"Hello", bytes.fromhex("37fa213d")).hex() == "818537fa213d7f9f4d5158"  # the RFC's own example
    assert heard(io.BytesIO(bytes.fromhex("810548656c6c6f"))) == b"Hello"
    assert heard(io.BytesIO(b"\x88\x00")) == heard(io.BytesIO(b"")) == b""

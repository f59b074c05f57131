"""The addresses of Portside's bridge must be free on the machine."""

from __future__ import annotations

import pytest

from core.errors import UserError
from scheduler.docker_network import _check_free, left_behind

HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
DEFAULT = "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
LEFT_BEHIND = "br-a70163d6208d\t0000570A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n"
OFFICE = "tun0\t0007570A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"


def test_a_free_range_is_taken() -> None:
    _check_free("10.88.0.0/16", HEAD + DEFAULT + LEFT_BEHIND + OFFICE)


@pytest.mark.parametrize(
    ("route", "told", "todo"),
    [
        (LEFT_BEHIND, "this machine sends 10.87.0.0/16 to br-a70163d6208d already.", "ip link delete br-a70163d6208d"),
        (OFFICE, "this machine sends 10.87.7.0/24 to tun0 already.", "PORTSIDE_SCHEDULER_SUBNET"),
    ],
)
def test_a_range_that_goes_elsewhere_is_refused(route: str, told: str, todo: str) -> None:
    with pytest.raises(UserError) as refused:
        _check_free("10.87.0.0/16", HEAD + DEFAULT + route)
    assert refused.value.message == f"Instances can't have 10.87.0.0/16: {told}"
    assert todo in refused.value.hint


@pytest.mark.parametrize(
    ("routes", "known", "empty", "expected"),
    [
        (LEFT_BEHIND, [], True, "br-a70163d6208d"),
        (LEFT_BEHIND, ["b" * 64], True, "br-a70163d6208d"),
        (LEFT_BEHIND, ["a70163d6208d" + "0" * 52], True, None),
        (LEFT_BEHIND, [], False, None),
        (LEFT_BEHIND + OFFICE, [], True, None),
        (OFFICE, [], True, None),
        ("", [], True, None),
    ],
    ids=["left behind", "another is known", "it is known", "something is on it", "also elsewhere", "no bridge", "free"],
)
def test_the_bridge_of_an_engine_that_lost_its_data_is_used_again(
    routes: str, known: list[str], empty: bool, expected: str | None
) -> None:
    assert left_behind("10.87.0.0/16", HEAD + DEFAULT + routes, known, lambda device: empty) == expected


def test_a_bridge_of_other_addresses_is_left_alone() -> None:
    assert left_behind("10.87.0.0/24", HEAD + DEFAULT + LEFT_BEHIND, [], lambda device: True) is None

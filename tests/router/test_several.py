"""Two HAProxies with the same records: both serve, one serves for both, and what was down comes back right."""

from __future__ import annotations

import csv
import os
import signal

import pytest

from core.errors import Unavailable, UserError
from core.ids import AppId, new_id
from router import RouterDown, RouterSettings, records
from router.counts import NONE, Counts, total
from router.haproxies import Places
from router.runtime_socket import ask
from tests.router.raw import PATIENCE_S


@pytest.fixture
def pair(start_haproxy):
    """The second one is started beside the first."""
    haproxy = start_haproxy(instances=2, control_timeout_s=3.0)
    haproxy.start(2)
    return haproxy


def tell(haproxy, number: int, command: str) -> str:
    return ask(str(Places.of(haproxy.home, number).worker_socket), command, PATIENCE_S)


def requests(haproxy, number: int) -> int:
    """How many one of them has answered."""
    lines = tell(haproxy, number, "show stat http 1 -1").lstrip("# ").splitlines()
    return int(next(csv.DictReader(lines))["req_tot"])


def reached(haproxy, host: str) -> set[str]:
    """Who answers, asked until both have passed it on: the kernel gives each its part of new connections."""
    before = [requests(haproxy, number) for number in (1, 2)]
    found: set[str] = set()
    while any(requests(haproxy, number) == count for number, count in zip((1, 2), before, strict=True)):
        found.add(haproxy.get(host)[1])
    return found


def used_slots(haproxy) -> int:
    with haproxy.database.read() as session:
        return records.used_slots(session)


def test_the_first_one_has_the_names_that_the_only_one_has(tmp_path):
    assert Places.of(tmp_path).worker_socket == tmp_path / "run" / "router.sock"
    assert Places.of(tmp_path, 2).folder == tmp_path / "router-2"
    assert Places.of(tmp_path, 2).master_socket == tmp_path / "run" / "router-2-master.sock"


@pytest.mark.parametrize("count", [0, 9])
def test_there_is_one_at_least_and_not_any_number(count):
    with pytest.raises(UserError) as caught:
        RouterSettings(instances=count)
    assert caught.value.message == f"There are to be {count} routers; it must be 1 to 8."
    assert caught.value.hint == "Set PORTSIDE_ROUTER_INSTANCES."


def test_what_they_counted_is_added_up():
    one, two = (Counts(errors, (errors,) * len(NONE.steps)) for errors in (1, 2))
    assert total([one, two]) == Counts(3, (3,) * len(NONE.steps))
    assert total([]) == NONE


@pytest.mark.engine
def test_both_are_told_of_each_change(pair, start_app, app_id):
    pair.router.name_app(app_id, "shop")
    pair.router.add_domain(app_id, "www.example.com")
    pair.deploy(app_id, "g1", start_app("one"))
    assert reached(pair, "shop.apps.test") == {"one"}
    assert pair.router.is_routed("www.example.com")
    pair.deploy(app_id, "g2", start_app("two"))
    pair.router.retire(app_id, "g1")
    assert reached(pair, "www.example.com") == {"two"}
    assert pair.router.in_flight(app_id, "g1") == 0


@pytest.mark.engine
@pytest.mark.parametrize("number", [1, 2])
def test_one_that_is_down_holds_nobody_up_and_comes_back_with_todays_routes(pair, start_app, app_id, number):
    pair.router.name_app(app_id, "shop")
    pair.deploy(app_id, "g1", start_app("one"))
    pair.kill(number)
    assert not pair.router.processes.alive(number)
    pair.deploy(app_id, "g2", start_app("two"))
    pair.router.retire(app_id, "g1")
    pair.router.name_app(app_id, "store")
    pair.router.reconcile()
    assert pair.get("store.apps.test") == (200, "two")
    pair.start(number)
    assert reached(pair, "store.apps.test") == {"two"}
    pair.deploy(app_id, "g3", start_app("three"))
    assert reached(pair, "store.apps.test") == {"three"}


@pytest.mark.engine
def test_one_that_hangs_is_waited_for_and_the_other_switches_all_the_same(pair, start_app, app_id):
    """It may still send people to where the route led, so nobody is told that the new route holds."""
    pair.router.name_app(app_id, "shop")
    pair.deploy(app_id, "g1", start_app("one"))
    hanging = pair.pids(2)
    for pid in hanging:
        os.kill(pid, signal.SIGSTOP)
    try:
        with pytest.raises(Unavailable) as caught:
            pair.deploy(app_id, "g2", start_app("two"))
        assert not isinstance(caught.value, RouterDown)
        assert tell(pair, 1, f"get map targets.map {app_id}").count("slot_0001") == 1
    finally:
        for pid in hanging:
            os.kill(pid, signal.SIGCONT)
    pair.router.apply(app_id)
    assert reached(pair, "shop.apps.test") == {"two"}


@pytest.mark.engine
def test_what_one_of_them_forgot_is_mended_and_both_grow(pair, start_app, app_id):
    pair.router.name_app(app_id, "shop")
    pair.deploy(app_id, "g1", start_app("one"))
    for number in range(8):  # one more than the slots that are left
        other = AppId(new_id())
        pair.router.name_app(other, f"app-{number}")
        pair.deploy(other, "g1", start_app(f"app-{number}"))
    assert reached(pair, "app-7.apps.test") == {"app-7"}
    tell(pair, 2, "del map hosts.map shop.apps.test")
    assert not pair.router.is_routed("shop.apps.test")
    pair.router.reconcile()
    assert pair.router.is_routed("shop.apps.test")
    assert reached(pair, "shop.apps.test") == {"one"}


@pytest.mark.engine
def test_a_slot_is_free_once_both_have_emptied_it(pair, start_app, app_id):
    """Else the one that still sends something there would send it to whoever takes the slot next."""
    pair.router.name_app(app_id, "shop")
    pair.deploy(app_id, "g1", start_app("one"))
    pair.deploy(app_id, "g2", start_app("two"))
    hanging = pair.pids(2)
    for pid in hanging:
        os.kill(pid, signal.SIGSTOP)
    try:
        pair.router.retire(app_id, "g1")
        assert used_slots(pair) == 2
    finally:
        for pid in hanging:
            os.kill(pid, signal.SIGCONT)
    pair.router.reconcile()
    assert used_slots(pair) == 1
    assert " one " not in tell(pair, 2, "show servers state")


@pytest.mark.engine
def test_with_both_down_it_is_as_with_the_only_one(pair, app_id):
    pair.kill()
    with pytest.raises(RouterDown):
        pair.router.apply(app_id)
    assert pair.router.listed_addresses() == frozenset()

"""The contract of a RouterControl, kept by the memory that stands in for HAProxy and by HAProxy itself."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from pathlib import Path

import pytest

from core.errors import Unavailable
from router import HaproxyControl, RouterDown
from router.plan import (
    AddServer,
    DropEntry,
    EnableServer,
    MapName,
    MoveServer,
    PutEntry,
    RemoveServer,
    RouteTable,
    Scope,
    Server,
    plan,
)
from router.runtime_socket import Refused

ONE = Server("i-1", "127.0.0.2", 9001)
TWO = Server("i-2", "127.0.0.3", 9002)
APP = "11111111-1111-4111-8111-111111111111"


class MemoryBench:
    """The memory with two ways to make a server busy."""

    def __init__(self, memory):
        self.control = memory

    def occupy(self, slot, server_name):
        self.control.busy[slot, server_name] = 1
        return lambda: self.control.busy.pop((slot, server_name), None)


class HaproxyBench:
    """HAProxy, with real requests that hold a server."""

    def __init__(self, haproxy, until, start_app):
        self.control = haproxy.control
        self.haproxy, self.until, self.start_app = haproxy, until, start_app

    def occupy(self, slot, server_name):
        app = self.start_app(server_name)
        moved = Server(server_name, "127.0.0.1", app.server_port)
        entries = [
            PutEntry(MapName.TARGETS, "busy", slot, new=True),
            PutEntry(MapName.HOSTS, "busy.test", "busy", True),
        ]
        self.control.carry_out([MoveServer(slot, moved), *entries])
        threading.Thread(target=self._request, daemon=True).start()
        assert app.slow_started.wait(20)
        return app.release.set

    def _request(self):
        with contextlib.suppress(OSError, http.client.HTTPException):  # it may be severed
            self.haproxy.get("busy.test", "/slow")


@pytest.fixture(params=["memory", pytest.param("haproxy", marks=pytest.mark.engine)])
def bench(request):
    if request.param == "memory":
        return MemoryBench(request.getfixturevalue("memory"))
    needed = [request.getfixturevalue(name) for name in ("haproxy", "until", "start_app")]
    return HaproxyBench(*needed)


@pytest.fixture
def control(bench):
    return bench.control


def servers_of(control, slot="slot_0001"):
    return control.observe(Scope(slots=frozenset({slot}))).slots[slot]


def test_an_added_server_is_in_its_slot_and_ready(control):
    assert control.carry_out([AddServer("slot_0001", ONE)]) == []
    assert servers_of(control) == {"i-1": ONE}


def test_a_moved_server_has_its_new_address(control):
    control.carry_out([AddServer("slot_0001", ONE)])
    control.carry_out([MoveServer("slot_0001", Server("i-1", "127.0.0.9", 9009))])
    assert servers_of(control) == {"i-1": Server("i-1", "127.0.0.9", 9009)}


def test_an_idle_server_is_removed(control):
    control.carry_out([AddServer("slot_0001", ONE), AddServer("slot_0001", TWO)])
    assert control.carry_out([RemoveServer("slot_0001", "i-1", sever=False)]) == []
    assert servers_of(control) == {"i-2": TWO}


def test_a_busy_server_stays_in_maintenance_until_its_request_ends(bench, control, until):
    control.carry_out([AddServer("slot_0001", ONE)])
    finish = bench.occupy("slot_0001", "i-1")
    removal = RemoveServer("slot_0001", "i-1", sever=False)
    assert control.carry_out([removal]) == [removal]
    assert servers_of(control)["i-1"].ready is False
    assert control.sessions("slot_0001") == 1
    finish()
    until(lambda: control.carry_out([removal]) == [], "the idle server goes")
    assert servers_of(control) == {}
    assert control.sessions("slot_0001") == 0


def test_a_server_in_maintenance_is_enabled_again(bench, control):
    control.carry_out([AddServer("slot_0001", ONE)])
    bench.occupy("slot_0001", "i-1")
    control.carry_out([RemoveServer("slot_0001", "i-1", sever=False)])
    control.carry_out([EnableServer("slot_0001", "i-1")])
    assert servers_of(control)["i-1"].ready is True


def test_severing_frees_a_busy_server(bench, control, until):
    control.carry_out([AddServer("slot_0001", ONE)])
    bench.occupy("slot_0001", "i-1")
    removal = RemoveServer("slot_0001", "i-1", sever=True)
    until(lambda: control.carry_out([removal]) == [], "the severed server goes")
    assert servers_of(control) == {}


def test_entries_are_put_changed_and_dropped(control):
    scope = Scope(apps=frozenset({APP}), hosts=frozenset({"a.test"}))
    control.carry_out(
        [PutEntry(MapName.TARGETS, APP, "slot_0001", new=True), PutEntry(MapName.HOSTS, "a.test", APP, new=True)]
    )
    assert control.observe(scope) == RouteTable({"a.test": APP}, {APP: "slot_0001"}, {})
    control.carry_out([PutEntry(MapName.TARGETS, APP, "slot_0002", new=False)])
    assert control.observe(scope).targets == {APP: "slot_0002"}
    control.carry_out([DropEntry(MapName.TARGETS, APP), DropEntry(MapName.HOSTS, "a.test")])
    assert control.observe(scope) == RouteTable()


def test_only_the_scope_is_observed(control):
    control.carry_out([AddServer("slot_0001", ONE), PutEntry(MapName.HOSTS, "a.test", APP, new=True)])
    assert control.observe(Scope(hosts=frozenset({"b.test"}), slots=frozenset({"slot_0002"}))) == RouteTable(
        {}, {}, {"slot_0002": {}}
    )


def test_without_a_scope_everything_is_observed(control):
    control.carry_out([AddServer("slot_0001", ONE), PutEntry(MapName.HOSTS, "a.test", APP, new=True)])
    table = control.observe(None)
    assert table.hosts == {"a.test": APP}
    assert table.slots == {f"slot_{n:04d}": {"i-1": ONE} if n == 1 else {} for n in range(8)}


def test_a_slot_that_does_not_exist_is_left_out(control):
    assert control.observe(Scope(slots=frozenset({"slot_9999"}))).slots == {}


def test_all_addresses_are_listed(control):
    control.carry_out([AddServer("slot_0001", ONE), AddServer("slot_0002", TWO)])
    assert control.addresses() == {"127.0.0.2", "127.0.0.3"}


def test_a_carried_out_plan_leaves_nothing_to_do(control):
    desired = RouteTable({"a.test": APP}, {APP: "slot_0003"}, {"slot_0003": {"i-1": ONE, "i-2": TWO}})
    control.carry_out(plan(desired, control.observe(None)))
    assert plan(desired, control.observe(None)) == []


def test_no_socket_means_that_the_router_is_down(tmp_path: Path):
    with pytest.raises(RouterDown):
        HaproxyControl(tmp_path / "none.sock", tmp_path / "none.sock", keep_alive_s=1).observe(None)


def test_a_mute_socket_means_unavailable_not_down(tmp_path: Path):
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(tmp_path / "mute.sock"))
        mute.listen()
        control = HaproxyControl(tmp_path / "mute.sock", tmp_path / "mute.sock", keep_alive_s=1, timeout_s=0.2)
        with pytest.raises(Unavailable) as caught:
            control.addresses()
    assert not isinstance(caught.value, RouterDown)
    assert "does not answer" in caught.value.message


def test_what_it_can_not_do_is_refused(control):
    with pytest.raises(Refused, match="No such backend"):
        control.carry_out([AddServer("slot_9999", ONE)])

"""HAProxy refuses what is for one app: the others' routes come to agree with the records nevertheless."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from core.database import Database
from core.ids import AppId, new_id
from router import Backend, Router
from router.control import RouterControl
from router.front_plan import Command, FrontMap
from router.plan import AddServer, RemoveServer, RouteTable, Scope, Step
from router.records import slots_of
from router.refusals import FILE, Refusals
from router.runtime_socket import Refused
from router.tables import SlotState
from tests.router.conftest import MEMORY_SETTINGS, MemoryControl, MemoryFront

ONE, TWO = Backend("i-1", "127.0.0.2", 5001), Backend("i-2", "127.0.0.3", 5002)


class Pretending:
    """A proxy that shows slots which it does not have, so that it refuses what is to be done to them."""

    def __init__(self, control: RouterControl, *slots: str) -> None:
        self.control = control
        self.slots = set(slots)

    def observe(self, scope: Scope | None) -> RouteTable:
        found = self.control.observe(scope)
        shown = {slot: {} for slot in self.slots if scope is None or slot in scope.slots}
        return replace(found, slots={**found.slots, **shown})

    def carry_out(self, steps: Sequence[Step]) -> list[RemoveServer]:
        return self.control.carry_out([self._elsewhere(step) for step in steps])

    def _elsewhere(self, step: Step) -> Step:
        return replace(step, slot="slot_9999") if isinstance(step, AddServer) and step.slot in self.slots else step

    def sessions(self, slot: str) -> int:
        return self.control.sessions(slot)

    def counts(self, generation: str):
        return self.control.counts(generation)

    def addresses(self) -> frozenset[str]:
        return self.control.addresses()

    def reload(self) -> None:
        self.control.reload()


@pytest.fixture(params=["memory", pytest.param("haproxy", marks=pytest.mark.engine)])
def pretending(request: pytest.FixtureRequest) -> Pretending:
    """Without the second slot, and so without the second app's."""
    given = request.getfixturevalue(request.param)
    return Pretending(given if isinstance(given, MemoryControl) else given.control, "slot_0001")


@pytest.fixture
def router(database: Database, pretending: Pretending, memory_front: MemoryFront, tmp_path: Path) -> Router:
    return Router(database, MEMORY_SETTINGS, tmp_path, "apps.test", pretending, memory_front)


@pytest.fixture
def apps(router: Router, database: Database) -> list[AppId]:
    """Three, whose routes are in the records alone."""
    found = [AppId(new_id()) for _ in range(3)]
    for app_id in found:
        point(router, database, app_id, "g1", ONE)
    return found


def point(router: Router, database: Database, app_id: AppId, generation: str, *backends: Backend) -> None:
    with database.write() as session:
        router.point(session, app_id, generation, backends)


def test_others_are_served_and_the_one_is_told(
    router: Router, pretending: Pretending, apps: list[AppId], caplog: pytest.LogCaptureFixture
) -> None:
    first, second, third = apps
    with caplog.at_level(logging.WARNING, "portside.router"):
        router.reconcile()
        router.reconcile()
    assert router.agreement._haproxies().all[0].control.observe(None).targets == {
        first: "slot_0000",
        third: "slot_0002",
    }
    [told] = caplog.messages
    assert told.startswith(f"{second} is not served as the records say: The router refused `add server slot_9999/i-1")
    assert list(router.agreement.refused()) == [second]
    pretending.slots.clear()
    router.reconcile()
    assert pretending.observe(None).targets[second] == "slot_0001"
    assert router.agreement.refused() == {}


def test_who_asks_for_one_app_hears_of_its_own_trouble_alone(router: Router, apps: list[AppId]) -> None:
    router.apply(apps[2])
    with pytest.raises(Refused, match="No such backend"):
        router.apply(apps[1])


def test_what_a_refused_route_was_to_replace_stays(
    router: Router, database: Database, pretending: Pretending, app_id: AppId
) -> None:
    point(router, database, app_id, "g1", ONE)
    router.apply(app_id)
    point(router, database, app_id, "g2", TWO)
    with database.write() as session:
        [former] = slots_of(session, app_id, "g1")
        former.state = SlotState.RETIRED
    router.reconcile()
    found = pretending.observe(None)
    assert (found.targets[app_id], list(found.slots["slot_0000"])) == ("slot_0000", ["i-1"])
    with database.read() as session:
        assert [slot.state for slot in slots_of(session, app_id, "g1")] == [SlotState.RETIRED], "not given away"


class RefusingFront(MemoryFront):
    """Refuses what is for one host."""

    host = ""

    def carry_out(self, commands: Sequence[Command]) -> None:
        for command in commands:
            if command.whose == self.host:
                raise Refused(f"The router refused `{command.text}`")
            super().carry_out([command])


def test_a_host_whose_front_is_refused_holds_up_neither_other_hosts_nor_routes(
    database: Database, memory: MemoryControl, memory_front: MemoryFront, tmp_path: Path, app_id: AppId
) -> None:
    front = RefusingFront(memory_front.current)
    router = Router(database, MEMORY_SETTINGS, tmp_path, "apps.test", memory, front)
    router.add_domain(app_id, "www.example.com")
    front.host = "a.example.com"
    for host in ("a.example.com", "b.example.com"):
        router.add_domain(app_id, host, redirect_to="www.example.com")
    point(router, database, app_id, "g1", ONE)
    router.reconcile()
    assert front.maps[FrontMap.REDIRECTS] == {"b.example.com": "www.example.com"}
    assert memory.observe(None).targets == {app_id: "slot_0000"}
    assert list(router.agreement.refused()) == ["a.example.com"]


@pytest.mark.parametrize(
    ("refused", "left"),
    [
        ("nobody", []),
        ("a.test", ["a.test", "a.test"]),
        ("*.test", ["*.test", "a.test", "b.test", "a.test"]),
    ],
)
def test_what_builds_on_the_refused_is_not_done(refused: str, left: list[str]) -> None:
    done: list[str] = []

    def do(name: str) -> None:
        if name == refused:
            raise Refused("no")
        done.append(name)

    steps, whose = ["*.test", "a.test", "b.test", "a.test", "a.b.test"], str
    refusals = Refusals()
    given: Callable[[str], object] = do
    assert refusals.each_alone(steps, whose, given) == left
    assert sorted(done + left) == sorted(steps)
    assert list(refusals.found) == ([refused] if left else [])


@pytest.mark.parametrize("found", ["", '{"a": ', "\0\0"])
def test_what_a_lost_power_left_of_the_file_holds_nothing_up(
    router: Router, pretending: Pretending, apps: list[AppId], tmp_path: Path, found: str
) -> None:
    told = tmp_path / "run" / FILE
    told.parent.mkdir(exist_ok=True)
    told.write_text(found)
    assert router.agreement.refused() == {}
    router.reconcile()
    assert list(router.agreement.refused()) == [apps[1]]


def test_what_is_refused_for_one_host_stops_nobody_who_needs_the_front_for_another(
    database: Database, memory: MemoryControl, memory_front: MemoryFront, tmp_path: Path, app_id: AppId
) -> None:
    front = RefusingFront(memory_front.current)
    router = Router(database, MEMORY_SETTINGS, tmp_path, "apps.test", memory, front)
    for host in ("www.example.com", "b.example.com"):
        router.add_domain(app_id, host)
    front.host = "a.example.com"
    router.add_domain(app_id, "a.example.com", redirect_to="www.example.com")
    router.agreement.apply_front("www.example.com")
    with pytest.raises(Refused, match=r"redirects\.map a\.example\.com"):
        router.agreement.apply_front("a.example.com")


def test_where_the_refusals_cant_be_told_room_is_made_nevertheless(
    router: Router, apps: list[AppId], tmp_path: Path
) -> None:
    (tmp_path / "run" / FILE).with_suffix(".new").mkdir(parents=True)
    router.reconcile()
    assert router.agreement.refused() == {}

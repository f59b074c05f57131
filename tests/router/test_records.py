"""Routes, slots and hosts in the records, with a memory in HAProxy's place."""

from __future__ import annotations

import pytest

from core.errors import Conflict, NotFound, Unavailable, UserError
from core.ids import AppId, new_id
from router import Backend, DomainKind, Router, RouterSettings
from router.plan import AddServer, MapName, PutEntry, Scope, Server
from router.records import slots_of
from router.tables import SlotRow, SlotState
from tests.router.conftest import MEMORY_SETTINGS, MemoryControl

ONE = Backend("i-1", "10.87.0.2", 5000)
TWO = Backend("i-2", "10.87.0.3", 5000)

EMPTY: dict[MapName, dict[str, str]] = {name: {} for name in MapName}


@pytest.fixture
def router(memory_router):
    return memory_router


def point(router, database, app_id, generation, *backends):
    with database.write() as session:
        router.point(session, app_id, generation, backends)


def deploy(router, database, app_id, generation, *backends):
    point(router, database, app_id, generation, *backends)
    router.apply(app_id)


def states(database, app_id):
    with database.read() as session:
        return {slot.generation: slot.state for slot in slots_of(session, app_id)}


def test_a_new_generation_takes_a_fresh_slot_and_the_former_one_drains(router, database, memory, app_id):
    deploy(router, database, app_id, "g1", ONE)
    memory.steps.clear()
    deploy(router, database, app_id, "g2", TWO)
    assert memory.steps == [
        AddServer("slot_0001", Server("i-2", "10.87.0.3", 5000)),
        PutEntry(MapName.TARGETS, app_id, "slot_0001", new=False),
    ]
    assert states(database, app_id) == {"g1": SlotState.DRAINING, "g2": SlotState.CURRENT}


def test_the_same_generation_changes_members_of_its_slot(router, database, memory, app_id):
    deploy(router, database, app_id, "g1", ONE)
    deploy(router, database, app_id, "g1", TWO)
    assert memory.slots["slot_0000"] == {"i-2": Server("i-2", "10.87.0.3", 5000)}
    assert memory.maps[MapName.TARGETS] == {app_id: "slot_0000"}


def test_an_instance_with_a_new_address_is_moved(router, database, memory, app_id):
    deploy(router, database, app_id, "g1", ONE)
    deploy(router, database, app_id, "g1", Backend("i-1", "10.87.0.9", 5000))
    assert memory.slots["slot_0000"]["i-1"].address == "10.87.0.9"


def test_a_generation_that_comes_back_while_it_drains_takes_its_slot_again(router, database, memory, app_id):
    deploy(router, database, app_id, "g1", ONE)
    deploy(router, database, app_id, "g2", TWO)
    deploy(router, database, app_id, "g1", ONE)
    assert states(database, app_id) == {"g1": SlotState.CURRENT, "g2": SlotState.DRAINING}
    assert memory.maps[MapName.TARGETS] == {app_id: "slot_0000"}


def test_no_backends_means_no_target(router, database, memory, app_id):
    router.name_app(app_id, "shop")
    deploy(router, database, app_id, "g1", ONE)
    deploy(router, database, app_id, "g1")
    assert memory.maps == EMPTY | {MapName.HOSTS: {"shop.apps.test": app_id}}
    assert memory.slots["slot_0000"] == {}


def test_a_generation_without_backends_takes_the_former_out_of_service(router, database, memory, app_id):
    deploy(router, database, app_id, "g1", ONE)
    deploy(router, database, app_id, "g2")
    assert memory.maps[MapName.TARGETS] == {}
    assert states(database, app_id) == {"g1": SlotState.DRAINING}


def test_a_retired_generation_leaves_its_slot_to_the_next(router, database, memory, app_id):
    deploy(router, database, app_id, "g1", ONE)
    deploy(router, database, app_id, "g2", TWO)
    router.retire(app_id, "g1")
    assert memory.slots["slot_0000"] == {}
    deploy(router, database, app_id, "g3", ONE)
    assert memory.maps[MapName.TARGETS] == {app_id: "slot_0000"}


def test_the_current_generation_is_not_retired(router, database, memory, app_id):
    deploy(router, database, app_id, "g1", ONE)
    router.retire(app_id, "g1")
    assert states(database, app_id) == {"g1": SlotState.CURRENT}
    assert "i-1" in memory.slots["slot_0000"]


def test_a_slot_is_not_given_away_before_haproxy_has_emptied_it(router, database, memory, app_id):
    deploy(router, database, app_id, "g1", ONE)
    deploy(router, database, app_id, "g2", TWO)
    memory.down = True
    router.retire(app_id, "g1")
    assert states(database, app_id)["g1"] == SlotState.RETIRED
    assert "10.87.0.2" in router.listed_addresses()
    memory.down = False
    router.reconcile()
    assert states(database, app_id) == {"g2": SlotState.CURRENT}
    assert router.listed_addresses() == {"10.87.0.3"}


def test_an_address_stays_listed_while_a_removed_server_is_busy(router, database, memory, app_id):
    deploy(router, database, app_id, "g1", ONE, TWO)
    memory.busy["slot_0000", "i-1"] = 1
    deploy(router, database, app_id, "g1", TWO)
    assert router.listed_addresses() == {"10.87.0.2", "10.87.0.3"}
    memory.busy.clear()
    router.reconcile()
    assert router.listed_addresses() == {"10.87.0.3"}


def test_apply_says_when_haproxy_does_not_answer_and_reconcile_makes_up_for_it(router, database, memory, app_id):
    point(router, database, app_id, "g1", ONE)
    memory.down = True
    with pytest.raises(Unavailable):
        router.apply(app_id)
    memory.down = False
    router.reconcile()
    assert memory.maps[MapName.TARGETS] == {app_id: "slot_0000"}


def test_point_is_undone_with_its_transaction(router, database, memory, app_id):
    with database.write() as session:
        router.point(session, app_id, "g1", [ONE])
        session.rollback()
    router.reconcile()
    assert memory.steps == []


def test_reconcile_mends_whatever_haproxy_has_wrong(router, database, memory, app_id):
    router.name_app(app_id, "shop")
    deploy(router, database, app_id, "g1", ONE)
    memory.slots["slot_0000"] = {"stray": Server("stray", "10.87.0.99", 1)}
    memory.slots["slot_0005"] = {"stray": Server("stray", "10.87.0.99", 1)}
    memory.maps[MapName.HOSTS] = {"stray.test": "nobody"}
    memory.maps[MapName.TARGETS] = {app_id: "slot_0005", "nobody": "slot_0005"}
    router.reconcile()
    targets = {app_id: "slot_0000"}
    assert memory.maps == EMPTY | {MapName.HOSTS: {"shop.apps.test": app_id}, MapName.TARGETS: targets}
    assert memory.slots["slot_0000"] == {"i-1": Server("i-1", "10.87.0.2", 5000)}
    assert memory.slots["slot_0005"] == {}
    memory.steps.clear()
    router.reconcile()
    assert memory.steps == []


def test_apply_leaves_other_apps_alone(router, database, memory, app_id):
    other = AppId(new_id())
    deploy(router, database, other, "g1", TWO)
    deploy(router, database, app_id, "g1", ONE)
    assert memory.observe(Scope(apps=frozenset({other}))).targets == {other: "slot_0000"}


def test_the_url_has_the_port_unless_it_is_80(router, database, app_id, tmp_path, memory):
    router.name_app(app_id, "shop")
    assert router.url(app_id) == "http://shop.apps.test:8080"
    assert Router(database, RouterSettings(http_port=80), tmp_path, "apps.test", memory).url(app_id) == (
        "http://shop.apps.test"
    )
    assert router.urls() == {app_id: "http://shop.apps.test:8080"}


def test_an_unknown_app_has_no_url(router, app_id):
    with pytest.raises(NotFound):
        router.url(app_id)


def test_a_renamed_app_gives_its_former_name_free(router, memory, app_id):
    other = AppId(new_id())
    router.name_app(app_id, "shop")
    with pytest.raises(Conflict, match=r"shop\.apps\.test belongs to another app"):
        router.name_app(other, "shop")
    router.name_app(app_id, "store")
    router.name_app(other, "shop")
    assert memory.maps[MapName.HOSTS] == {"store.apps.test": app_id, "shop.apps.test": other}


def test_domains_are_listed_with_the_platforms_own_first(router, app_id):
    router.name_app(app_id, "shop")
    added = router.add_domain(app_id, "Www.Example.com")
    first, second = router.domains(app_id)
    assert (first.host, first.kind) == ("shop.apps.test", DomainKind.PLATFORM)
    assert second == added
    assert (added.host, added.kind) == ("www.example.com", DomainKind.CUSTOM)


def test_a_host_belongs_to_one_app(router, app_id):
    router.add_domain(app_id, "www.example.com")
    with pytest.raises(Conflict, match="belongs to another app"):
        router.add_domain(AppId(new_id()), "www.example.com")
    with pytest.raises(Conflict, match="belongs to this app"):
        router.add_domain(app_id, "www.example.com")


def test_only_an_apps_own_custom_domain_can_be_removed(router, app_id):
    router.name_app(app_id, "shop")
    router.add_domain(app_id, "www.example.com")
    with pytest.raises(NotFound):
        router.remove_domain(AppId(new_id()), "www.example.com")
    with pytest.raises(UserError, match="comes from the app's name"):
        router.remove_domain(app_id, "shop.apps.test")
    router.remove_domain(app_id, "WWW.example.com.")
    assert [domain.host for domain in router.domains(app_id)] == ["shop.apps.test"]


def test_hosts_are_recorded_while_haproxy_is_down(router, memory, app_id):
    memory.down = True
    router.name_app(app_id, "shop")
    router.add_domain(app_id, "www.example.com")
    memory.down = False
    router.reconcile()
    assert memory.maps[MapName.HOSTS] == {"shop.apps.test": app_id, "www.example.com": app_id}


def test_a_forgotten_app_leaves_nothing(router, database, memory, app_id):
    router.name_app(app_id, "shop")
    router.add_domain(app_id, "www.example.com")
    deploy(router, database, app_id, "g1", ONE)
    router.forget_app(app_id)
    assert memory.maps == EMPTY
    assert memory.slots["slot_0000"] == {}
    assert states(database, app_id) == {}
    assert router.listed_addresses() == frozenset()


@pytest.mark.parametrize(
    ("instance_id", "address", "port"),
    [
        ("i-1\nset map", "10.0.0.1", 80),
        ("i 1", "10.0.0.1", 80),
        ("", "10.0.0.1", 80),
        ("i-1", "10.0.0.1 check", 80),
        ("i-1", "example.com", 80),
        ("i-1", "10.0.0.1", 0),
        ("i-1", "10.0.0.1", 70000),
    ],
)
def test_a_backend_that_could_carry_a_command_is_refused(instance_id, address, port):
    with pytest.raises(ValueError, match=r"not a|Expected|Only|Octet|Leading|not permitted"):
        Backend(instance_id, address, port)


@pytest.mark.parametrize(
    ("used", "lowest"),
    [([], 0), ([0], 1), ([1], 0), ([0, 1, 2], 3), ([0, 2, 3], 1), ([0, 1, 3, 9], 2), ([*range(99), 100], 99)],
)
def test_the_free_slot_with_the_lowest_number_is_taken(router, database, app_id, used, lowest):
    with database.write() as session:
        session.add_all(SlotRow(number=number, app_id="other", generation="g", state="current") for number in used)
        router.point(session, app_id, "g1", [ONE])
        assert [slot.number for slot in slots_of(session, app_id)] == [lowest]


class ObservedControl(MemoryControl):
    """Keeps what was looked at."""

    looked_at: tuple[Scope | None, ...] = ()

    def observe(self, scope):
        self.looked_at = (*self.looked_at, scope)
        return super().observe(scope)


def test_a_switch_looks_at_its_own_app_alone(database, memory_front, app_id, tmp_path):
    control = ObservedControl([f"slot_{number:04d}" for number in range(8)])
    router = Router(database, MEMORY_SETTINGS, tmp_path, "apps.test", control, memory_front)
    for number in range(3):
        other = AppId(new_id())
        router.name_app(other, f"other{number}")
        deploy(router, database, other, "g1", ONE)
    router.name_app(app_id, "shop")
    control.looked_at = ()
    deploy(router, database, app_id, "g1", ONE)
    mine = Scope(frozenset({"shop.apps.test"}), frozenset({app_id}), frozenset({"slot_0003"}))
    assert control.looked_at == (mine,)

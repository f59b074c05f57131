"""The plan, thrown at random pairs of tables."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from router.plan import (
    AddServer,
    DropEntry,
    EnableServer,
    MapName,
    MoveServer,
    PutEntry,
    RemoveServer,
    RouteTable,
    Server,
    missing_slots,
    plan,
)

SLOTS = ["slot_0000", "slot_0001", "slot_0002", "slot_0003"]
APPS = ["app-a", "app-b", "app-c"]
NAMES = ["i-1", "i-2", "i-3"]


@st.composite
def servers(draw, ready):
    names = draw(st.sets(st.sampled_from(NAMES)))
    port = st.integers(1, 3)
    return {name: Server(name, "10.87.0.2", draw(port), draw(st.booleans()) if not ready else True) for name in names}


@st.composite
def desired_tables(draw):
    """As the records make them: a target is a slot of the table, with at least one server."""
    slots = draw(st.dictionaries(st.sampled_from(SLOTS), servers(ready=True)))
    filled = [slot for slot in slots if slots[slot]]
    targets = draw(st.dictionaries(st.sampled_from(APPS), st.sampled_from(filled))) if filled else {}
    hosts = draw(st.dictionaries(st.sampled_from(["a.test", "b.test", "c.test"]), st.sampled_from(APPS)))
    holds = draw(st.dictionaries(st.sampled_from(APPS), st.sampled_from(["1.000", "2.000"])))
    counted = draw(st.dictionaries(st.sampled_from(SLOTS), st.sampled_from(["g1", "g2"])))
    return RouteTable(hosts, targets, slots, holds, counted)


@st.composite
def observed_tables(draw):
    """Anything that HAProxy may hold; it always has all slots."""
    slots = {slot: draw(servers(ready=False)) for slot in SLOTS}
    targets = draw(st.dictionaries(st.sampled_from(APPS), st.sampled_from(SLOTS)))
    hosts = draw(st.dictionaries(st.sampled_from(["a.test", "b.test", "d.test"]), st.sampled_from(APPS)))
    holds = draw(st.dictionaries(st.sampled_from(APPS), st.sampled_from(["1.000", "3.000"])))
    counted = draw(st.dictionaries(st.sampled_from(SLOTS), st.sampled_from(["g1", "g3"])))
    return RouteTable(hosts, targets, slots, holds, counted)


def perform(table, step):
    """What one step makes of a table."""
    slots = {slot: dict(members) for slot, members in table.slots.items()}
    maps = {
        MapName.HOSTS: dict(table.hosts),
        MapName.TARGETS: dict(table.targets),
        MapName.HOLDS: dict(table.holds),
        MapName.COUNTED: dict(table.counted),
    }
    match step:
        case AddServer(slot, server):
            assert server.name not in slots[slot]
            slots[slot][server.name] = server
        case MoveServer(slot, server):
            old = slots[slot][server.name]
            slots[slot][server.name] = Server(server.name, server.address, server.port, old.ready)
        case EnableServer(slot, name):
            old = slots[slot][name]
            slots[slot][name] = Server(name, old.address, old.port)
        case RemoveServer(slot, name, _):
            del slots[slot][name]
        case PutEntry(name, key, value, new):
            assert new == (key not in maps[name])
            maps[name][key] = value
        case DropEntry(name, key):
            del maps[name][key]
    return RouteTable(maps[MapName.HOSTS], maps[MapName.TARGETS], slots, maps[MapName.HOLDS], maps[MapName.COUNTED])


def history(desired, observed):
    tables = [observed]
    for step in plan(desired, observed):
        tables.append(perform(tables[-1], step))
    return tables


@given(desired_tables(), observed_tables())
def test_after_all_steps_the_tables_agree(desired, observed):
    final = history(desired, observed)[-1]
    assert (final.hosts, final.targets) == (desired.hosts, desired.targets)
    assert final.slots == {slot: desired.slots.get(slot, {}) for slot in SLOTS}


@given(desired_tables(), observed_tables())
def test_a_second_plan_has_no_steps(desired, observed):
    assert plan(desired, history(desired, observed)[-1]) == []


@given(desired_tables(), observed_tables())
def test_a_target_that_is_wanted_never_lacks_its_servers(desired, observed):
    for table in history(desired, observed):
        for app, slot in desired.targets.items():
            if table.targets.get(app) == slot and observed.targets.get(app) != slot:
                assert desired.slots[slot].keys() <= {s.name for s in table.slots[slot].values() if s.ready}


@given(desired_tables(), observed_tables())
def test_servers_of_the_slot_in_use_stay_until_the_switch(desired, observed):
    for table in history(desired, observed):
        for app, slot in observed.targets.items():
            if desired.targets.get(app) not in (None, slot) and table.targets[app] == slot:
                assert observed.slots[slot].keys() <= table.slots[slot].keys()


@given(desired_tables(), observed_tables())
def test_an_app_switches_in_one_step_at_most(desired, observed):
    changed = [step.key for step in plan(desired, observed) if getattr(step, "map", None) == MapName.TARGETS]
    assert len(changed) == len(set(changed))


def test_a_switch_adds_then_switches_and_keeps_the_draining_slot():
    old, new = Server("i-1", "10.87.0.2", 80), Server("i-2", "10.87.0.3", 80)
    observed = RouteTable({"a.test": "app-a"}, {"app-a": "slot_0000"}, {"slot_0000": {"i-1": old}, "slot_0001": {}})
    desired = RouteTable(
        {"a.test": "app-a"}, {"app-a": "slot_0001"}, {"slot_0000": {"i-1": old}, "slot_0001": {"i-2": new}}
    )
    assert plan(desired, observed) == [
        AddServer("slot_0001", new),
        PutEntry(MapName.TARGETS, "app-a", "slot_0001", new=False),
    ]


def test_a_member_leaves_gently_and_an_abandoned_slot_at_once():
    one = Server("i-1", "10.87.0.2", 80)
    observed = RouteTable(slots={"slot_0000": {"i-1": one}, "slot_0001": {"i-1": one}})
    assert plan(RouteTable(slots={"slot_0000": {}}), observed) == [
        RemoveServer("slot_0000", "i-1", sever=False),
        RemoveServer("slot_0001", "i-1", sever=True),
    ]


def test_slots_that_haproxy_lacks_are_named():
    assert missing_slots(RouteTable(slots={"slot_0099": {}}), RouteTable(slots={"slot_0000": {}})) == {"slot_0099"}

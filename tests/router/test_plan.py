"""The plan, thrown at random pairs of tables."""

from __future__ import annotations

import functools

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


def entries(keys, values):
    """Some of the keys, each with one of the values. Made once: making a strategy takes longer than to draw from it."""
    return st.dictionaries(st.sampled_from(keys), st.sampled_from(values))


def servers(ready):
    port, is_ready = st.integers(1, 3), st.just(True) if ready else st.booleans()
    found = st.dictionaries(st.sampled_from(NAMES), st.tuples(port, is_ready))
    return found.map(lambda drawn: {name: Server(name, "10.87.0.2", *rest) for name, rest in drawn.items()})


FILLED = st.dictionaries(st.sampled_from(SLOTS), servers(ready=True))
TARGETS = functools.cache(lambda slots: entries(APPS, slots))


REST = st.tuples(
    entries(["a.test", "b.test", "c.test"], APPS), entries(APPS, ["0", "1.000", "2.000"]), entries(SLOTS, ["g1", "g2"])
)


@st.composite
def desired_tables(draw):
    """As the records make them: a target is a slot of the table, with at least one server."""
    slots = draw(FILLED)
    filled = tuple(slot for slot in slots if slots[slot])
    targets = draw(TARGETS(filled)) if filled else {}
    hosts, holds, counted = draw(REST)
    return RouteTable(hosts, targets, slots, holds, counted)


def _observed(drawn):
    slots, targets, hosts, holds, counted = drawn
    return RouteTable(hosts, targets, dict(zip(SLOTS, slots, strict=True)), holds, counted)


DESIRED = desired_tables()
OBSERVED = st.tuples(
    st.tuples(*[servers(ready=False)] * len(SLOTS)),
    entries(APPS, SLOTS),
    entries(["a.test", "b.test", "d.test"], APPS),
    entries(APPS, ["0", "1.000", "3.000"]),
    entries(SLOTS, ["g1", "g3"]),
).map(_observed)
"""Anything that HAProxy may hold; it always has all slots."""


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


@given(DESIRED, OBSERVED)
def test_after_all_steps_the_tables_agree(desired, observed):
    final = history(desired, observed)[-1]
    assert (final.hosts, final.targets) == (desired.hosts, desired.targets)
    assert final.slots == {slot: desired.slots.get(slot, {}) for slot in SLOTS}


@given(DESIRED, OBSERVED)
def test_a_second_plan_has_no_steps(desired, observed):
    assert plan(desired, history(desired, observed)[-1]) == []


@given(DESIRED, OBSERVED)
def test_a_target_that_is_wanted_never_lacks_its_servers(desired, observed):
    for table in history(desired, observed):
        for app, slot in desired.targets.items():
            if table.targets.get(app) == slot and observed.targets.get(app) != slot:
                assert desired.slots[slot].keys() <= {s.name for s in table.slots[slot].values() if s.ready}


@given(DESIRED, OBSERVED)
def test_servers_of_the_slot_in_use_stay_until_the_switch(desired, observed):
    for table in history(desired, observed):
        for app, slot in observed.targets.items():
            if desired.targets.get(app) not in (None, slot) and table.targets[app] == slot:
                assert observed.slots[slot].keys() <= table.slots[slot].keys()


@given(DESIRED, OBSERVED)
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


def test_an_app_that_is_counted_and_held_goes_on_only_at_its_new_slot():
    old, new = Server("i-1", "10.87.0.2", 80), Server("i-2", "10.87.0.3", 80)
    slots = {"slot_0000": {"i-1": old}, "slot_0001": {"i-2": new}}
    observed = RouteTable({}, {"app-a": "slot_0000"}, {"slot_0000": {"i-1": old}, "slot_0001": {}}, {"app-a": "9.000"})
    desired = RouteTable({}, {"app-a": "slot_0001"}, slots, {"app-a": "0"})
    assert plan(desired, observed) == [
        AddServer("slot_0001", new),
        PutEntry(MapName.TARGETS, "app-a", "slot_0001", new=False),
        PutEntry(MapName.HOLDS, "app-a", "0", new=False),
    ]


def test_a_hold_begins_before_all_else():
    observed = RouteTable({}, {"app-a": "slot_0000"}, {"slot_0000": {}, "slot_0001": {}}, {"app-a": "0"})
    desired = RouteTable({}, {"app-a": "slot_0001"}, {"slot_0000": {}, "slot_0001": {}}, {"app-a": "9.000"})
    assert plan(desired, observed)[0] == PutEntry(MapName.HOLDS, "app-a", "9.000", new=False)

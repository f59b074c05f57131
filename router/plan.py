"""What to tell HAProxy so that it agrees with the records. Pure.

Both sides are a `RouteTable`. A host leads to an app, an app to a slot (its target), a slot to servers; so all hosts of
an app switch with one change of its target. Steps come in an order that never leaves a target without its servers:
add servers, then change the maps, then remove servers. What is held goes on only after its target has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class MapName(StrEnum):
    """HAProxy's maps, by the names that its configuration and its runtime API use."""

    HOSTS = "hosts.map"
    TARGETS = "targets.map"
    HOLDS = "holds.map"
    COUNTED = "counted.map"


@dataclass(frozen=True)
class Server:
    """One server of a slot. `ready` is false while it is in maintenance: it finishes what it has, and gets no more.

    `h2c`: it is spoken to in HTTP/2. HAProxy does not tell, but all servers of a slot are alike, from first to last.
    """

    name: str
    address: str
    port: int
    ready: bool = True
    h2c: bool = False


Servers = Mapping[str, Server]


@dataclass(frozen=True)
class Scope:
    """The part of the table that one turn looks at."""

    hosts: frozenset[str] = frozenset()
    apps: frozenset[str] = frozenset()
    slots: frozenset[str] = frozenset()


NOT_HELD = "0"
"""What `holds` has for an app that is counted, and not held."""


@dataclass(frozen=True)
class RouteTable:
    """`hosts`: host → app id; `targets`: app id → slot; `slots`: slot → its servers by name.

    `holds`: app id → until when its requests are held, in seconds since the epoch; 0 for one that is counted and not
    held: requests to all that have an entry pass every rule.
    `counted`: slot → the generation that its answers are counted for.
    """

    hosts: Mapping[str, str] = field(default_factory=dict)
    targets: Mapping[str, str] = field(default_factory=dict)
    slots: Mapping[str, Servers] = field(default_factory=dict)
    holds: Mapping[str, str] = field(default_factory=dict)
    counted: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AddServer:
    """Put a server into a slot, checked and ready."""

    slot: str
    server: Server


@dataclass(frozen=True)
class MoveServer:
    """Give a server its right address."""

    slot: str
    server: Server


@dataclass(frozen=True)
class EnableServer:
    """Take a server out of maintenance."""

    slot: str
    name: str


@dataclass(frozen=True)
class RemoveServer:
    """Take a server out of its slot. HAProxy refuses while requests are on it, unless `sever` cuts them off first."""

    slot: str
    name: str
    sever: bool


@dataclass(frozen=True)
class PutEntry:
    """Set a map's entry; `new` when the map has none for this key yet."""

    map: MapName
    key: str
    value: str
    new: bool


@dataclass(frozen=True)
class DropEntry:
    """Remove a map's entry."""

    map: MapName
    key: str


Step = AddServer | MoveServer | EnableServer | RemoveServer | PutEntry | DropEntry


def missing_slots(desired: RouteTable, observed: RouteTable) -> frozenset[str]:
    """The slots that HAProxy does not have yet: only a new configuration can make them."""
    return frozenset(desired.slots.keys() - observed.slots.keys())


def plan(desired: RouteTable, observed: RouteTable) -> list[Step]:
    """The steps from `observed` to `desired`, in order; none when they agree.

    Both cover the same scope, and HAProxy has every slot that is desired (see `missing_slots`).
    """
    held = {app: until for app, until in desired.holds.items() if until != NOT_HELD}
    return [
        *_put_entries(MapName.HOLDS, held, observed.holds),
        *_put_entries(MapName.COUNTED, desired.counted, observed.counted),
        *_add_servers(desired, observed),
        *_put_entries(MapName.TARGETS, desired.targets, observed.targets),
        *_put_entries(MapName.HOSTS, desired.hosts, observed.hosts),
        *_put_entries(MapName.HOLDS, desired.holds, {**observed.holds, **held}),
        *_drop_entries(MapName.HOLDS, desired.holds, observed.holds),
        *_drop_entries(MapName.HOSTS, desired.hosts, observed.hosts),
        *_drop_entries(MapName.TARGETS, desired.targets, observed.targets),
        *_drop_entries(MapName.COUNTED, desired.counted, observed.counted),
        *_remove_servers(desired, observed),
    ]


def owner_of(desired: RouteTable, observed: RouteTable) -> Callable[[Step], str]:
    """Gives whom a step of `plan` is for: an app, or a slot that no app's target is. Steps for one may build on one
    another, those for different ones never do."""
    apps = {slot: app for table in (observed, desired) for app, slot in table.targets.items()}

    def whose(step: Step) -> str:
        match step:
            case PutEntry(MapName.HOSTS, _, app):
                return app
            case DropEntry(MapName.HOSTS, host):
                return observed.hosts[host]
            case PutEntry(MapName.COUNTED, slot) | DropEntry(MapName.COUNTED, slot):
                return apps.get(slot, slot)
            case PutEntry(_, app) | DropEntry(_, app):
                return app
        return apps.get(step.slot, step.slot)

    return whose


def _add_servers(desired: RouteTable, observed: RouteTable) -> Iterator[Step]:
    for slot, wanted in sorted(desired.slots.items()):
        present = observed.slots[slot]
        for name, server in sorted(wanted.items()):
            found = present.get(name)
            if found is None:
                yield AddServer(slot, server)
                continue
            if (found.address, found.port) != (server.address, server.port):
                yield MoveServer(slot, server)
            if not found.ready:
                yield EnableServer(slot, name)


def _put_entries(name: MapName, desired: Mapping[str, str], observed: Mapping[str, str]) -> Iterator[Step]:
    for key, value in sorted(desired.items()):
        if observed.get(key) != value:
            yield PutEntry(name, key, value, new=key not in observed)


def _drop_entries(name: MapName, desired: Mapping[str, str], observed: Mapping[str, str]) -> Iterator[Step]:
    for key in sorted(observed.keys() - desired.keys()):
        yield DropEntry(name, key)


def _remove_servers(desired: RouteTable, observed: RouteTable) -> Iterator[Step]:
    for slot, present in sorted(observed.slots.items()):
        wanted = desired.slots.get(slot, {})
        for name in sorted(present.keys() - wanted.keys()):
            yield RemoveServer(slot, name, sever=slot not in desired.slots)

"""What HAProxy does with a host besides routing it, and what to tell it so that it agrees with the records. Pure.

These tables change when people change domains, never with a deploy, so the switch of a route does not touch them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class FrontMap(StrEnum):
    """HAProxy's maps by host, or by app, by the names that its configuration and its runtime API use."""

    REDIRECTS = "redirects.map"
    MAINTENANCE = "maintenance.map"


@dataclass(frozen=True)
class FrontTable:
    """`maps`: each map's entries, by host."""

    maps: Mapping[FrontMap, Mapping[str, str]] = field(default_factory=dict)

    def entries(self, name: FrontMap) -> Mapping[str, str]:
        return self.maps.get(name, {})


@dataclass(frozen=True)
class Command:
    """One command to HAProxy's runtime API, with how its good answer ends ("": no answer at all)."""

    text: str
    good: str = ""


def plan(desired: FrontTable, observed: FrontTable) -> list[Command]:
    """The commands from `observed` to `desired`, in order; none when they agree."""
    return [command for name in FrontMap for command in _entries(name, desired.entries(name), observed.entries(name))]


def _entries(name: FrontMap, desired: Mapping[str, str], observed: Mapping[str, str]) -> Iterator[Command]:
    for key, value in sorted(desired.items()):
        if observed.get(key) != value:
            yield Command(f"{'set' if key in observed else 'add'} map {name} {key} {value}")
    for key in sorted(observed.keys() - desired.keys()):
        yield Command(f"del map {name} {key}")


def files(table: FrontTable) -> dict[str, str]:
    """The files that HAProxy reads when it starts."""
    return {name.value: map_lines(table.entries(name)) for name in FrontMap}


def map_lines(entries: Mapping[str, str]) -> str:
    """A map as HAProxy's file."""
    return "".join(f"{key} {value}\n" for key, value in sorted(entries.items()))

"""The instances of an app as lines of a list: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scheduler import Instance, InstanceState
from web.pages import states
from web.pages.states import Badge

_LIVE: Final = (InstanceState.STARTING, InstanceState.RUNNING, InstanceState.CRASHED)


@dataclass(frozen=True)
class InstanceLine:
    """One instance. `can_change`: it can be restarted and stopped. `is_warm`: it is kept frozen for a rollback."""

    process: str
    badge: Badge
    version: int
    since: datetime
    detail: str
    next_attempt_at: datetime | None
    can_change: bool
    is_warm: bool

    @property
    def kind(self) -> str:
        """Its process type."""
        return self.process.rpartition(".")[0]


def instance_lines(instances: Sequence[Instance], current: int | None = None) -> list[InstanceLine]:
    """The instances that are not gone, by process type and number, the newest first among namesakes.

    Those of the release `current` can be changed.
    """
    shown = [instance for instance in instances if instance.state is not InstanceState.STOPPED]
    shown.sort(key=lambda instance: instance.created_at, reverse=True)
    shown.sort(key=lambda instance: _order(instance.process))
    return [
        InstanceLine(
            found.process,
            states.of_instance(found),
            found.version,
            found.created_at,
            found.detail,
            found.next_attempt_at,
            can_change=found.version == current and found.state in _LIVE,
            is_warm=found.state is InstanceState.WARM,
        )
        for found in shown
    ]


def type_order(process_type: str) -> tuple[bool, str]:
    """`web` first, then by name."""
    return process_type != "web", process_type


def _order(process: str) -> tuple[bool, str, int]:
    name, _, number = process.rpartition(".")
    return *type_order(name), int(number) if number.isdecimal() else 0

"""Sizes: what an instance of a process type may use, as `512m`, `512m:0.5` or `512m:0.5:128`; pure.

Memory, CPUs and the most processes and threads, in that order; what is left out is the server's own limit, and
`standard` is that for all three.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from core.errors import UserError
from scheduler.runtime import Capacity
from scheduler.settings import SchedulerSettings
from scheduler.types import STANDARD, Limits

LEAST_MEMORY_MB = 16  # the engine itself takes 6 and more; under this no runtime of a language starts
LEAST_CPUS = 0.05
LEAST_PIDS, MOST_PIDS = 16, 32768
EXAMPLE = "For example: portside ps:type web=512m, or web=512m:0.5 for half a CPU, or web=standard."
_SIZE = re.compile(r"^([0-9]{1,6}(?:\.[0-9]{1,2})?)(m|mb|g|gb)?(?::([0-9]{1,3}(?:\.[0-9]{1,3})?))?(?::([0-9]{1,6}))?$")


def canonical(text: str) -> str:
    """A size in the one form that is stored: `1g:1` becomes `1024m:1`. UserError for what is no size."""
    if text.strip().lower() == STANDARD:
        return STANDARD
    memory_mb, cpus, pids = _parsed(text)
    if pids is not None and not LEAST_PIDS <= pids <= MOST_PIDS:
        raise UserError(f"{pids} processes are not possible: {LEAST_PIDS} to {MOST_PIDS} are.", EXAMPLE)
    parts = [f"{memory_mb}m"]
    parts += [f"{cpus:g}"] if cpus is not None else []
    parts += [str(pids)] if pids is not None else []
    return ":".join(parts)


def limits_of(size: str, settings: SchedulerSettings) -> Limits:
    """What a stored size means on this server."""
    if size == STANDARD:
        return Limits(settings.memory_mb, settings.cpus, settings.pids)
    memory_mb, cpus, pids = _parsed(size)
    return Limits(memory_mb, settings.cpus if cpus is None else cpus, settings.pids if pids is None else pids)


def limits_for(sizes: Mapping[str, str], process_type: str, settings: SchedulerSettings) -> Limits:
    """What an instance of a type may use; a type that has no size of its own is `standard`."""
    return limits_of(sizes.get(process_type, STANDARD), settings)


def require_room(process_type: str, size: str, settings: SchedulerSettings, capacity: Capacity) -> None:
    """UserError for a size that no host could hold, or that nothing could run in."""
    limits = limits_of(size, settings)
    if not LEAST_MEMORY_MB <= limits.memory_mb <= capacity.memory_mb:
        raise UserError(
            f"{process_type} can't have {limits.memory_mb} MB of memory: "
            f"an instance has {LEAST_MEMORY_MB} to {capacity.memory_mb} MB, which is all that the host has.",
            EXAMPLE,
        )
    if not LEAST_CPUS <= limits.cpus <= capacity.cpus:
        raise UserError(
            f"{process_type} can't have {limits.cpus:g} CPUs: "
            f"an instance has {LEAST_CPUS:g} to {capacity.cpus:g}, which is all that the host has.",
            EXAMPLE,
        )


def _parsed(text: str) -> tuple[int, float | None, int | None]:
    found = _SIZE.match(text.strip().lower())
    if found is None:
        raise UserError(f"{text!r} is not a size. A size is MEMORY[:CPUS[:PROCESSES]], or standard.", EXAMPLE)
    amount, unit, cpus, pids = found.groups()
    memory_mb = round(float(amount) * (1024 if unit in ("g", "gb") else 1))
    return memory_mb, float(cpus) if cpus else None, int(pids) if pids else None

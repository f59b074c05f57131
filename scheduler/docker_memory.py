"""How much memory a container holds, and how much its host could still give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

_MEMINFO = Path("/proc/meminfo")
_MB = 1024 * 1024


def held_mb(stats: dict[str, Any]) -> int | None:
    """From the engine's `GET /containers/ID/stats`: what is used but for file cache, as `docker stats` shows it.

    https://docs.docker.com/reference/cli/docker/container/stats/ (cgroup v1 calls the cache `total_inactive_file`).
    """
    memory = stats.get("memory_stats") or {}
    if "usage" not in memory:
        return None
    details = memory.get("stats") or {}
    cache = details.get("total_inactive_file", details.get("inactive_file", 0))
    return -(-max(0, int(memory["usage"]) - int(cache)) // _MB)


def available_mb(engine: str, meminfo: Path = _MEMINFO) -> int | None:
    """`MemAvailable` of /proc/meminfo (proc(5)): what new programs could have without swapping.

    None for an engine, by the client's URL of it, that is not reached by a socket of this machine.
    """
    if not engine.startswith("http+docker://"):
        return None
    try:
        lines = meminfo.read_text().splitlines()
    except OSError:
        return None
    kilobytes = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(kilobytes[0]) // 1024 if kilobytes else None

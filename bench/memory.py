"""The memory that the control plane takes."""

from __future__ import annotations

import time
from pathlib import Path

import psutil

from bench.bed import Bed, must
from bench.figures import Row
from server import procfs

IDLE_S = 15.0
MB = 1_000_000


def idle(bed: Bed) -> Row:
    """The proportional set size (PSS) of supervisord and everything under it, 15 s after a push of an app has ended.

    Every process of the platform counts: supervisord, redis, registry, HAProxy's two, gunicorn's two, gateway,
    worker. The engine and the apps do not. Read from /proc/PID/smaps_rollup at one moment.
    """
    app = bed.app("instant")
    app.change()
    must(app.push())
    time.sleep(IDLE_S)
    parts = part_bytes(bed.platform.home / "run")
    app.destroy()
    told = ", ".join(f"{name} {size / MB:.0f}" for name, size in parts.items())
    kept = {name: [size / MB] for name, size in parts.items()}
    total = sum(parts.values()) / MB
    return Row("memory of the control plane, idle", f"{total:.0f} MB (PSS)", "", total, 250, "MB", told, kept)


def part_bytes(run: Path) -> dict[str, int]:
    """PSS by part, the largest first: each with the processes that it has started."""
    found = {name: sum(procfs.memory_bytes(pid) for pid in pids) for name, pids in part_pids(run).items()}
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def part_pids(run: Path) -> dict[str, list[int]]:
    """The processes of each part that runs, with those that they have started."""
    found = {}
    for path in run.glob("*.process"):
        record = procfs.read_record(path)
        if record is None or not procfs.is_alive(record):
            continue
        below = [] if path.stem == "supervisord" else psutil.Process(record.pid).children(recursive=True)
        found[path.stem] = [record.pid, *(child.pid for child in below)]
    return found

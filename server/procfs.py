"""Who a process is, from /proc (see proc(5)): exactly, so that a reused pid is never taken for one of ours.

A process is named by its pid, its start time in clock ticks since boot, and the boot itself. `exec` keeps all three,
so a part writes its own record and then becomes the program that it is named after.
"""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

POLL_S = 0.05
_STATE, _GROUP, _START = 0, 2, 19  # fields of /proc/PID/stat counted from the state, which follows the name


@dataclass(frozen=True)
class ProcessRecord:
    """One process for ever: no other has the same pid, start (ticks since boot) and boot id."""

    pid: int
    start: int
    boot: str


def boot_id() -> str:
    """The random id of this boot of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    return text[text.rindex(")") + 2 :].split()  # the name before it may hold spaces and brackets


def record_of(pid: int) -> ProcessRecord | None:
    """The record of a live process, or None if there is none (a zombie counts as none)."""
    fields = _stat(pid)
    if fields is None or fields[_STATE] in ("Z", "X"):
        return None
    return ProcessRecord(pid, int(fields[_START]), boot_id())


def is_alive(record: ProcessRecord) -> bool:
    """Whether exactly that process still runs."""
    return record_of(record.pid) == record


def write_record(path: Path, pid: int | None = None) -> None:
    """Write the record of `pid` (default: this process) to `path`, at once or not at all."""
    record = record_of(pid or os.getpid())
    if record is None:
        return
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(asdict(record)))
    os.replace(temporary, path)


def read_record(path: Path) -> ProcessRecord | None:
    """The record in `path`; None when there is none, or it is garbage."""
    try:
        values = json.loads(path.read_text())
        return ProcessRecord(int(values["pid"]), int(values["start"]), str(values["boot"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def group_of(record: ProcessRecord) -> list[int]:
    """The live pids in the process group that `record` leads: the kernel gives no new process that group's number
    while one of its members lives, so the group is still ours even when its leader is gone."""
    if record.boot != boot_id():
        return []
    members = []
    for entry in Path("/proc").iterdir():
        fields = _stat(int(entry.name)) if entry.name.isdigit() else None
        if fields and fields[_STATE] not in ("Z", "X") and int(fields[_GROUP]) == record.pid:
            members.append((int(entry.name), int(fields[_START])))
    newcomer = record_of(record.pid)
    if newcomer is not None and newcomer != record:
        return []  # the number has been given to somebody else: the old group is gone
    return [pid for pid, start in members if start >= record.start]


def end_group(record: ProcessRecord, patience_s: float) -> bool:
    """End what is left of a part: SIGTERM, then SIGKILL after `patience_s`. Whether there was anything to end."""
    found = group_of(record)
    _signal(found, signal.SIGTERM)
    deadline = time.monotonic() + patience_s
    while (left := group_of(record)) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    _signal(left, signal.SIGKILL)
    while group_of(record) and time.monotonic() < deadline + 5:
        time.sleep(POLL_S)
    return bool(found)


def _signal(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def command_name(pid: int) -> str:
    """The short name of a process, as in `ps -o comm`; "" when it can't be known."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def memory_bytes(pid: int) -> int:
    """The proportional set size (PSS) of a process; 0 when it can't be known."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def age_s(record: ProcessRecord) -> float:
    """How long ago, in seconds, the process started."""
    uptime_s = float(Path("/proc/uptime").read_text().split()[0])
    return max(0.0, uptime_s - record.start / os.sysconf("SC_CLK_TCK"))

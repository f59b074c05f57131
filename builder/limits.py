"""A memory limit and a CPU share for every step of a build, so that one which allocates without end is killed alone.

The BuildKit inside the Docker Engine takes no such limits, so they are written into the control groups in which it runs
the steps, as these appear: `docker/buildkit/ID` (driver cgroupfs), `system.slice:docker:ID` or
`system.slice/docker-ID.scope` (driver systemd); BuildKit's ids have 25 letters and digits, containers' have 64. The
limit holds for each step of whoever builds on this engine while a build of ours runs.

Version 1: https://docs.kernel.org/admin-guide/cgroup-v1/memory.html, version 2:
https://docs.kernel.org/admin-guide/cgroup-v2.html.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten

from builder.problems import StepKilled, failed
from builder.progress import Progress
from builder.types import BuildFailed

log = logging.getLogger("portside.limits")

ROOT = Path("/sys/fs/cgroup")
LOOK_EVERY_S = 0.02
MIB = 1024 * 1024
LEAST_DEFAULT_MB = 1024
LONGEST_STEP = 160
_KILLED = 137  # 128 + SIGKILL
# What make, gcc and shells print when the kernel killed their child, whose own exit code is another then.
_CHILD_KILLED = re.compile(r"(?m)^Killed$|\bKilled +\S|fatal error: Killed signal|signal: 9\b|signal: killed")
_PLACES = ("docker/buildkit", ".", "system.slice")
_STEP = re.compile(r"^(?:system\.slice:docker:|docker-)?(?P<id>[0-9a-z]{25})(?:\.scope)?$")


@dataclass(frozen=True)
class Limits:
    """`memory_mb` in MiB; `cpu_shares` relative to the 1,024 of a container (all steps together under cgroupfs)."""

    memory_mb: int
    cpu_shares: int

    @property
    def memory_bytes(self) -> int:
        return self.memory_mb * MIB


@dataclass(frozen=True)
class Write:
    """A value for a file of a control group."""

    path: Path
    value: str


def default_memory_mb() -> int:
    """Half of the machine's memory, at least 1 GiB."""
    machine_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // MIB
    return max(LEAST_DEFAULT_MB, machine_mb // 2)


def is_version_2(root: Path) -> bool:
    return (root / "cgroup.controllers").exists()


def steps(root: Path) -> list[Path]:
    """The control groups of build steps that run now, relative to a hierarchy's root."""
    base = root if is_version_2(root) else root / "memory"
    found = []
    for place in _PLACES:
        with suppress(OSError), os.scandir(base / place) as entries:
            found += [Path(place) / entry.name for entry in entries if _STEP.match(entry.name)]
    return found


def writes(root: Path, step: Path, limits: Limits) -> list[Write]:
    """What to write for one step, in this order. The first is the memory limit itself."""
    together = step.parent if step.parent.name == "buildkit" else step
    if is_version_2(root):
        weight = 1 + (limits.cpu_shares - 2) * 9999 // 262142  # as runc converts shares
        return [
            Write(root / step / "memory.max", str(limits.memory_bytes)),
            Write(root / step / "memory.swap.max", "0"),
            Write(root / together / "cpu.weight", str(weight)),
        ]
    memory = root / "memory" / step
    return [
        Write(memory / "memory.limit_in_bytes", str(limits.memory_bytes)),
        Write(memory / "memory.memsw.limit_in_bytes", str(limits.memory_bytes)),
        Write(root / "cpu" / together / "cpu.shares", str(limits.cpu_shares)),
    ]


def why_not(root: Path = ROOT) -> str:
    """Why this machine lets nobody limit builds; "" when it does."""
    memory = root if is_version_2(root) else root / "memory"
    if not memory.is_dir():
        return "the kernel has no memory controller"
    if is_version_2(root) and "memory" not in (root / "cgroup.controllers").read_text().split():
        return "the kernel has no memory controller"
    if os.geteuid() != 0 or not os.access(memory, os.W_OK):
        return f"only root may write to {memory}"
    return ""


def over_memory(progress: Progress, memory_mb: int) -> BuildFailed | None:
    """What to tell of a build that ended because a step used more than `memory_mb`; None when it ended otherwise."""
    code, output = progress.exit_code, "\n".join(progress.tail)
    if code is None or not (code == _KILLED or _CHILD_KILLED.search(output)):
        return None
    step = shorten(progress.failed_step, LONGEST_STEP, placeholder=" …")
    return failed(StepKilled(step, memory_mb))


class Limiter:
    """Limits the steps of builds while at least one `watching` block is open."""

    def __init__(self, limits: Limits, root: Path = ROOT) -> None:
        self.limits = limits
        self._root = root
        self._lock = threading.Lock()
        self._watchers = 0
        self._stop = threading.Event()
        self._seen: set[Path] = set()

    @property
    def holds(self) -> bool:
        """Whether this machine lets us limit builds."""
        return not why_not(self._root)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Limit every step that begins during the block."""
        if not self.holds:
            yield
            return
        self._enter()
        try:
            yield
        finally:
            with self._lock:
                self._watchers -= 1
                if self._watchers == 0:
                    self._stop.set()

    def _enter(self) -> None:
        with self._lock:
            self._watchers += 1
            if self._watchers == 1:
                self._stop = threading.Event()
                threading.Thread(target=self._watch, args=(self._stop,), name="build limits", daemon=True).start()

    def _watch(self, stop: threading.Event) -> None:
        while not stop.wait(LOOK_EVERY_S):
            self.look()

    def look(self) -> None:
        """Limit the steps that were not there at the last look."""
        now = set(steps(self._root))
        for step in now - self._seen:
            self._limit(step)
        self._seen = now

    def _limit(self, step: Path) -> None:
        memory, *others = writes(self._root, step, self.limits)
        try:
            memory.path.write_text(memory.value)
        except OSError as error:
            if error.errno == errno.EBUSY:  # version 1 refuses a limit below what is in use: it is over it already
                _kill_all(memory.path.parent)
            elif error.errno != errno.ENOENT:
                log.warning("build step %s has no memory limit: %s", step.name, error)
        for write in others:
            with suppress(OSError):  # no swap accounting, or the step has ended
                write.path.write_text(write.value)


def _kill_all(group: Path) -> None:
    with suppress(OSError):
        for pid in (group / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)

"""The rounds, and what they come to."""

from __future__ import annotations

import shutil
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.table import Table

from bench.figures import Row, Samples, short
from bench.routing import wrk
from bench.routing.apps import SPREAD, Apps
from bench.routing.logs import emptied
from bench.routing.proxies import Running, backend, bare_haproxy, nginx, passing_haproxy, running
from router.pipe import open_for_haproxy
from server import machine
from server.progress import Progress
from tests.traces import free_ports

SIZES = (1, 1000, 10_000)
ROUNDS = 3
SWITCHES = 10
SWITCH_BUDGET_MS = 5.0
THROUGHPUT_BUDGET = 1 / 0.95
OURS, BARE, PASSING, NGINX = "Portside", "bare HAProxy", "passing HAProxy", "nginx"
OTHERS = (BARE, PASSING, NGINX)


@dataclass
class Found:
    """What the rounds gave, by (what, whose); each a sample of one round, or of one change."""

    samples: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, what: str, whose: str, value: float) -> None:
        self.samples[what, whose].append(value)

    def median(self, what: str, whose: str) -> float:
        return statistics.median(self.samples[what, whose])

    def ratio(self, what: str, whose: str, of: str) -> float:
        return self.median(what, whose) / self.median(what, of)


def measure(sizes: Sequence[int] = SIZES) -> tuple[Table, list[Row]]:
    """The table of everything, and the rows with a budget, at the largest size.

    Throughput: requests that wrk has answered over 32 kept connections; generator, proxy and backend share the machine,
    the proxies take turns, each alone, and requests go to 32 of the apps. *Bare HAProxy* has the same apps, written by
    hand: a map, backends, a log, a request id, forwarded headers, as nginx. *Passing HAProxy* has nothing, and passes
    bytes to the one backend that there is. The load's first two seconds are a row of their own, *after a start*: as it
    starts, HAProxy checks every server of the router's within half a second. *CPU a request* is that of the proxy's
    processes alone. *Cold start* is from rendering the configuration to the first answer. A *route switch* is `point`
    and `apply`, as a deploy does them: a transaction on the disk, a server added, a map changed. *New app*: its name,
    its route, its first server. *Look at everything*: `reconcile` with nothing to do. *Reload*: a new configuration.
    """
    machine.install_missing(machine.FOR_BENCH, Progress())
    folder = Path(tempfile.mkdtemp(prefix="psb-", dir="/tmp"))
    try:
        ports = free_ports(2)
        with running(backend(folder, ports[1]), "any", folder / "backend.out"):
            found = {size: _at(folder / str(size), size, *ports) for size in sizes}
    finally:
        shutil.rmtree(folder)
    return table(found), rows(max(sizes), found[max(sizes)])


def _at(folder: Path, size: int, port: int, backend_port: int) -> Found:
    found, apps = Found(), Apps(folder, size, port, backend_port)
    program = wrk.script(folder / "wrk.lua", apps.spread)
    try:
        with emptied(open_for_haproxy(folder / "bare-log.fifo")) as log:
            others = (
                bare_haproxy(folder, port, backend_port, apps.hosts, log),
                passing_haproxy(folder, port, backend_port),
                nginx(folder, port, backend_port, apps.hosts),
            )
            for number in range(ROUNDS):
                _ours(found, apps, port, program, is_last=number == ROUNDS - 1)
                for other in others:
                    with running(other, apps.hosts[-1], folder / f"{other.name}.out") as process:
                        _load(found, other.name, process, port, program)
    finally:
        apps.close()
    return found


def _ours(found: Found, apps: Apps, port: int, program: Path, is_last: bool) -> None:
    with apps.served() as (process, cold_s):
        found.add("cold start (s)", OURS, cold_s)
        _load(found, OURS, process, port, program)
        if is_last:
            for number in range(2 * SWITCHES):
                found.add("route switch (ms)", OURS, apps.switch(number))
            for _ in range(SWITCHES):
                found.add("new app (ms)", OURS, apps.add())
            for _ in range(SWITCHES // 2):
                found.add("look at everything (ms)", OURS, apps.reconcile())
            found.add("reload (ms)", OURS, apps.reload())


def _load(found: Found, whose: str, process: Running, port: int, program: Path) -> None:
    found.add("p99 after a start (ms)", whose, wrk.run(port, program).p99_ms)
    before_s = process.cpu_s
    speed = wrk.run(port, program)
    found.add("CPU a request (µs)", whose, (process.cpu_s - before_s) / speed.requests * 1e6)
    found.add("requests/s", whose, speed.per_s)
    found.add("p99 (ms)", whose, speed.p99_ms)
    found.add("memory (MB)", whose, process.memory_mb)


def rows(size: int, found: Found) -> list[Row]:
    """Those that have a budget."""
    switch = Samples(tuple(found.samples["route switch (ms)", OURS]), "ms")
    ours, bare = (Samples(tuple(found.samples["requests/s", whose]), "requests/s") for whose in (OURS, BARE))
    cpu = [short(found.median("CPU a request (µs)", whose)) for whose in (OURS, BARE, PASSING)]
    note = (
        "bare: the same apps, by hand; over one that only passes bytes to one backend:"
        f" {found.ratio('requests/s', PASSING, OURS):.2f} x. CPU of the proxy for a request:"
        f" {cpu[0]} µs, bare {cpu[1]} µs, passing {cpu[2]} µs"
    )
    kept = {"measured": ours.values, "reference": bare.values}
    return [
        Row(
            f"route switch, {size:,} apps", str(switch), "", switch.median, SWITCH_BUDGET_MS, "ms",
            kept={"measured": switch.values},
        ),
        Row(
            f"bare HAProxy's throughput over the router's, {size:,} apps", str(ours), str(bare),
            bare.median / ours.median, THROUGHPUT_BUDGET, "x", note, kept,
        ),
    ]  # fmt: skip


def table(found: dict[int, Found]) -> Table:
    """Every figure at every size: the medians of the rounds, and the others' as ratios to it."""
    made = Table(title=f"The router, with requests to {SPREAD} of its apps", box=None)
    for heading in ("apps", "what", OURS, *(each for other in OTHERS for each in (other, "ratio"))):
        made.add_column(heading, justify="left" if heading == "what" else "right")
    for size, each in found.items():
        for what in dict.fromkeys(what for what, _ in each.samples):
            cells = [short(each.median(what, OURS))]
            for other in OTHERS:
                has = (what, other) in each.samples
                cells += [short(each.median(what, other)), f"{each.ratio(what, OURS, other):.2f}"] if has else ["", ""]
            made.add_row(f"{size:,}", what, *cells)
    return made

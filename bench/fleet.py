"""Many small apps: what they cost at rest, and how soon they are back after the engine was killed."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
import psutil
from rich.table import Table

from accounts import AppRole
from bench.bed import defaults_of
from bench.figures import Row
from bench.memory import MB, part_bytes
from core.ids import AppId, new_id
from scheduler import InstanceState, ProcessType, RunSpec, line_of
from server import procfs
from server.platform import Platform, compose
from tests.crash.second_engine import BASE, SecondEngine
from tests.live import FAST, LivePlatform

APPS, INSTANCES = 200, 2
INSTANCE_MB = 12  # with what the engine keeps for each: measured
HELD_BACK_MB = 2000
IDLE_S, SETTLE_S = 60.0, 20.0
PASSES = 5
DEPLOYERS = 4
ENGINE_START_S = 300  # one with hundreds of dead containers answers late
PATIENCE_S = 1800.0
LOOK_EVERY_S = 0.5
IDLE_BUDGET = 2.0
SUBNET = "10.86.0.0/16"  # with room for instances by the hundred
SERVE = (
    "exec perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalPort => $ENV{PORT}, Listen => 99, ReuseAddr => 1)"
    ' or die; while ($c = $s->accept) { sysread $c, $_, 4096; print $c "HTTP/1.0 200 OK\\r\\n\\r\\nhere"; close $c }\''
)


@dataclass(frozen=True)
class Fleet:
    """A platform whose apps run on an engine of the bench's own."""

    platform: LivePlatform
    parts: Platform
    engine: SecondEngine
    apps: dict[str, AppId]

    def instances(self) -> set[str]:
        """The ids of the instances that run."""
        every = self.parts.scheduler.all_instances().values()
        return {one.id for found in every for one in found if one.state is InstanceState.RUNNING}


def apps_that_fit() -> int:
    """As many apps as the budget names, or as fit the memory that is free now."""
    free_mb = psutil.virtual_memory().available / MB - HELD_BACK_MB
    return max(1, min(APPS, int(free_mb / (INSTANCES * INSTANCE_MB))))


def measure(count: int | None = None) -> tuple[Table, list[Row]]:
    """What a fleet costs: a table of everything, and the rows that have a budget.

    Each app has two instances, of a server in Perl that answers at once. *Back* is the time from when the killed engine
    answers again until as many new instances run as before and every app answers 200 at the router. A *pass* is one
    look at everything when there is nothing to do. *Idle* is CPU time of the parts over 60 s.
    """
    count = apps_that_fit() if count is None else count
    told = Table("what", "measured", title=f"{count} apps with {INSTANCES} instances each")
    with _fleet(count) as fleet:
        told.add_row("deployed and scaled in", f"{_timed(lambda: _deploy(fleet)):.0f} s")
        time.sleep(SETTLE_S)
        idle = _idle_share(fleet.platform.home / "run")
        passes_ms = [_timed(fleet.parts.scheduler.reconcile) * 1000 for _ in range(PASSES)]
        sizes = part_bytes(fleet.platform.home / "run")
        answering_s, back_s = _kill_the_engine(fleet)
    shares = ", ".join(f"{name} {share:.2f}" for name, share in sorted(idle.items(), key=lambda item: -item[1]))
    memory = ", ".join(f"{name} {size / MB:.0f}" for name, size in sizes.items())
    told.add_row("reconcile pass", f"{sorted(passes_ms)[PASSES // 2]:.0f} ms")
    told.add_row("engine killed: it answers again after", f"{answering_s:.0f} s")
    told.add_row("engine killed: all are back after another", f"{back_s:.0f} s")
    told.add_row("control plane, MB (PSS)", f"{sum(sizes.values()) / MB:.0f}: {memory}")
    total, kept = sum(idle.values()), {name: [share] for name, share in idle.items()}
    what = f"idle CPU of the control plane, {count} apps of {INSTANCES} instances"
    return told, [Row(what, f"{total:.2f} % of a core", "", total, IDLE_BUDGET, "%", shares, kept)]


@contextmanager
def _fleet(count: int) -> Iterator[Fleet]:
    with SecondEngine(start_s=ENGINE_START_S) as engine:
        where = {"SCHEDULER_DOCKER_HOST": engine.url, "SCHEDULER_SUBNET": SUBNET, "SCHEDULER_MEMORY_MB": 32}
        platform = LivePlatform(**{**defaults_of(FAST), **where})
        try:
            platform.start()
            yield Fleet(platform, (parts := compose(platform.environ)), engine, _create(platform, parts, count))
        finally:
            platform.end()


def _create(platform: LivePlatform, parts: Platform, count: int) -> dict[str, AppId]:
    owner = next(user for user in parts.accounts.users() if user.email == platform.email)
    made = {}
    for number in range(count):
        app = parts.releases.create_app(f"fleet-{number:03d}", owner.user_id)
        parts.accounts.grant(app.id, owner.user_id, AppRole.OWNER)
        parts.router.name_app(app.id, app.name)
        made[app.name] = app.id
    return made


def _deploy(fleet: Fleet) -> None:
    engine = docker.DockerClient(base_url=fleet.engine.url)
    image_id = str(engine.images.get(BASE).id)
    engine.close()
    with ThreadPoolExecutor(DEPLOYERS) as pool:
        for done in [pool.submit(_take_live, fleet.parts, name, app, image_id) for name, app in fleet.apps.items()]:
            done.result()
    wanted = len(fleet.apps) * INSTANCES
    _until(lambda: len(fleet.instances()) == wanted)


def _take_live(parts: Platform, name: str, app_id: AppId, image_id: str) -> None:
    spec = RunSpec(
        app_id=app_id, app_name=name, release_id=new_id(), version=1, commit="", image_id=image_id, image_ref="",
        processes=(ProcessType("web", SERVE),), env={}, port=5000, health={},
    )  # fmt: skip
    with parts.leases.held(line_of(app_id)) as lease:
        assert lease is not None
        parts.scheduler.deploy(spec, lease, parts.logs.writer(new_id()), lambda: "", lambda: None)
    parts.scheduler.scale(app_id, {"web": INSTANCES})


def _idle_share(run: Path) -> dict[str, float]:
    """By part: CPU time over IDLE_S, in percent of one core."""
    before = _cpu_s(run)
    time.sleep(IDLE_S)
    return {name: 100 * (spent_s - before.get(name, 0.0)) / IDLE_S for name, spent_s in _cpu_s(run).items()}


def _cpu_s(run: Path) -> dict[str, float]:
    found = {}
    for path in run.glob("*.process"):
        record = procfs.read_record(path)
        if record is not None and procfs.is_alive(record):
            first = psutil.Process(record.pid)
            below = [] if path.stem == "supervisord" else first.children(recursive=True)
            found[path.stem] = sum(sum(one.cpu_times()[:2]) for one in (first, *below))
    return found


def _kill_the_engine(fleet: Fleet) -> tuple[float, float]:
    """After how long the engine answers again, and how long from then on until everything does."""
    before = fleet.instances()
    fleet.engine.kill()
    answering_s = _timed(fleet.engine.start)
    return answering_s, _timed(lambda: _until(lambda: _is_back(fleet, before)))


def _is_back(fleet: Fleet, before: set[str]) -> bool:
    now = fleet.instances()
    return len(now) == len(before) and not now & before and all(_answers(fleet, name) for name in fleet.apps)


def _answers(fleet: Fleet, name: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", fleet.platform.http, timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": f"{name}.localhost"})
        return connection.getresponse().status == 200
    finally:
        connection.close()


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"the fleet did not come up within {PATIENCE_S:g} s")
        time.sleep(LOOK_EVERY_S)


def _timed(act: Callable[[], object]) -> float:
    begun = time.monotonic()
    act()
    return time.monotonic() - begun

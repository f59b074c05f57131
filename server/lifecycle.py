"""Up, stop and status: a platform's parts as a whole."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from core.edge import contained
from core.errors import UserError
from router import MOST_INSTANCES
from server import ballast, configuration, machine, ports, procfs, readiness
from server.part_names import ROUTER, is_router, router_name
from server.parts import Part, parts_of
from server.platform import compose
from server.progress import Progress
from server.site import Site
from server.supervision import Program, Supervisor


@dataclass(frozen=True)
class PartStatus:
    """How a part is doing: `state` is running (and answers), starting, failing, stopped or orphaned."""

    name: str
    state: str
    pid: int
    uptime_s: float
    memory_bytes: int
    detail: str = ""

    @property
    def is_well(self) -> bool:
        return self.state == "running"


def up(site: Site, progress: Progress) -> None:
    """Bring every part up and wait until each is ready; what already runs as it should is left alone.

    Raises UserError when something outside stands in the way: a port, the engine, a program, the home.
    """
    _require_home(site)
    machine.require_programs()
    machine.require_engine(site.environ)
    with ballast.dropped(site), alone(site):
        parts = parts_of(site)
        supervisor = Supervisor(site)
        if supervisor.is_running() and supervisor.is_outdated():
            with progress.step("The code has changed: starting all parts anew (the router serves on)"):
                supervisor.leave_router()
        if not supervisor.is_running():
            supervisor.kill()  # one that does not answer would start anew whatever is ended
            _end_orphans(site, parts, progress)
            _end_routers(site, site.routers + 1)  # there were more once
        ports.require_free(_ports_to_take(site, parts, supervisor))
        configuration.write_all(site, parts)
        if supervisor.is_running():
            supervisor.reload()
        else:
            supervisor.start()
        _start_in_stages(site, supervisor, parts, progress)


def _start_in_stages(site: Site, supervisor: Supervisor, parts: tuple[Part, ...], progress: Progress) -> None:
    for stage in sorted({part.stage for part in parts}):
        if stage == 1:  # the stores are up; whatever comes now reads the records
            _prepare(site)
        staged = [part for part in parts if part.stage == stage]
        started = [part.name for part in staged if supervisor.start_part(part.name)]
        with progress.step(f"Starting {', '.join(started)}") if started else nullcontext():
            _await_ready(site, supervisor, staged)


def _prepare(site: Site) -> None:
    """Bring the tables up to date, and make the certificate of one-off runs, so that no part loads what that takes.

    After a reboot no container runs, or something else is at its address: the router must not start with that route.
    """
    from server.migrate import migrate  # Alembic is for the command that runs this, not for the parts that import us

    platform = compose(site.environ)
    try:
        migrate(platform.database)
        if not any(_is_alive(site, part.name) for part in parts_of(site) if is_router(part.name)):
            with contained("looking what still runs"):
                platform.scheduler.before_routes()
        platform.scheduler.runs.fingerprint(platform.run_certificate)
    finally:
        platform.database.close()


def _await_ready(site: Site, supervisor: Supervisor, waited_for: Iterable[Part]) -> None:
    for part in waited_for:
        deadline = time.monotonic() + part.ready_s
        while not readiness.is_ready(site, part.name):
            state = supervisor.programs()[part.name].state
            if state == "FATAL" or time.monotonic() > deadline:
                raise UserError(
                    f"{part.name} is not ready after {part.ready_s:.0f} s (supervisor says {state}):\n"
                    + _last_words(site, part.name),
                    f"Its log: {site.log / part.name}.log",
                )
            time.sleep(procfs.POLL_S)


def _last_words(site: Site, name: str, lines: int = 12) -> str:
    try:
        text = (site.log / f"{name}.log").read_text(errors="replace")
    except OSError:
        return "    (no log)"
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])


def _ports_to_take(site: Site, parts: tuple[Part, ...], supervisor: Supervisor) -> list[ports.Port]:
    """The ports of the parts that do not run yet; what an orphan router of ours holds, its successor takes over."""
    running = {name for name, program in _programs(supervisor).items() if program.pid}
    if any(_is_alive(site, part.name) for part in parts if is_router(part.name)):
        running.add(ROUTER)
    return [port for part in parts if part.name not in running for port in part.ports]


def _end_orphans(site: Site, parts: tuple[Part, ...], progress: Progress) -> None:
    """End what a killed supervisord left behind, but for the router: that one serves until its successor does."""
    for part in reversed(parts):
        record = procfs.read_record(site.record(part.name))
        if record is not None and not is_router(part.name) and procfs.end_group(record, part.stop_s):
            progress.detail(f"ended {part.name} (pid {record.pid}), left by an earlier run")


def stop(site: Site, progress: Progress, everything: bool) -> None:
    """Stop all parts but the router, and with `everything` that too. Apps' containers run on either way."""
    with alone(site):
        supervisor, parts = Supervisor(site), parts_of(site)
        if not supervisor.is_running():
            supervisor.kill()
            _end_orphans(site, parts, progress)
            if everything:
                _end_routers(site)
            return
        for part in reversed(parts):
            if not is_router(part.name):
                supervisor.stop_part(part.name)
                progress.detail(f"stopped {part.name}")
        if everything:
            supervisor.shut_down()
            progress.detail("stopped router and supervisord")


def _end_routers(site: Site, first: int = 1) -> None:
    """End the HAProxies from that number on."""
    for number in range(first, MOST_INSTANCES + 1):
        record = procfs.read_record(site.record(router_name(number)))
        if record is not None:
            procfs.end_group(record, 10)


def status(site: Site) -> list[PartStatus]:
    """How each part is doing, asked now."""
    programs = _programs(Supervisor(site))
    found = []
    for part in parts_of(site):
        program = programs.get(part.name)
        if program is None or not program.pid:
            alive = _is_alive(site, part.name)
            failing = program is not None and program.state in ("BACKOFF", "FATAL")
            state = "orphaned" if alive else "failing" if failing else "stopped"
            detail = "runs without supervisord" if alive else program.detail if program else ""
            found.append(PartStatus(part.name, state, 0, 0.0, 0, detail))
            continue
        state = "running" if readiness.is_ready(site, part.name) else "starting"
        record = procfs.record_of(program.pid)
        memory_bytes = sum(map(procfs.memory_bytes, procfs.group_of(record))) if record else 0
        found.append(PartStatus(part.name, state, program.pid, program.uptime_s, memory_bytes))
    return found


def supervisor_memory_bytes(site: Site) -> int:
    """What supervisord itself takes (PSS)."""
    record = procfs.read_record(site.record("supervisord"))
    return procfs.memory_bytes(record.pid) if record and procfs.is_alive(record) else 0


def _programs(supervisor: Supervisor) -> Mapping[str, Program]:
    return supervisor.programs() if supervisor.is_running() else {}


def _is_alive(site: Site, name: str) -> bool:
    record = procfs.read_record(site.record(name))
    return record is not None and procfs.is_alive(record)


def _require_home(site: Site) -> None:
    try:
        site.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        site.run.mkdir(mode=0o700, exist_ok=True)
        probe = site.run / f".probe.{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(
            f"{site.home} can't be written: {error.strerror}.", "Set PORTSIDE_HOME to a folder that you own."
        ) from error


@contextmanager
def alone(site: Site) -> Iterator[None]:
    """One up, stop or cleaning of the registry at a time; the next waits for its turn."""
    site.run.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (site.run / "up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield

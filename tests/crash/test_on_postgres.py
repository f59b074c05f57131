"""A platform with its records in PostgreSQL: a push, a rollback, a worker that is killed, a database that goes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gitreceiver import PushState
from tests.acceptance.site import Site
from tests.background import eventually
from tests.crash.aftermath import Aftermath
from tests.crash.blows import Victim
from tests.crash.moments import START
from tests.crash.steady import Steady
from tests.live import LivePlatform
from tests.postgres import PostgresServer, postgres_server

pytestmark = [pytest.mark.platform, pytest.mark.engine, pytest.mark.full]

SECRET = "hunter2-of-the-database"
AWAY = "The records can't be reached: PostgreSQL does not answer, or turns the server away."


@pytest.fixture(scope="module")
def server(machine: None) -> Iterator[PostgresServer]:
    """One of its own: it is stopped."""
    with postgres_server() as made:
        yield made


@pytest.fixture(scope="module")
def platform(server: PostgresServer) -> Iterator[LivePlatform]:
    live = LivePlatform(DATABASE_URL=server.url.replace("portside@", f"portside:{SECRET}@"))
    try:
        live.start()
        yield live
    finally:
        live.end()


def test_a_killed_worker_and_a_database_that_crashes_lose_nothing(
    site: Site, victim: Victim, server: PostgresServer
) -> None:
    after, first = Aftermath.of(site), site.branch()
    second = START.prepare(site)
    with Steady(site) as visitor:
        with site.pushing() as push:
            START.await_it(site, push, 2)
            victim.kill("worker")
            assert after.final_push(second).state is PushState.LIVE
            push.ended()
        back = site.cli("rollback", "v1")
        assert back.code == 0, back.output
        victim.returns()
        parts = [victim.record(part) for part in ("api", "gateway", "worker")]
        server.stop()
        try:
            told = [site.cli("ps:scale", "web=2"), site.push("--force", "portside", "main"), site.platform.server("up")]
            doctor = site.platform.server("doctor").output
        finally:
            server.start()
        assert [(each.code != 0, AWAY in each.output) for each in told] == [(True, True)] * 3, told
        assert " !  records     connection" in doctor
        assert not [each for each in (*(one.output for one in told), doctor) if SECRET in each]
        eventually(lambda: site.cli("ps:scale", "web=2").code == 0, "the records are back")
        after.assert_settled(3, first, second, ("succeeded",) * 3, webs=2)
    assert visitor.failures == []
    assert [victim.record(part) for part in ("api", "gateway", "worker")] == parts
    assert says_the_secret(site.platform.home / "log") == []
    assert not [pid for pid in Path("/proc").glob("[0-9]*") if SECRET in command_line(pid)]


def says_the_secret(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]


def command_line(folder: Path) -> str:
    """A process's command line, which everybody on the machine may read."""
    try:
        return (folder / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""  # it has ended meanwhile

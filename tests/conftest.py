"""What every test may use: a running platform, one for the session; and a ledger of where the time went."""

from __future__ import annotations

import gc
import signal
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import argon2
import hypothesis
import pytest

from core.database import Database
from tests.live import LivePlatform
from tests.postgres import postgres_database, postgres_server
from tests.traces import reap_the_dead

_spent_s: dict[str, float] = defaultdict(float)
_counted: dict[str, int] = defaultdict(int)


@pytest.fixture(scope="session")
def machine() -> None:
    """The machine, cleared of what dead test runs left."""
    reap_the_dead()


@pytest.fixture(scope="session")
def platform(machine: None) -> Iterator[LivePlatform]:
    """The session's platform: apps are cheap, every test makes its own."""
    live = LivePlatform()
    try:
        live.start()
        yield live
    finally:
        live.end()


@pytest.fixture
def new_platform(machine: None) -> Iterator[Callable[..., LivePlatform]]:
    """Makes platforms for tests that break them; not started yet, `PORTSIDE_*` settings by keyword."""
    with ExitStack() as made:

        def make(**settings: object) -> LivePlatform:
            live = LivePlatform(**settings)
            made.callback(live.end)
            return live

        yield make


@pytest.fixture(scope="session")
def postgres(machine: None) -> Iterator[str]:
    """The URL of a PostgreSQL server."""
    with postgres_server() as server:
        yield server.url


@pytest.fixture
def on_postgres(postgres: str) -> Iterator[Database]:
    """Records in PostgreSQL: every known table, nothing in them."""
    with postgres_database(postgres) as database:
        yield database


@pytest.fixture
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords are hashed at next to no cost; argon2-cffi's own defaults take 64 MiB and 50 ms each time."""
    quick = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr("accounts.users.PasswordHasher", lambda: quick)


def pytest_configure() -> None:
    """Hear Ctrl-C, and let the commands that tests start hear it: a shell's background job begins with it ignored.

    And end as after a Ctrl-C, fixtures and all, when CI cancels the run with SIGTERM.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _end)
    gc.disable()  # until all is collected: what is loaded stays
    hypothesis.settings.register_profile("portside", deadline=None)  # the machine may be busy with something else
    hypothesis.settings.load_profile("portside")


def _end(number: int, _: object) -> None:
    signal.signal(number, signal.SIG_IGN)  # the fixtures are ended once, and to their end
    pytest.exit("ended by SIGTERM", returncode=128 + number)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    folder = Path(report.nodeid.split("::")[0]).parent.relative_to("tests").as_posix()
    _spent_s[folder] += report.duration
    _counted[folder] += report.when == "call"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The ledger: seconds and tests per folder, the dearest first."""
    if not _spent_s:
        return
    terminalreporter.section("time per folder")
    for folder, seconds in sorted(_spent_s.items(), key=lambda item: -item[1]):
        terminalreporter.write_line(f"{seconds:8.1f} s  {_counted[folder]:5d} tests  tests/{folder}")
    terminalreporter.write_line(f"{sum(_spent_s.values()):8.1f} s  {sum(_counted.values()):5d} tests  in all")


def pytest_collection_finish() -> None:
    """What is loaded by now stays to the end: no collection of garbage need look at it again."""
    gc.freeze()
    gc.enable()
    gc.set_threshold(100_000, 50, 100)  # a test leaves little: looking for it often took a fifteenth of the time

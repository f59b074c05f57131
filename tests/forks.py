"""Runs the collected tests in several processes, each forked from the one that has collected them (`-p tests.forks`).

Workers that start anew would import and collect everything once more each: a fifth of what the unit tests cost.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import traceback
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, pairwise
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

AT_ONCE = 8
"""So many neighbours are taken at once."""
PATIENCE_S = 20.0
_CONTEXT = multiprocessing.get_context("fork")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--forks", type=int, default=1, metavar="N", help="Run the tests in so many processes.")


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    """In place of pytest's own loop, which is left to itself where there is nothing to share out."""
    forks = session.config.getoption("forks")
    if forks < 2 or session.testsfailed or session.config.option.collectonly:
        return None
    begun = _CONTEXT.Array("i", forks)
    _place(session.config)
    running: dict[Connection, BaseProcess] = {}
    try:
        for number in range(forks):
            heard, told = _CONTEXT.Pipe(duplex=False)
            running[heard] = _CONTEXT.Process(target=_work, args=(session, number, begun, told, running))
            running[heard].start()
            told.close()  # so that its end is heard here
        _listen(session, running)
    finally:
        _end(running)
    return True


def _end(running: dict[Connection, BaseProcess]) -> None:
    """Have those that are still at work end their fixtures and go; whatever a test has done to them, they go."""
    for heard, process in running.items():
        process.terminate()
        heard.close()  # what they have to tell holds them up no more
    for process in running.values():
        process.join(PATIENCE_S)
        process.kill()
        process.join()


def _listen(session: pytest.Session, running: dict[Connection, BaseProcess]) -> None:
    """Report what the processes tell until all have done their share; those are taken out of `running`."""
    hook = session.config.hook
    while running:
        for heard in wait(list(running)):
            assert isinstance(heard, Connection)
            try:
                told = heard.recv()
            except EOFError:
                raise RuntimeError("A process that ran tests has ended in the middle of one.") from None
            if told is None:
                running.pop(heard).join()
                continue
            hook.pytest_runtest_logreport(report=hook.pytest_report_from_serializable(config=session.config, data=told))
            if session.shouldfail:
                raise session.Failed(session.shouldfail)


def _work(session: pytest.Session, number: int, begun: Any, told: Connection, others: Iterable[Connection]) -> None:
    """Run tests and be gone: no thread that a test has left behind holds that up."""
    for heard in others:
        heard.close()  # or nobody's end would be heard while this process lives
    code = 1
    try:
        _run(session, number, begun, told)
        code = 0
    except (KeyboardInterrupt, pytest.exit.Exception, BrokenPipeError):
        session._setupstate.teardown_exact(None)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _run(session: pytest.Session, number: int, begun: Any, told: Connection) -> None:
    """Run tests, as long as there are any that no process has taken, and tell what came of them; at last, None."""
    config = session.config
    _part_from_the_others(config, number)
    config.pluginmanager.register(_Teller(config, told))
    for item, following in pairwise(chain(_taken(session.items, number, begun), (None,))):
        config.hook.pytest_runtest_protocol(item=item, nextitem=following)
    told.send(None)


def _taken(items: Sequence[pytest.Item], number: int, begun: Any) -> Iterator[pytest.Item]:
    """Each process begins with neighbours, which share what is set up for them, and then helps whoever has most left.

    `begun` counts what is taken of each process's own.
    """
    size = -(-len(items) // len(begun))
    shares = [items[first : first + size] for first in range(0, len(items), size)]
    while True:
        with begun.get_lock():
            left = [len(share) - count for share, count in zip(shares, begun, strict=True)]
            whose = number if left[number] > 0 else left.index(max(left))
            first = begun[whose]
            begun[whose] += AT_ONCE
        if left[whose] <= 0:
            return
        yield from shares[whose][first : first + AT_ONCE]


def _part_from_the_others(config: pytest.Config, number: int) -> None:
    """What a fork shares with its parent and must not: the place of its files, what it has printed, its chances."""
    random.seed()
    own = _place(config) / f"fork-{number}"
    own.mkdir(mode=0o700)
    _factory(config)._basetemp = own
    capture: Any = config.pluginmanager.get_plugin("capturemanager")
    capture.stop_global_capturing()
    capture.start_global_capturing()
    capture.suspend_global_capture(in_=True)
    config.pluginmanager.unregister(name="terminalreporter")


def _place(config: pytest.Config) -> Path:
    """Where temporary files are; made by whoever asks first, which must be the parent."""
    return Path(_factory(config).getbasetemp())


def _factory(config: pytest.Config) -> Any:
    return config._tmp_path_factory  # type: ignore[attr-defined]


class _Teller:
    """Sends each report to the process that shows them."""

    def __init__(self, config: pytest.Config, told: Connection) -> None:
        self._config = config
        self._told = told

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        hook = self._config.hook
        self._told.send(hook.pytest_report_to_serializable(config=self._config, report=report))

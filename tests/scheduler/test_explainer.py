"""Why an instance is not healthy, told from what its container shows."""

from __future__ import annotations

import dataclasses

import pytest

from core.ids import AppId
from scheduler import check_problems as c
from scheduler import problems as p
from scheduler.explainer import why_ended, why_unhealthy
from scheduler.health import Check, Seen, Verdict
from scheduler.problems import BootProblem
from scheduler.runtime import Container

WEB = "web.1"


def ended(code: int, *lines: str, out_of_memory: bool = False) -> BootProblem:
    container = Container("c", "i", AppId("a"), 1, WEB, "exited", "", code, out_of_memory)
    return why_ended(WEB, container, lines, 512)


@pytest.mark.parametrize(
    ("code", "lines", "problem"),
    [
        (127, ("/bin/sh: 1: gunicorn: not found",), p.CommandMissing(WEB, "gunicorn")),
        (127, ("/bin/sh: 1: exec: ./run: not found",), p.CommandMissing(WEB, "run")),
        (127, ("[FATAL tini (7)] exec ./server failed: No such file or directory",), p.CommandMissing(WEB, "server")),
        (127, (), p.Exited(WEB, 127, "no output")),
        (126, ("/bin/sh: 1: ./run: Permission denied",), p.CommandNotExecutable(WEB, "run")),
        (126, ("/bin/sh: 1: exec: ./run: Exec format error",), p.WrongFormat(WEB, "./run")),
        (
            126,
            ("/bin/bash: line 1: ./run: cannot execute binary file: Exec format error",),
            p.WrongFormat(WEB, "./run"),
        ),
        (139, ("going",), p.Killed(WEB, "SIGSEGV", 139)),
        (200, (), p.Exited(WEB, 200, "no output")),
        (0, ("started in the background",), p.Finished(WEB, "started in the background")),
        (
            1,
            ("ModuleNotFoundError: No module named 'flask.views'", "[ERROR] Worker failed to boot."),
            p.ModuleMissing(WEB, "flask", "requirements.txt"),
        ),
        (1, ("Error: Cannot find module 'express'", "at x"), p.ModuleMissing(WEB, "express", "package.json")),
        (1, ("Error: Cannot find module './own'",), p.Exited(WEB, 1, "Error: Cannot find module './own'")),
        (
            1,
            ("Error: listen EACCES: permission denied 0.0.0.0:80",),
            p.PortForbidden(WEB, "Error: listen EACCES: permission denied 0.0.0.0:80"),
        ),
        (3, ("KeyError: 'DATABASE_URL'", ""), p.Exited(WEB, 3, "KeyError: 'DATABASE_URL'")),
    ],
)
def test_an_end_is_told_from_its_code_and_its_last_lines(
    code: int, lines: tuple[str, ...], problem: BootProblem
) -> None:
    assert ended(code, *lines) == problem


def test_the_engines_mark_for_memory_goes_before_the_code() -> None:
    assert ended(137, out_of_memory=True) == p.OutOfMemory(WEB, 512)
    assert ended(137) == p.Killed(WEB, "SIGKILL", 137)


def test_a_container_that_is_gone_is_told() -> None:
    assert why_ended(WEB, None, (), 512) == p.Vanished(WEB)


@pytest.mark.parametrize(
    ("verdict", "sockets", "problem"),
    [
        (Verdict(False, Seen.NOTHING_LISTENS), set(), p.NotListening(WEB, 5000, 9)),
        (Verdict(False, Seen.NOTHING_LISTENS), {("127.0.0.11", 40123)}, p.NotListening(WEB, 5000, 9)),
        (Verdict(False, Seen.NOTHING_LISTENS), {("127.0.0.1", 5000)}, p.OnlyInside(WEB, "127.0.0.1", 5000)),
        (Verdict(False, Seen.NOTHING_LISTENS), {("0.0.0.0", 3000), ("127.0.0.11", 1)}, p.OtherPort(WEB, 5000, 3000)),
        (Verdict(False, Seen.BAD_STATUS, 404), set(), c.BadStatus(WEB, "/up", 404)),
        (Verdict(False, Seen.SENT_AWAY, 301, "https://x/"), set(), c.SendsAway(WEB, "/up", 301, "https://x/")),
        (
            Verdict(False, Seen.NO_ANSWER, detail="nothing within 5 s"),
            set(),
            c.NoAnswer(WEB, "/up", "nothing within 5 s"),
        ),
    ],
)
def test_an_instance_that_runs_is_told_by_what_was_seen(
    verdict: Verdict, sockets: set[tuple[str, int]], problem: BootProblem
) -> None:
    check = Check("10.0.0.1", 5000, "/up", "h", 3)
    assert why_unhealthy(WEB, check, verdict, frozenset(sockets), 9) == problem


def test_a_worker_that_may_not_boot_long_enough_is_told() -> None:
    check = Check("10.0.0.1", None, None, "h", 30)
    assert why_unhealthy(WEB, check, Verdict(False, Seen.TOO_YOUNG), frozenset(), 9) == p.NotSteady(WEB, 30, 9)


@pytest.mark.parametrize("kind", BootProblem.__subclasses__())
def test_every_problem_has_its_words(kind: type[BootProblem]) -> None:
    fields = {name: 1 if "int" in str(type_) or "float" in str(type_) else "x" for name, type_ in _fields(kind)}
    told = kind(**fields).report()
    assert all((told.title, told.found, told.expected, told.todo))
    assert "{" not in str(told)


def _fields(kind: type[BootProblem]) -> list[tuple[str, object]]:
    return [(field.name, field.type) for field in dataclasses.fields(kind)]

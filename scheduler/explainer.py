"""Why an instance is not healthy, told from its container: how it ended, where it listens, what it last wrote."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence

from scheduler import check_problems as c
from scheduler import problems as p
from scheduler.health import Check, Seen, Verdict
from scheduler.problems import BootProblem
from scheduler.runtime import Container

_SIGNALLED = 128  # a shell, and docker-init, add the signal's number
_NOT_EXECUTABLE, _MISSING = 126, 127
_LONGEST_SAID = 200
_DOCKERS_RESOLVER = "127.0.0.11"  # Docker listens there in every container of a network of one's own
_FORMAT = re.compile(r"([^\s:]+)(?: failed|: cannot execute binary file)?: [Ee]xec format error")
_PROGRAM = (
    re.compile(r"exec (\S+) failed: "),
    re.compile(r"^(?:/bin/)?(?:ba|da)?sh: (?:line )?\d+: (?:exec: )?([^:]+): "),
)
_MODULES = (
    (re.compile(r"(?:ModuleNotFoundError|ImportError): No module named '?([\w.]+)'?"), "requirements.txt"),
    (re.compile(r"Error: Cannot find module '([^'./][^']*)'"), "package.json"),
    (re.compile(r"Cannot find package '([^']+)' imported from"), "package.json"),
)


def why_ended(process: str, container: Container | None, lines: Sequence[str], memory_mb: int) -> BootProblem:
    """Why an instance ended. `lines` are the last that it wrote."""
    if container is None or container.exit_code is None:
        return p.Vanished(process)
    if container.out_of_memory:
        return p.OutOfMemory(process, memory_mb)
    written = [line.strip() for line in lines if line.strip()]
    said = written[-1][:_LONGEST_SAID] if written else "no output"
    code = container.exit_code
    wrong_format = next((found for line in reversed(written) if (found := _FORMAT.search(line))), None)
    if code in (_NOT_EXECUTABLE, _MISSING):
        program = _program(written)
        if wrong_format:
            return p.WrongFormat(process, wrong_format[1])
        if program:
            kind = p.CommandMissing if code == _MISSING else p.CommandNotExecutable
            return kind(process, program.removeprefix("./"))
    if code > _SIGNALLED and (name := _signal_name(code - _SIGNALLED)):
        return p.Killed(process, name, code)
    if code == 0:
        return p.Finished(process, said)
    return _from_output(process, written) or p.Exited(process, code, said)


def _program(written: Sequence[str]) -> str | None:
    found = (match for line in reversed(written) for pattern in _PROGRAM if (match := pattern.search(line)))
    return next((match[1].strip() for match in found), None)


def _signal_name(number: int) -> str | None:
    try:
        return signal.Signals(number).name
    except ValueError:
        return None


def _from_output(process: str, written: Sequence[str]) -> BootProblem | None:
    for line in reversed(written):
        for pattern, listed_in in _MODULES:
            if found := pattern.search(line):
                return p.ModuleMissing(process, found[1].partition(".")[0], listed_in)
        if re.search(r"bind|listen|EACCES|[Ss]ocket|:\d+", line) and re.search(r"[Pp]ermission denied|EACCES", line):
            return p.PortForbidden(process, line[:_LONGEST_SAID])
    return None


def why_unhealthy(
    process: str, check: Check, verdict: Verdict, sockets: frozenset[tuple[str, int]], timeout_s: float
) -> BootProblem:
    """Why an instance that runs is not ready in time. `sockets` are the (address, port) on which it listens."""
    path = check.path or "/"
    command = " ".join(check.command)
    if verdict.seen is Seen.COMMAND_FAILED:
        return c.CheckFailed(process, command, verdict.status, verdict.detail)
    if verdict.seen is Seen.COMMAND_LATE:
        return c.CheckLate(process, command, check.timeout_s)
    if verdict.seen is Seen.NO_CONTENT:
        return c.ContentMissing(process, path, check.content)
    if verdict.seen is Seen.BAD_STATUS:
        return c.BadStatus(process, path, verdict.status)
    if verdict.seen is Seen.SENT_AWAY:
        return c.SendsAway(process, path, verdict.status, verdict.detail)
    if verdict.seen is Seen.NO_ANSWER:
        return c.NoAnswer(process, path, verdict.detail)
    if check.port is None:
        return p.NotSteady(process, check.uptime_s, timeout_s)
    own = sorted((address, port) for address, port in sockets if address != _DOCKERS_RESOLVER)
    if not own:
        return p.NotListening(process, check.port, timeout_s)
    address, port = next((one for one in own if one[1] == check.port), own[0])
    return p.OnlyInside(process, address, port) if port == check.port else p.OtherPort(process, check.port, port)

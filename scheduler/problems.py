"""Everything that can keep an instance from becoming healthy: each a class of its own, its data and words together."""

from __future__ import annotations

from dataclasses import dataclass

from core.reports import Problem
from scheduler.types import BootFailed

AGAIN = ", then commit and push again."
_LISTEN = "it listens on 0.0.0.0 and the port in $PORT, which is {port}"


@dataclass(frozen=True)
class BootProblem(Problem):
    """The base of them all. `process` is `web.1`."""

    process: str


@dataclass(frozen=True)
class Vanished(BootProblem):
    """Its container is no longer in the engine."""

    words = (
        "{process} was removed from the engine before it was healthy.",
        "no container of it",
        "a container that nobody else removes",
        "Push again.",
    )


@dataclass(frozen=True)
class OutOfMemory(BootProblem):
    """The kernel killed it for its memory."""

    memory_mb: int

    words = (
        "{process} used more than its {memory_mb} MB of memory and was killed.",
        "the engine's mark for out of memory",
        "at most {memory_mb} MB",
        "Let it use less (fewer workers or threads), or raise PORTSIDE_SCHEDULER_MEMORY_MB on the server.",
    )


@dataclass(frozen=True)
class CommandMissing(BootProblem):
    """Exit code 127: the shell, or docker-init, found no such program."""

    program: str

    words = (
        "{process} exited with code 127: there is no {program} in its image.",
        "a command whose program is not there",
        "a program that is installed, or a file of the commit",
        "Check the command in the Procfile; a package's program needs the package in the dependencies" + AGAIN,
    )


@dataclass(frozen=True)
class CommandNotExecutable(BootProblem):
    """Exit code 126: the program is there and may not be run."""

    program: str

    words = (
        "{process} exited with code 126: {program} may not be run.",
        "{program} without the right to execute",
        "a file that is executable in git",
        "git update-index --chmod=+x {program}" + AGAIN,
    )


@dataclass(frozen=True)
class WrongFormat(BootProblem):
    """The kernel can't run the program: ENOEXEC."""

    program: str

    words = (
        "{process} could not run {program}: exec format error.",
        "a program for another kind of processor, or a script without its #! line",
        "a program made for this server (`uname -m`), or a script that begins with #!/bin/sh or the like",
        "Build {program} for this server, or put the #! line in" + AGAIN,
    )


@dataclass(frozen=True)
class ModuleMissing(BootProblem):
    """The language's runtime did not find a module. `listed_in`: where its dependencies are named."""

    module: str
    listed_in: str

    words = (
        "{process} needs the module {module}, which is not installed.",
        "no {module} in the image",
        "{module} among the dependencies, or a file of the commit",
        "Add what provides {module} to {listed_in}" + AGAIN,
    )


@dataclass(frozen=True)
class PortForbidden(BootProblem):
    """It wanted a port below 1024, which a user who is not root may not have."""

    said: str

    words = (
        "{process} asked for a port that it may not have.",
        "{said}",
        "the port in $PORT (apps do not run as root, so ports below 1024 are closed to them)",
        "Listen on 0.0.0.0 and $PORT" + AGAIN,
    )


@dataclass(frozen=True)
class Killed(BootProblem):
    """A signal ended it, and not for its memory."""

    signal: str
    exit_code: int

    words = (
        "{process} was ended by {signal} before it was healthy.",
        "exit code {exit_code}",
        "a process that goes on running",
        "What it wrote last may say why; SIGSEGV and SIGABRT are faults of the program or of a native library.",
    )


@dataclass(frozen=True)
class Finished(BootProblem):
    """It ended with code 0, where it should have gone on."""

    said: str

    words = (
        "{process} exited with code 0 before it was healthy.",
        "{said}",
        "a process that goes on running and stays in the foreground",
        "Start the server itself in the Procfile, not in the background (no `&`, no --daemon)" + AGAIN,
    )


@dataclass(frozen=True)
class Exited(BootProblem):
    """It ended with another code."""

    exit_code: int
    said: str

    words = (
        "{process} exited with code {exit_code} before it was healthy.",
        "{said}",
        "a process that goes on running",
        "What it wrote last says why; what it needs may be missing from the config (`portside config`).",
    )


@dataclass(frozen=True)
class OnlyInside(BootProblem):
    """It listens on the right port of an address that nobody outside its container can reach."""

    address: str
    port: int

    words = (
        "{process} can't be reached: it listens on {address}:{port}, which only its own container can reach.",
        "{address}:{port}",
        f"{_LISTEN}",
        "Bind to 0.0.0.0 (for example --host 0.0.0.0, or --bind 0.0.0.0:$PORT)" + AGAIN,
    )


@dataclass(frozen=True)
class OtherPort(BootProblem):
    """It listens, on another port than the one it was given."""

    port: int
    other: int

    words = (
        "{process} can't be reached: it listens on port {other} and not on {port}.",
        "port {other}",
        f"{_LISTEN}",
        "Take the port from $PORT (for example --port $PORT)" + AGAIN,
    )


@dataclass(frozen=True)
class NotListening(BootProblem):
    """It runs, and nothing in it listens."""

    port: int
    timeout_s: float

    words = (
        "{process} is not healthy after {timeout_s:g} s: nothing listens on port {port}.",
        "a process that runs and does not listen, or not yet",
        f"{_LISTEN}, within {{timeout_s:g}} s",
        "If it is slow, do less before it listens; if it never will, it is a worker: name it so in the Procfile.",
    )


@dataclass(frozen=True)
class NotSteady(BootProblem):
    """It has no port and must have run for a while, which is longer than a boot may take."""

    uptime_s: float
    timeout_s: float

    words = (
        "{process} could not show itself steady in {timeout_s:g} s.",
        "a boot that may take {timeout_s:g} s",
        "{uptime_s:g} s without an exit",
        "On the server, set PORTSIDE_SCHEDULER_BOOT_TIMEOUT_S above PORTSIDE_SCHEDULER_UPTIME_S.",
    )


def failed(problem: BootProblem) -> BootFailed:
    """The error that ends a rollout for a problem."""
    return BootFailed(problem.report(), problem=problem)

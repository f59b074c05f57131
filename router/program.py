"""The HAProxy program on this machine: where it is, what limits it has, which processes of it are ours, its argv."""

from __future__ import annotations

import itertools
import os
import pwd
import resource
import shutil
import socket
from pathlib import Path

from core import process
from core.errors import Unavailable, UserError
from router.config import Machine
from router.settings import RouterSettings

_PLACES = "/usr/sbin:/usr/local/sbin:/usr/local/bin"
_USER = "haproxy"  # made by the distributions' packages
_OWN_FILES = 200  # HAProxy's own sockets, pipes and logs
_LONGEST_SOCKET_PATH = 90  # sun_path holds 107; HAProxy binds under a longer, temporary name first
_SHARE_OF_CHECKS = 5  # one file in five is left for connection checks and for servers that come at run time
_PROC = Path("/proc")


def find_haproxy() -> str:
    """The path of the `haproxy` program; raises UserError when it is not installed."""
    found = shutil.which("haproxy") or shutil.which("haproxy", path=_PLACES)
    if found is None:
        raise UserError("HAProxy is not installed.", "Install it: sudo apt-get install haproxy")
    return found


def require_lua() -> None:
    """Raise Unavailable unless HAProxy was built with Lua, by which it holds requests; distributions' packages are."""
    if "+LUA" not in process.run([find_haproxy(), "-vv"], timeout_s=10).text.split():
        raise Unavailable("This HAProxy was built without Lua, so it can't hold requests.", "Install one with Lua.")


def machine(settings: RouterSettings, worker_socket: Path) -> Machine:
    """What the configuration needs to know of this machine and process."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit, maxconn = fit(settings.maxconn, hard if hard != resource.RLIM_INFINITY else None)
    return Machine(worker_socket, limit, maxconn, _worker_user())


def fit(maxconn: int, files: int | None) -> tuple[int, int]:
    """The file limit to ask for and the connections that fit in it: each one takes two files (client and server).

    `files` is the most that this process may have open; None when there is no limit.
    """
    wanted = (2 * maxconn + _OWN_FILES) * _SHARE_OF_CHECKS // (_SHARE_OF_CHECKS - 1)
    limit = wanted if files is None else min(wanted, files)
    room = limit * (_SHARE_OF_CHECKS - 1) // _SHARE_OF_CHECKS - _OWN_FILES
    return limit, max(10, min(maxconn, room // 2))


def _worker_user() -> str | None:
    """Root gives its rights up for HAProxy's own user, where there is one."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(_USER).pw_name
    except KeyError:
        return None


def running(config: Path) -> list[int]:
    """The pids of every HAProxy process, master or worker, that was started with this configuration file."""
    return sorted(int(folder.name) for folder in _PROC.iterdir() if folder.name.isdigit() and _is_ours(folder, config))


def _is_ours(folder: Path, config: Path) -> bool:
    try:
        words = (folder / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False  # it has ended in the meantime
    named = os.path.basename(words[0]) == b"haproxy"
    return named and (b"-f", os.fsencode(config)) in itertools.pairwise(words)


def _check_sockets(*paths: Path) -> None:
    """Raise UserError for a path that is too long for a socket."""
    for path in paths:
        if len(os.fsencode(path)) > _LONGEST_SOCKET_PATH:
            raise UserError(
                f"The path {path} is too long for a socket ({_LONGEST_SOCKET_PATH} bytes at most).",
                "Set PORTSIDE_HOME to a shorter path.",
            )


def argv(config: Path, worker_socket: Path, master_socket: Path) -> list[str]:
    """HAProxy in the foreground, as a master with a worker.

    It takes over from those of ours that still run (after a kill -9 of a master, say): their listening sockets
    through the control socket where that answers, and they finish what they have (`-sf`).
    """
    _check_sockets(worker_socket, master_socket)
    command = [find_haproxy(), "-W", "-db", "-f", str(config), "-S", f"{master_socket},mode,600"]
    former = running(config)
    if former and _answers(worker_socket):
        command += ["-x", str(worker_socket)]
    return [*command, "-sf", *map(str, former)] if former else command


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True

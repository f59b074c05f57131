"""Starting a Docker engine on a machine where none answers."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from core import process
from core.errors import Unavailable, UserError
from server import machine, procfs
from server.progress import Progress

RUN = Path("/var/run")
START_S = 60.0
# What an engine that was killed leaves behind, and what keeps the next one from starting.
STALE = ("docker.pid", "docker/containerd/containerd.pid")
SOCKETS = (
    "docker/containerd/containerd.sock",
    "docker/containerd/containerd.sock.ttrpc",
    "docker/containerd/debug.sock",
)


def ensure_engine(environ: Mapping[str, str], log_folder: Path, progress: Progress) -> None:
    """Return at once when an engine answers; else install and start one and wait until it does."""
    if machine.engine_version(environ) is not None:
        return
    if environ.get("DOCKER_HOST"):
        machine.require_engine(environ)
    machine.install_missing(machine.ENGINE, progress)
    if machine.engine_version(environ) is not None:
        return  # the package has started it
    if os.geteuid() != 0:
        machine.require_engine(environ)
    with progress.step("Starting the Docker engine"):
        if machine.has_systemd():
            process.run(["systemctl", "enable", "--now", "docker"], timeout_s=START_S)
        else:
            _start_daemon(log_folder)
        _await_engine(environ, log_folder)


def _start_daemon(log_folder: Path) -> None:
    if not _daemon_is_there(RUN):
        clear_stale(RUN)
        log_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (log_folder / "dockerd.log").open("ab") as log:
            subprocess.Popen(
                ["dockerd"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PATH": machine.search_path()},
                start_new_session=True,
            )


def _daemon_is_there(run: Path) -> bool:
    return _named_process(run / "docker.pid") == "dockerd"


def _named_process(pid_file: Path) -> str:
    try:
        pid = int(pid_file.read_text().strip())
    except (OSError, ValueError):
        return ""
    return procfs.command_name(pid) if procfs.record_of(pid) else ""  # one that waits to be reaped has a name still


def clear_stale(run: Path) -> list[str]:
    """Remove pid files whose process is gone, and containerd's sockets with its pid file; gives what was removed."""
    removed = []
    for name in STALE:
        path = run / name
        if path.exists() and _named_process(path) not in ("dockerd", "containerd"):
            path.unlink()
            removed.append(name)
    if not (run / STALE[1]).exists():
        for name in SOCKETS:
            with suppress(FileNotFoundError):
                (run / name).unlink()
                removed.append(name)
    return removed


def _await_engine(environ: Mapping[str, str], log_folder: Path) -> None:
    deadline = time.monotonic() + START_S
    while machine.engine_version(environ) is None:
        if time.monotonic() > deadline:
            where = "journalctl -u docker" if machine.has_systemd() else f"tail {log_folder}/dockerd.log"
            raise Unavailable(f"The Docker engine does not answer after {START_S:.0f} s.", where)
        time.sleep(procfs.POLL_S * 4)


def require_root(what: str) -> None:
    """Raise UserError unless this process is root."""
    if os.geteuid() != 0:
        raise UserError(f"{what} needs root.", "Run the same command with sudo.")

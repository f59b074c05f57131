"""The machine beneath: which programs it has, which are missing, its Docker engine, and how each gap is closed."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import DockerException
from requests.exceptions import RequestException

from core import process
from core.errors import UserError
from server.progress import Progress

APT_TIMEOUT_S = 900.0


@dataclass(frozen=True)
class Program:
    """A program that a platform needs, the Debian package it comes in, and the service that the package starts."""

    command: str
    package: str
    service: str = ""


NEEDED = (
    Program("git", "git"),
    Program("redis-server", "redis-server", "redis-server"),
    Program("haproxy", "haproxy", "haproxy"),
    Program("docker-registry", "docker-registry", "docker-registry"),
    Program("setpriv", "util-linux"),
)
ENGINE = (Program("dockerd", "docker.io"), Program("iptables", "iptables"))
FOR_TESTS = (
    Program("chromium", "chromium"),
    Program("wrk", "wrk"),
    Program("pebble", "pebble"),
    Program("pg_createcluster", "postgresql", "postgresql"),
)
FOR_BENCH = (Program("nginx", "nginx", "nginx"), Program("wrk", "wrk"))
FOR_BASE_IMAGE = (Program("mmdebstrap", "mmdebstrap"),)


def search_path() -> str:
    """PATH with the folders in which Debian keeps programs for root."""
    return os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"])


def missing(programs: Iterable[Program], find: Callable[[str], str | None] | None = None) -> list[Program]:
    """Those of `programs` that are not on this machine."""
    look = find or (lambda command: shutil.which(command, path=search_path()))
    return [program for program in programs if look(program.command) is None]


def lacking(programs: Iterable[Program]) -> UserError:
    """What to tell a person who is not root about programs that are missing."""
    gaps = list(programs)
    names = ", ".join(program.command for program in gaps)
    packages = " ".join(sorted({program.package for program in gaps}))
    return UserError(
        f"Not installed on this machine: {names}.",
        f"sudo apt-get update && sudo apt-get install -y --no-install-recommends {packages}",
    )


def require_programs() -> None:
    """Raise UserError, with the command that installs them, when programs are missing."""
    gaps = missing(NEEDED)
    if gaps:
        raise lacking(gaps)


def install_missing(programs: Iterable[Program], progress: Progress) -> None:
    """Install those of `programs` that are missing, with apt. Services that come with them are not left running:
    Portside runs its own."""
    gaps = missing(programs)
    if not gaps:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise lacking(gaps)
    packages = sorted({program.package for program in gaps})
    quiet = {"DEBIAN_FRONTEND": "noninteractive", "PATH": search_path()}
    with progress.step(f"Installing {', '.join(packages)}"):
        # A source of somebody else's that is out of reach is no reason to stop: the next line tells what is missing.
        process.run(["apt-get", "update", "-q"], env=quiet, timeout_s=APT_TIMEOUT_S, check=False)
        process.run(
            ["apt-get", "install", "-q", "-y", "--no-install-recommends", *packages],
            env=quiet,
            timeout_s=APT_TIMEOUT_S,
        )
    for program in gaps:
        if program.service:
            _disable(program.service)


def has_systemd() -> bool:
    """Whether systemd runs this machine (sd_booted(3))."""
    return Path("/run/systemd/system").is_dir()


def _disable(service: str) -> None:
    if has_systemd():
        process.run(["systemctl", "disable", "--now", service], check=False)
    else:
        process.run(["service", service, "stop"], check=False)
        process.run(["update-rc.d", service, "disable"], check=False)


def engine_version(environ: Mapping[str, str]) -> str | None:
    """The version of the engine that answers, or None when none does."""
    try:
        client = docker.from_env(environment=dict(environ), timeout=5)
        try:
            return str(client.version()["Version"])
        finally:
            client.close()
    except (DockerException, RequestException):
        return None


def require_engine(environ: Mapping[str, str]) -> None:
    """Raise UserError, with the command that starts one, when no engine answers."""
    if engine_version(environ) is not None:
        return
    if environ.get("DOCKER_HOST"):
        message = f"No Docker engine answers at {environ['DOCKER_HOST']}."
        raise UserError(message, "Start it, or unset DOCKER_HOST to use this machine's own.")
    socket = Path("/var/run/docker.sock")
    if socket.exists() and not os.access(socket, os.W_OK):
        join = "sudo usermod -aG docker $USER && newgrp docker"
        raise UserError(f"You may not use the Docker engine at {socket}.", join)
    if missing(ENGINE):
        raise lacking(missing(ENGINE))
    raise UserError(f"No Docker engine answers at {socket}.", f"Start it: {how_to_start_engine()}")


def how_to_start_engine() -> str:
    """The command that starts this machine's own engine."""
    return (
        "sudo systemctl start docker" if has_systemd() else f"sudo {Path(sys.executable).parent}/portside-server engine"
    )

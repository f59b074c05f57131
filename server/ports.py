"""Ports: whether one is free, and if not, who holds it and which setting moves us away from it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core.errors import UserError
from server import procfs

_LISTEN = "0A"  # TCP_LISTEN of include/net/tcp_states.h, as /proc/net/tcp prints it


@dataclass(frozen=True)
class Port:
    """Where a part listens, and the setting that says so (`form`: how its value is written)."""

    part: str
    host: str
    number: int
    setting: str
    form: str = "{}"


@dataclass(frozen=True)
class Holder:
    """The process that holds a port: `pid` 0 when it can't be known."""

    pid: int = 0
    name: str = ""

    def __str__(self) -> str:
        return f"by {self.name} (pid {self.pid})" if self.pid else "by another program"


def near(host: str) -> str:
    """Where a program on this machine reaches what listens on `host`."""
    return {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104


def is_taken(port: Port) -> bool:
    """Whether binding that port would fail just now."""
    family = socket.AF_INET6 if ":" in port.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            probe.bind((port.host, port.number))
        except OSError:
            return True
    return False


def holder_of(number: int) -> Holder:
    """Who listens on TCP port `number`, as far as /proc lets us see (only root sees other users' processes)."""
    inodes = {
        fields[9]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for fields in _rows(Path(table))
        if fields[3] == _LISTEN and int(fields[1].rsplit(":", 1)[1], 16) == number
    }
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for entry in Path("/proc").iterdir():
        if wanted and entry.name.isdigit() and wanted & _open_files(entry):
            return Holder(int(entry.name), procfs.command_name(int(entry.name)))
    return Holder()


def _rows(table: Path) -> list[list[str]]:
    try:
        return [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []


def _open_files(process: Path) -> set[str]:
    found: set[str] = set()
    with suppress(OSError):
        for descriptor in (process / "fd").iterdir():
            with suppress(OSError):
                found.add(os.readlink(descriptor))
    return found


def refusal(taken: Iterable[tuple[Port, Holder]]) -> UserError:
    """What to tell a person whose ports are taken: each with its holder, and the settings to change."""
    pairs = list(taken)
    lines = dict.fromkeys(f"Port {port.number} ({port.part}) is held {holder}." for port, holder in pairs)
    settings = dict.fromkeys(f"{port.setting}={port.form.format(_other(port.number))}" for port, _ in pairs)
    return UserError(
        "\n".join(lines), f"Stop that program, or use other ports: {' '.join(settings)} portside-server up"
    )


def _other(number: int) -> int:
    return number + 10_000 if number < 50_000 else number - 10_000


def require_free(ports: Iterable[Port]) -> None:
    """Raise UserError, naming every port that is taken, its holder and its setting."""
    taken = [(port, holder_of(port.number)) for port in ports if is_taken(port)]
    if taken:
        raise refusal(taken)

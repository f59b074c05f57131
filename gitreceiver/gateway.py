"""git over SSH: public keys only, two commands only, on a port of its own.

One asyncio loop speaks SSH; each git command runs in a thread at the other end of a socket pair, through the same code
as HTTP.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shlex
import signal
import socket
import threading
from contextlib import nullcontext, suppress
from pathlib import Path

import asyncssh

from accounts import Accounts, Identity
from core.edge import contained, unit_of_work
from core.errors import PortsideError
from gitreceiver.serving import GitParts, Service
from gitreceiver.settings import ReceiverSettings
from gitreceiver.ssh import Beside
from gitreceiver.ssh_session import NO_SHELL, SocketConnection, pump

log = logging.getLogger("portside.gateway")
_MISSED_SIGNS = 3
_TARGET = re.compile(r"^/?(?P<name>[^/]+?)(\.git)?/?$")


def parse_command(command: str | None) -> tuple[Service, str] | None:
    """The service and the app's name in `git-receive-pack 'NAME.git'`; None for anything else."""
    try:
        words = shlex.split(command or "")
    except ValueError:
        return None
    if words[:1] == ["git"]:  # `git receive-pack`, as some clients write it
        words[:2] = ["-".join(words[:2])]
    target = _TARGET.match(words[1]) if len(words) == 2 else None
    if target is None or words[0] not in set(Service):
        return None
    return Service(words[0]), target["name"]


def load_host_key(path: Path) -> asyncssh.SSHKey:
    """The server's own key, made at first use: ed25519, in a file that only its owner reads."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        making = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
        making.rename(path)
    return asyncssh.read_private_key(path)


class Door(asyncssh.SSHServer):
    """One SSH connection: counts it, and finds out by its key whose it is."""

    def __init__(self, accounts: Accounts, open_doors: set[Door], most: int) -> None:
        self._accounts = accounts
        self._open_doors = open_doors
        self._most = most
        self.sessions = 0
        self.identity: Identity | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._open_doors.add(self)
        conn.set_extra_info(door=self)
        if len(self._open_doors) > 2 * self._most + 1:
            conn.abort()  # a flood: not worth a key exchange to say so

    def connection_lost(self, exc: Exception | None) -> None:
        self._open_doors.discard(self)

    def begin_auth(self, username: str) -> bool:
        if len(self._open_doors) > self._most:
            raise asyncssh.DisconnectError(asyncssh.DISC_TOO_MANY_CONNECTIONS, "Too many connections: try again soon.")
        return True  # whatever the name, a key must be shown

    def public_key_auth_supported(self) -> bool:
        return True

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Asked for each key on offer, and last for the one that the client then proves to hold."""
        fingerprint = key.get_fingerprint("sha256")
        with contained("looking an SSH key up"):
            self.identity = await asyncio.to_thread(self._accounts.identify_key, fingerprint)
            return self.identity is not None
        return False


class Gateway:
    """The SSH server. `start`, then `stop`; both from the same event loop."""

    def __init__(self, parts: GitParts, host_key: Path) -> None:
        self._parts = parts
        self._settings: ReceiverSettings = parts.settings
        self._host_key = host_key
        self._doors: set[Door] = set()
        self._acceptor: asyncssh.SSHAcceptor | None = None

    async def start(self) -> int:
        """Listen; gives the port."""
        settings = self._settings
        self._acceptor = await asyncssh.create_server(
            lambda: Door(self._parts.accounts, self._doors, settings.ssh_max_connections),
            settings.ssh_host,
            settings.ssh_port,
            server_host_keys=[load_host_key(self._host_key)],
            process_factory=self._serve,
            encoding=None,
            allow_pty=False,
            agent_forwarding=False,
            x11_forwarding=False,
            login_timeout=settings.ssh_login_grace_s,
            keepalive_interval=settings.ssh_keepalive_s,
            keepalive_count_max=_MISSED_SIGNS,
            compression_algs=None,
            server_version="Portside",
        )
        port: int = self._acceptor.get_port()
        return port

    async def stop(self) -> None:
        """Listen no more and end every connection. Deploys go on: they are the worker's."""
        if self._acceptor is not None:
            self._acceptor.close()
            await self._acceptor.wait_closed()

    async def _serve(self, process: asyncssh.SSHServerProcess[bytes]) -> None:
        door: Door = process.get_extra_info("door")
        door.sessions += 1
        try:
            with contained("an SSH session"):
                process.exit(await self._run(process, door))
        finally:
            door.sessions -= 1
            process.close()

    async def _run(self, process: asyncssh.SSHServerProcess[bytes], door: Door) -> int:
        """One command, to its exit code."""
        identity, asked = door.identity, parse_command(process.command)
        assert identity is not None  # no session opens before a key was accepted
        if asked is None or process.subsystem is not None:
            return _say(process, NO_SHELL.format(email=identity.email))
        if door.sessions > self._settings.ssh_max_sessions:
            return _say(process, f"At most {self._settings.ssh_max_sessions} commands at once over one connection.")
        service, name = asked
        try:
            with unit_of_work("an SSH command"):
                app_id = await asyncio.to_thread(self._parts.admit, identity, name, service)
        except PortsideError as error:
            return _say(process, str(error))
        ours, theirs = socket.socketpair()
        connection = SocketConnection(theirs)
        work = threading.Thread(
            target=connection.run,
            args=(lambda: self._parts.serve(identity, app_id, service, connection),),
            name=f"{service} {app_id}",
            daemon=True,
        )
        work.start()
        await pump(process, ours, connection)
        return connection.exit_code


def _say(process: asyncssh.SSHServerProcess[bytes], text: str) -> int:
    """A refusal, where ssh shows it."""
    with suppress(OSError):
        process.stderr.write(f"{text}\n".encode())
    return 1


async def serve_until_stopped(parts: GitParts, host_key: Path, beside: Beside = nullcontext) -> None:
    """Serve git over SSH, and `beside`, until SIGTERM or SIGINT."""
    gateway = Gateway(parts, host_key)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    port = await gateway.start()
    log.info("git over SSH on port %d", port)
    async with beside():
        await stopped.wait()
    await gateway.stop()

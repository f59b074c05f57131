"""A memory of what HAProxy keeps, a real HAProxy with a home of its own, and tiny HTTP servers as backends."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from core.database import Database
from core.ids import AppId, new_id
from router import Backend, HaproxyControl, Router, RouterDown, RouterSettings, config
from router import program as program_module
from router.counts import NONE, Counts
from router.front_plan import Command, FrontMap, FrontTable
from router.haproxies import Places
from router.pipe import FD_VARIABLE
from router.plan import (
    AddServer,
    DropEntry,
    EnableServer,
    MapName,
    MoveServer,
    PutEntry,
    RemoveServer,
    RouteTable,
    Scope,
    Server,
    Step,
)
from router.runtime_socket import Refused
from tests.databases import new_database

PATIENCE_S = 20.0
MEMORY_SETTINGS = RouterSettings(spare_slots=4)


def wait_until(true: Callable[[], object], what: str) -> None:
    """Poll with a generous deadline."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, f"never came true: {what}"
        time.sleep(0.01)


class MemoryControl:
    """Keeps what HAProxy keeps: maps, slots with servers, and requests that hold a server back from removal."""

    def __init__(self, slots: Sequence[str]) -> None:
        self.maps: dict[MapName, dict[str, str]] = {name: {} for name in MapName}
        self.counted: dict[str, Counts] = {}
        self.slots: dict[str, dict[str, Server]] = {slot: {} for slot in slots}
        self.busy: dict[tuple[str, str], int] = {}
        self.steps: list[Step] = []
        self.down = False
        self.on_reload: Callable[[], None] = lambda: None

    def observe(self, scope: Scope | None) -> RouteTable:
        self._answer()
        slots = {slot: dict(servers) for slot, servers in self.slots.items() if scope is None or slot in scope.slots}
        hosts, targets = self.maps[MapName.HOSTS], self.maps[MapName.TARGETS]
        if scope is None:
            more = (dict(self.maps[MapName.HOLDS]), dict(self.maps[MapName.COUNTED]))
            return RouteTable(dict(hosts), dict(targets), slots, *more)
        hosts = {host: app for host, app in hosts.items() if host in scope.hosts}
        targets = {app: slot for app, slot in targets.items() if app in scope.apps}
        holds = {app: until for app, until in self.maps[MapName.HOLDS].items() if app in scope.apps}
        counted = {slot: name for slot, name in self.maps[MapName.COUNTED].items() if slot in scope.slots}
        return RouteTable(hosts, targets, slots, holds, counted)

    def carry_out(self, steps: Sequence[Step]) -> list[RemoveServer]:
        self._answer()
        self.steps += steps
        return [step for step in steps if not self._do(step) and isinstance(step, RemoveServer)]

    def _do(self, step: Step) -> bool:
        match step:
            case AddServer(slot, server) | MoveServer(slot, server):
                if slot not in self.slots:
                    raise Refused(f"The router refused `add server {slot}/{server.name}`: No such backend.")
                self.slots[slot][server.name] = server
            case EnableServer(slot, name):
                self.slots[slot][name] = dataclasses.replace(self.slots[slot][name], ready=True)
            case RemoveServer(slot, name, sever):
                if self.busy.get((slot, name)) and not sever:
                    self.slots[slot][name] = dataclasses.replace(self.slots[slot][name], ready=False)
                    return False
                self.busy.pop((slot, name), None)
                del self.slots[slot][name]
            case PutEntry(map_name, key, value, new):
                assert new == (key not in self.maps[map_name])
                self.maps[map_name][key] = value
            case DropEntry(map_name, key):
                del self.maps[map_name][key]
        return True

    def sessions(self, slot: str) -> int:
        self._answer()
        return sum(count for (where, _), count in self.busy.items() if where == slot)

    def counts(self, generation: str) -> Counts:
        self._answer()
        return self.counted.get(generation, NONE)

    def addresses(self) -> frozenset[str]:
        self._answer()
        return frozenset(server.address for servers in self.slots.values() for server in servers.values())

    def reload(self) -> None:
        self._answer()
        self.on_reload()

    def _answer(self) -> None:
        if self.down:
            raise RouterDown


class MemoryFront:
    """Keeps what HAProxy keeps of the front: its version, its maps."""

    def __init__(self, version: str) -> None:
        self.current = version
        self.maps: dict[FrontMap, dict[str, str]] = {name: {} for name in FrontMap}
        self.certificates: dict[str, str] = {}

    def version(self) -> str:
        return self.current

    def observe(self) -> FrontTable:
        return FrontTable({name: dict(entries) for name, entries in self.maps.items()}, dict(self.certificates))

    def carry_out(self, commands: Sequence[Command]) -> None:
        for command in commands:
            if " ssl " in command.text:
                self._certificate(command.text.split())
                continue
            verb, _, name, key, *value = command.text.split(" ", 4)
            if verb == "del":
                del self.maps[FrontMap(name)][key]
            else:
                self.maps[FrontMap(name)][key] = value[0]

    def _certificate(self, words: list[str]) -> None:
        match words:
            case ["add", "ssl", "crt-list", _, "<<", file, _]:
                self.certificates[file] = ""
            case ["del", "ssl", "crt-list", _, file]:
                del self.certificates[file]


class App(ThreadingHTTPServer):
    """A tiny app: answers its name to GET and POST, on kept-alive connections; `/slow` waits for `release`.

    `stop` is an app that exits at once: it closes its port and every connection, whatever is on them.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, name: str, delay_s: float = 0.0) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.name = name
        self.delay_s = delay_s
        self.status = 200
        self.release = threading.Event()
        self.slow_started = threading.Event()
        self.seen: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self._open: set[socket.socket] = set()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def backend(self) -> Backend:
        return Backend(self.name, "127.0.0.1", self.server_port)

    def process_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        self._open.add(request)
        super().process_request(request, client_address)  # type: ignore[arg-type]

    def shutdown_request(self, request: socket.socket) -> None:  # type: ignore[override]
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a connection that `stop` cut

    def stop(self) -> None:
        self.release.set()
        self.die()

    def die(self) -> None:
        """As after SIGKILL: whatever is open is never answered."""
        self.shutdown()
        self.server_close()
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: App

    def do_GET(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        self.server.seen.append(dict(self.headers.items()))
        if self.path == "/slow":
            self.server.slow_started.set()
            self.server.release.wait(PATIENCE_S)
        time.sleep(self.server.delay_s)
        body = self.server.name.encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names that http.server looks for

    def log_message(self, *_: object) -> None:
        pass


class Haproxy:
    """A router with its real HAProxy, in a short home of its own (a socket's path holds 107 bytes)."""

    def __init__(self, home: Path, database: Database, **settings: object) -> None:
        self.home = home
        self.database = database
        self.settings = RouterSettings(
            http_port=_free_port(),
            https_port=_free_port(),
            maxconn=500,
            **{"bind": "127.0.0.1", "spare_slots": 8, **settings},  # type: ignore[arg-type]
        )
        self.router = Router(database, self.settings, home, "apps.test")
        self.control = HaproxyControl(
            home / "run" / "router.sock", home / "run" / "router-master.sock", keep_alive_s=10
        )
        self._masters: list[subprocess.Popen[bytes]] = []

    @property
    def config(self) -> Path:
        return self.home / "router" / "haproxy.cfg"

    def start(self, number: int = 1) -> subprocess.Popen[bytes]:
        self.router.processes.write_config(number)
        more = self.router.processes.environment()
        pipe = int(more[FD_VARIABLE])
        with open(self.home / "haproxy.log", "ab") as log:
            environ = {**os.environ, **more}
            master = subprocess.Popen(
                self.router.processes.command(number), stdout=log, stderr=log, env=environ, pass_fds=(pipe,)
            )
        os.close(pipe)
        self._masters.append(master)
        wait_until(
            lambda: self.router.processes.alive(number), f"HAProxy is up: {(self.home / 'haproxy.log').read_text()}"
        )
        return master

    def pids(self, number: int = 1) -> list[int]:
        return program_module.running(Places.of(self.home, number).config)

    def kill(self, *numbers: int) -> None:
        """kill -9 of the master and all its workers; of all of them, if no numbers are given."""
        wanted = numbers or tuple(range(1, self.settings.instances + 1))
        for pid in (pid for number in wanted for pid in self.pids(number)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(map(self._left, wanted)), "all of HAProxy is gone")

    def _left(self, number: int) -> list[int]:
        for master in self._masters:
            master.poll()
        return self.pids(number)

    def deploy(self, app_id: AppId, generation: str, *apps: App) -> None:
        with self.database.write() as session:
            self.router.point(session, app_id, generation, [app.backend for app in apps])
        self.router.apply(app_id)

    def client(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.settings.http_port, timeout=PATIENCE_S)

    def get(
        self, host: str, path: str = "/", headers: dict[str, str] | None = None, method: str = "GET"
    ) -> tuple[int, str]:
        """One request on a connection of its own."""
        client = self.client()
        client.request(method, path, headers={"Host": host, **(headers or {})})
        answer = client.getresponse()
        try:
            return answer.status, answer.read().decode()
        finally:
            client.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = new_database(tmp_path / "records.db")
    yield database
    database.close()


@pytest.fixture
def memory() -> MemoryControl:
    return MemoryControl([f"slot_{number:04d}" for number in range(8)])


@pytest.fixture
def memory_front() -> MemoryFront:
    return MemoryFront(config.version(MEMORY_SETTINGS))


@pytest.fixture
def memory_router(database: Database, memory: MemoryControl, memory_front: MemoryFront, tmp_path: Path) -> Router:
    return Router(database, MEMORY_SETTINGS, tmp_path, "apps.test", memory, memory_front)


@pytest.fixture
def start_haproxy(database: Database) -> Iterator[Callable[..., Haproxy]]:
    started: list[Haproxy] = []

    def start(**settings: object) -> Haproxy:
        haproxy = Haproxy(Path(tempfile.mkdtemp(prefix="psr-", dir="/tmp")), database, **settings)
        started.append(haproxy)
        haproxy.start()
        return haproxy

    yield start
    for haproxy in started:
        haproxy.kill()
        shutil.rmtree(haproxy.home)


@pytest.fixture
def haproxy(start_haproxy: Callable[..., Haproxy]) -> Haproxy:
    return start_haproxy()


@pytest.fixture
def start_app() -> Iterator[Callable[..., App]]:
    started: list[App] = []

    def start(name: str, delay_s: float = 0.0) -> App:
        app = App(name, delay_s)
        started.append(app)
        return app

    yield start
    for app in started:
        app.stop()


@pytest.fixture
def app_id() -> AppId:
    return AppId(new_id())


@pytest.fixture
def until() -> Callable[[Callable[[], object], str], None]:
    return wait_until

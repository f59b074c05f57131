"""A router of the bench's own, with as many apps as wanted in its records, each with one instance."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import insert

from bench.routing.logs import emptied
from bench.routing.proxies import THREADS, Proxy, Running, running
from core import clock
from core.database import Database
from core.ids import AppId, new_id
from router import Backend, HaproxyControl, Router, RouterSettings
from router.pipe import FD_VARIABLE
from router.tables import BackendRow, RouteRow, SlotRow, SlotState
from tests.background import eventually

DOMAIN = "apps.test"
SPREAD = 32
"""Requests go to so many apps, spread over all: more would measure new connections to backends, not routing."""


class Apps:
    """`count` apps, all led to one backend port. The database is a real one, and waits for its disk."""

    def __init__(self, folder: Path, count: int, port: int, backend_port: int) -> None:
        folder.mkdir()
        self.hosts = [f"app-{number:05d}.{DOMAIN}" for number in range(count)]
        self.spread = self.hosts[:: max(1, count // SPREAD)]
        self._folder = folder
        self._backend_port = backend_port
        self._database = Database(f"sqlite:///{folder / 'records.db'}")
        self._database.create_tables()
        settings = RouterSettings(http_port=port, https_port=0, bind="127.0.0.1", threads=THREADS)
        self._settings = settings
        self.router = Router(self._database, settings, folder, DOMAIN)
        self._ids = [AppId(new_id()) for _ in range(count)]
        self._fill()

    def close(self) -> None:
        self._database.close()

    def _fill(self) -> None:
        """The records as `point` would have left them, all at once."""
        now, port, each = clock.now(), self._backend_port, list(enumerate(self._ids))
        with self._database.write() as session:
            names = [f"app-{number:05d}" for number, _ in each]
            routes = [
                {"app_id": app, "label": names[n], "generation": "g0", "created_at": now, "counted": False}
                for n, app in each
            ]
            slots = [{"number": n, "app_id": app, "generation": "g0", "state": SlotState.CURRENT} for n, app in each]
            backends = [{"slot": n, "instance_id": f"i-{n}", "address": "127.0.0.1", "port": port} for n, _ in each]
            session.execute(insert(RouteRow), routes)
            session.execute(insert(SlotRow), slots)
            session.execute(insert(BackendRow), backends)

    @contextmanager
    def served(self) -> Iterator[tuple[Running, float]]:
        """HAProxy as the platform starts it, from configuration to first answer; with how long that took."""
        begun = time.monotonic()
        self.router.processes.write_config()
        environ = self.router.processes.environment()
        with emptied(int(environ[FD_VARIABLE])) as log:
            proxy = Proxy("Portside", self._settings.http_port, self.router.processes.command(), environ, (log,))
            with running(proxy, self.hosts[-1], self._folder / "haproxy.log") as found:
                took_s = time.monotonic() - begun
                eventually(self.router.processes.alive, "the router answers")
                yield found, took_s

    def switch(self, number: int) -> float:
        """Move one app's route to a new generation, as a deploy does; in ms. What it leaves is cleared, untimed."""
        before, after = ("g0", "g1") if number % 2 == 0 else ("g1", "g0")
        app_id = self._ids[(number // 2) * 37 % len(self._ids)]
        took_ms = _timed_ms(lambda: self._point(app_id, after))
        self.router.retire(app_id, before)
        return took_ms

    def add(self) -> float:
        """Route one more app, from its name on; in ms. It is forgotten again, untimed."""
        app_id = AppId(new_id())

        def route() -> None:
            self.router.name_app(app_id, f"new-{app_id[:8]}")
            self._point(app_id, "g0")

        took_ms = _timed_ms(route)
        self.router.forget_app(app_id)
        return took_ms

    def _point(self, app_id: AppId, generation: str) -> None:
        backend = Backend(f"{generation}-{new_id()[:8]}", "127.0.0.1", self._backend_port)
        with self._database.write() as session:
            self.router.point(session, app_id, generation, [backend])
        self.router.apply(app_id)

    def reconcile(self) -> float:
        """One look at everything, with nothing to do; in ms."""
        return _timed_ms(self.router.reconcile)

    def reload(self) -> float:
        """Take on a new configuration, as when slots run out; in ms."""
        run = self._folder / "run"
        control = HaproxyControl(
            run / "router.sock", run / "router-master.sock", keep_alive_s=self._settings.keep_alive_s
        )

        def renew() -> None:
            self.router.processes.write_config()
            control.reload()

        return _timed_ms(renew)


def _timed_ms(act: Callable[[], object]) -> float:
    begun = time.monotonic()
    act()
    return (time.monotonic() - begun) * 1000

"""Makes HAProxy agree with the records: one app's route, or the whole table, and the configuration that it starts with.

Whoever changes HAProxy holds the lock file, and reads the records anew under it, so that the last word in the records
is also HAProxy's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from core.database import Database
from core.errors import Unavailable
from core.ids import AppId
from router import config, program, records
from router.control import RouterControl
from router.front import Front
from router.lock import locked
from router.plan import RouteTable, Scope, missing_slots, plan
from router.settings import RouterSettings

log = logging.getLogger("portside.router")


class Agreement:
    """Between the records in `database` and the HAProxy behind `control`. `front` agrees on what does not depend on
    routes, and may be made later than this: it is asked for when it is needed."""

    def __init__(
        self,
        database: Database,
        settings: RouterSettings,
        domain: str,
        home: Path,
        control: RouterControl,
        front: Callable[[], Front],
    ) -> None:
        self._database = database
        self._settings = settings
        self._domain = domain
        self.folder = home / "router"
        self._run = home / "run"
        self._control = control
        self._front = front

    def apply(self, app_id: AppId) -> None:
        """Agree on this app, now. Raises Unavailable."""
        with locked(self._run):
            self._agree(app_id)

    def apply_if_possible(self, app_id: AppId, *gone_hosts: str, front: bool = False) -> None:
        """Agree on this app, on hosts that it has no more, and on the front if its hosts changed: now, or when
        HAProxy is back."""
        try:
            with locked(self._run):
                self._agree(app_id, frozenset(gone_hosts))
                if front:
                    self._front().agree(self._grow)
        except Unavailable as error:
            log.warning("route of app %s waits for the router: %s", app_id, error.message)

    def apply_front(self) -> None:
        """Agree on the front, now. Raises Unavailable."""
        with locked(self._run):
            self._front().agree(self._grow)

    def front_changed(self) -> None:
        """Agree on the front: now, or when HAProxy is back."""
        try:
            self.apply_front()
        except Unavailable as error:
            log.warning("a change of what hosts do waits for the router: %s", error.message)

    def reconcile(self) -> None:
        """Agree on everything, and make room before slots run out. Raises Unavailable."""
        with locked(self._run):
            self._front().agree(self._grow)
            observed = self._agree(None)
            with self._database.read() as session:
                used = records.used_slots(session)
            if len(observed.slots) - used < self._settings.spare_slots / 4:
                self._grow()

    def write_config(self) -> Path:
        """Render HAProxy's files from the records, check them, put them in place; gives the configuration's path."""
        with locked(self._run):
            return self._write_config()

    def _agree(self, app_id: AppId | None, gone_hosts: frozenset[str] = frozenset()) -> RouteTable:
        """Make HAProxy agree on one app, or on all; gives what it had before. Holds the lock."""
        with self._database.read() as session:
            desired, scope, retired = records.read(session, self._domain, app_id)
        looked_at = None if app_id is None else Scope(scope.hosts | gone_hosts, scope.apps, scope.slots)
        observed = self._control.observe(looked_at)
        if missing_slots(desired, observed):
            self._grow()
            observed = self._control.observe(looked_at)
        left = self._control.carry_out(plan(desired, observed))
        emptied = retired - {step.slot for step in left}
        if emptied:
            with self._database.write() as session:
                records.free(session, emptied)
        return observed

    def _grow(self) -> None:
        self._write_config()
        self._control.reload()
        log.info("the router has room for more apps")

    def _write_config(self) -> Path:
        haproxy = program.find_haproxy()
        with self._database.read() as session:
            table, _, _ = records.read(session, self._domain)
            slot_count = records.highest_slot(session) + 1 + self._settings.spare_slots
        machine = program.machine(self._settings, self._run / "router.sock")
        files = config.render(table, slot_count, self._settings, machine, self._front().version)
        return config.install({**files, **self._front().files()}, self.folder, haproxy)

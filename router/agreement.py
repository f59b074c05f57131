"""Makes every HAProxy agree with the records: one app's route, or the whole table, and the configuration that it starts
with.

Whoever changes HAProxy holds the lock file, and reads the records anew under it, so that the last word in the records
is also HAProxy's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from core.database import Database
from core.edge import contained
from core.errors import Unavailable
from core.ids import AppId
from router import config, program, records
from router.haproxies import Haproxies, Haproxy
from router.lock import locked
from router.plan import RemoveServer, RouteTable, Scope, Step, missing_slots, owner_of, plan
from router.refusals import Refusals, Told
from router.settings import RouterSettings

log = logging.getLogger("portside.router")


class Agreement:
    """Between the records in `database` and the HAProxies, which may be made later than this: they are asked for when
    they are needed."""

    def __init__(
        self,
        database: Database,
        settings: RouterSettings,
        domain: str,
        home: Path,
        haproxies: Callable[[], Haproxies],
    ) -> None:
        self._database = database
        self._settings = settings
        self._domain = domain
        self._run = home / "run"
        self._told = Told(self._run)
        self._haproxies = haproxies

    def apply(self, app_id: AppId) -> None:
        """Agree on this app, now. Raises Unavailable."""
        with locked(self._run):
            self._agree(app_id, refusals := Refusals())
        refusals.raise_first()

    def apply_if_possible(self, app_id: AppId, *gone_hosts: str, front: bool = False) -> None:
        """Agree on this app, on hosts that it has no more, and on the front if its hosts changed: now, or when
        HAProxy is back."""
        try:
            with locked(self._run):
                self._agree(app_id, refusals := Refusals(), frozenset(gone_hosts))
                if front:
                    self._agree_on_front(refusals)
            refusals.raise_first()
        except Unavailable as error:
            log.warning("route of app %s waits for the router: %s", app_id, error.message)

    def apply_front(self, whose: str) -> None:
        """Agree on the front, now. Raises Unavailable, of what is refused for what is `whose` (a token, a host, an app)
        alone."""
        with locked(self._run):
            self._agree_on_front(refusals := Refusals())
        refusals.raise_for(whose)

    def front_changed(self) -> None:
        """Agree on the front: now, or when HAProxy is back."""
        try:
            with locked(self._run):
                self._agree_on_front(refusals := Refusals())
            refusals.raise_first()
        except Unavailable as error:
            log.warning("a change of what hosts do waits for the router: %s", error.message)

    def reconcile(self) -> None:
        """Agree on everything, and make room before slots run out; what is refused is told. Raises Unavailable."""
        refusals = Refusals()
        with locked(self._run):
            self._agree_on_front(refusals)
            found = self._agree(None, refusals)
            with contained("telling what the router refused"):
                self._told.tell(refusals)
            with self._database.read() as session:
                used = records.used_slots(session)
            for haproxy, slot_count in found:
                if slot_count - used < self._settings.spare_slots / 4:
                    self._grow(haproxy)

    def write_config(self, number: int = 1) -> Path:
        """Render the files of a HAProxy from the records, check them, put them in place; gives the configuration's
        path."""
        with locked(self._run):
            return self._write_config(self._haproxies().all[number - 1])

    def refused(self) -> dict[str, str]:
        """What was refused when everything was looked at last, by the app or host (or slot) that it is for."""
        return self._told.read()

    def _agree(
        self, app_id: AppId | None, refusals: Refusals, gone_hosts: frozenset[str] = frozenset()
    ) -> list[tuple[Haproxy, int]]:
        """Make them agree on one app, or on all; gives those that run, each with the slots that it had. Holds the lock.
        A slot that every one of them has emptied is free."""
        with self._database.read() as session:
            desired, scope, retired = records.read(session, self._domain, app_id)
        looked_at = None if app_id is None else Scope(scope.hosts | gone_hosts, scope.apps, scope.slots)
        busy: set[str] = set()
        bring = partial(self._bring, desired=desired, looked_at=looked_at, busy=busy, refusals=refusals)
        found = self._haproxies().each(lambda haproxy: (haproxy, bring(haproxy)))
        emptied = retired - busy
        if emptied:
            with self._database.write() as session:
                records.free(session, emptied)
        return found

    def _bring(
        self, haproxy: Haproxy, desired: RouteTable, looked_at: Scope | None, busy: set[str], refusals: Refusals
    ) -> int:
        """One HAProxy to `desired`; gives how many slots it had. `busy` takes those that could not be emptied."""
        observed = haproxy.control.observe(looked_at)
        if missing_slots(desired, observed):
            self._grow(haproxy)
            observed = haproxy.control.observe(looked_at)

        def do(step: Step) -> None:
            busy.update(left.slot for left in haproxy.control.carry_out([step]))

        left = refusals.each_alone(plan(desired, observed), owner_of(desired, observed), do)
        busy |= {step.slot for step in left if isinstance(step, RemoveServer)}
        return len(observed.slots)

    def _agree_on_front(self, refusals: Refusals) -> None:
        self._haproxies().each(lambda haproxy: haproxy.front.agree(lambda: self._grow(haproxy), refusals))

    def _grow(self, haproxy: Haproxy) -> None:
        self._write_config(haproxy)
        haproxy.control.reload()
        log.info("the router has room for more apps")

    def _write_config(self, haproxy: Haproxy) -> Path:
        found = program.find_haproxy()
        with self._database.read() as session:
            table, _, _ = records.read(session, self._domain)
            slot_count = records.highest_slot(session) + 1 + self._settings.spare_slots
        machine = program.machine(self._settings, haproxy.places.worker_socket)
        files = config.render(table, slot_count, self._settings, machine, haproxy.front.version)
        return config.install({**files, **haproxy.front.files()}, haproxy.places.folder, found)

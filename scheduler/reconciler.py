"""Looks at many apps at once and gives each a turn where one is due."""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Collection, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime

from sqlalchemy import delete

from core import clock
from core.database import Database
from core.edge import contained
from core.ids import AppId
from router import Router
from scheduler import addresses, plan, records, warm
from scheduler.adoption import Adoption
from scheduler.agenda import Agenda
from scheduler.crons import Crons
from scheduler.records import AppRecord
from scheduler.run_plan import Begin, RunStep
from scheduler.runs import Runs
from scheduler.runtime import Container, Runtime
from scheduler.settings import SchedulerSettings
from scheduler.states import InstanceState
from scheduler.tables import InstanceRow
from scheduler.turns import Turns

log = logging.getLogger("portside.scheduler")

MOST_WAITING = 64


class Reconciler:
    """One call to the engine and a few queries for any number of apps; turns of different apps run side by side.

    An app whose turn takes long (a slow health path) keeps only itself waiting. What should be looked at again goes
    on the agenda.
    """

    def __init__(
        self,
        database: Database,
        router: Router,
        runtime: Runtime,
        settings: SchedulerSettings,
        turns: Turns,
        agenda: Agenda,
        runs: Runs,
        adoption: Adoption,
        crons: Crons,
    ) -> None:
        self._database = database
        self._router = router
        self._runtime = runtime
        self._settings = settings
        self._turns = turns
        self._agenda = agenda
        self._runs = runs
        self._adoption: Adoption | None = adoption
        self._crons = crons
        self._pool = ThreadPoolExecutor(settings.parallel, thread_name_prefix="turn")
        self._run_pool = ThreadPoolExecutor(settings.parallel, thread_name_prefix="run")  # not behind hundreds of turns
        self._begin_pool = ThreadPoolExecutor(MOST_WAITING, thread_name_prefix="begin")  # nor those behind a full gate
        self._beginning: set[str] = set()
        self._active: set[AppId] = set()
        self._missed: set[AppId] = set()  # those that should have had another turn while theirs was under way
        self._lock = threading.Lock()

    def everything(self) -> list[Future[None]]:
        """All apps, strays, addresses and the route table; the turns that were begun."""
        if self._adoption is not None:  # before anything that no record wants is ended
            adopted, self._adoption = self._adoption.look(), None
            if adopted:  # requests may be on their way by routes that no record has: the next pass takes them away
                return self.apps(None)
        turns = self.apps(None)
        with contained("addresses"):
            self._free_addresses()
        with contained("routes"):
            self._router.reconcile()
        return turns

    def note_ended(self) -> None:
        """Take out of the routes in the records what no longer runs, or not at its address. Starts and ends nothing."""
        at, by_app = clock.now(), defaultdict[AppId, dict[str, Container]](dict)
        for container in self._runtime.containers():
            by_app[container.app_id][container.instance_id] = container
        with self._database.read() as session:
            apps = records.load_apps(session)
        for app in apps.values():
            with contained(f"what has ended of app {app.app_id}"):
                self._turns.note_ended(app, by_app[app.app_id], at)

    def apps(self, app_ids: Collection[AppId] | None) -> list[Future[None]]:
        """These apps (None: all, and strays); the turns that were begun."""
        at = clock.now()
        one = next(iter(app_ids)) if app_ids is not None and len(app_ids) == 1 else None
        containers = self._runtime.containers(one)  # before the records: see plan.strays
        with self._database.read() as session:
            apps = records.load_apps(session, app_ids)
        with contained("cron"):
            self._crons.take(app_ids)
        steps, running = self._runs.look(app_ids, containers, at)
        if app_ids is None:
            self._reap(one for one in plan.strays(apps.values(), containers) if one.instance_id not in running)
        by_app: dict[AppId, dict[str, Container]] = defaultdict(dict)
        for container in containers:
            by_app[container.app_id][container.instance_id] = container
        surplus = self._surplus(apps.values()) if app_ids is None else frozenset()
        due = [app for app in apps.values() if not is_settled(app, by_app[app.app_id])]
        claimed = [app for app in due if self._claim(app.app_id)]
        turns = [self._pool.submit(self._turn, app, by_app[app.app_id], at, surplus) for app in claimed]
        return [*turns, *(future for step in steps if (future := self._see_to(step)) is not None)]

    def _see_to(self, step: RunStep) -> Future[None] | None:
        """What is to begin waits for its turn, once, however often it is looked at meanwhile; None then."""
        if not isinstance(step, Begin):
            return self._run_pool.submit(self._runs.act, step)
        run_id = step.row.id
        with self._lock:
            if run_id in self._beginning:
                return None
            self._beginning.add(run_id)
        future = self._begin_pool.submit(self._runs.act, step)
        future.add_done_callback(lambda _: self._beginning.discard(run_id))
        return future

    def _surplus(self, apps: Iterable[AppRecord]) -> frozenset[str]:
        """Frozen instances that hold memory which is needed now."""
        frozen = [row for app in apps for row in app.instances if row.state == InstanceState.WARM]
        return warm.surplus(frozen, self._runtime.free_memory_mb(), self._settings) if frozen else frozenset()

    def _claim(self, app_id: AppId) -> bool:
        with self._lock:
            if app_id in self._active:
                self._missed.add(app_id)
                return False
            self._active.add(app_id)
            return True

    def _turn(self, app: AppRecord, containers: dict[str, Container], at: datetime, surplus: frozenset[str]) -> None:
        """One turn. After an error the app is looked at again with everything else, not sooner, unless something
        happened meanwhile."""
        again: datetime | None = None
        with contained(f"turn of app {app.app_id}"):
            busy = self._turns.take(app, containers, at, surplus)
            now = clock.now()
            again = clock.after(self._settings.pending_s, now) if busy else plan.next_look(app, now, self._settings)
        with self._lock:
            self._active.discard(app.app_id)
            if app.app_id in self._missed:
                self._missed.discard(app.app_id)
                again = clock.now()
        if again is not None:
            self._agenda.add(app.app_id, again)

    def _reap(self, strays: Iterable[Container]) -> None:
        for stray in strays:
            with contained(f"stray container of {stray.process}"):
                log.info("removing container %s of app %s: no record wants it", stray.id[:12], stray.app_id)
                self._runtime.remove(stray.id)

    def _free_addresses(self) -> None:
        with self._database.read() as session:
            if not addresses.any_over(session):
                return
        listed = self._router.listed_addresses()
        old = clock.after(-self._settings.kept_s)
        with self._database.write() as session:
            addresses.free_unlisted(session, listed)
            over = (InstanceRow.state == InstanceState.STOPPED, InstanceRow.ended_at < old)
            session.execute(delete(InstanceRow).where(*over))


def finished(turns: Iterable[Future[None]]) -> None:
    """Wait for turns to end. Their errors are in the log already: one bad app stops nothing."""
    wait(list(turns))


def is_settled(app: AppRecord, containers: dict[str, Container]) -> bool:
    """The usual case, told apart cheaply: every wanted instance runs, has no checks, and there is nothing else."""
    if app.watched:
        return False
    if any(row.state != InstanceState.RUNNING or row.replace or row.rollout != app.rollout for row in app.instances):
        return False
    wanted = {(name, number + 1) for name, quantity in app.wanted.items() for number in range(quantity)}
    places = [(row.process_type, row.number) for row in app.instances]
    if len(places) != len(wanted) or set(places) != (wanted if app.rollout else set()):
        return False
    found = ((row, containers.get(row.id)) for row in app.instances)
    return all(one is not None and one.running and plan.is_at_home(row, one) for row, one in found)

"""The loop that makes what runs equal to the records, whatever was missed: a crash, a reboot, a lost message.

Level-triggered: events only make it look sooner. One bad app never stops it.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete

from core import clock
from core.database import Database
from core.edge import contained
from core.ids import AppId
from router import Router
from scheduler import addresses, plan, records
from scheduler.reconcile import Turns
from scheduler.records import AppRecord
from scheduler.runtime import Container, Endings, Runtime
from scheduler.settings import SchedulerSettings
from scheduler.states import InstanceState
from scheduler.tables import InstanceRow

log = logging.getLogger("portside.scheduler")

STOP_CHECK_S = 1.0


class Alarm:
    """Wakes the loop for some apps; forgets nothing that rings while the loop works."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._apps: set[AppId] = set()

    def ring(self, app_id: AppId) -> None:
        with self._condition:
            self._apps.add(app_id)
            self._condition.notify_all()

    def wait(self, timeout_s: float) -> set[AppId]:
        """The apps that it rang for, at once if there are any, else after up to `timeout_s`."""
        with self._condition:
            self._condition.wait_for(lambda: bool(self._apps), timeout_s)
            apps, self._apps = self._apps, set()
            return apps


@dataclass(frozen=True)
class Reconciler:
    """Looks at many apps with one call to the engine and a few queries, and gives each a turn where one is due."""

    database: Database
    router: Router
    runtime: Runtime
    settings: SchedulerSettings
    turns: Turns

    def everything(self) -> dict[AppId, datetime]:
        """All apps, strays, addresses and the route table; when which app should be looked at again."""
        upcoming = self.apps(None)
        with contained("addresses"):
            self._free_addresses()
        with contained("routes"):
            self.router.reconcile()
        return upcoming

    def apps(self, app_ids: Collection[AppId] | None) -> dict[AppId, datetime]:
        """These apps (None: all, and strays); when which of them should be looked at again."""
        at = clock.now()
        one = next(iter(app_ids)) if app_ids is not None and len(app_ids) == 1 else None
        containers = self.runtime.containers(one)  # before the records: see plan.strays
        with self.database.read() as session:
            apps = records.load_apps(session, app_ids)
        by_app: dict[AppId, dict[str, Container]] = defaultdict(dict)
        for container in containers:
            by_app[container.app_id][container.instance_id] = container
        if app_ids is None:
            self._reap(plan.strays(apps.values(), containers))
        busy = self._take_turns(apps.values(), by_app, at)
        return self._agenda(apps.values(), busy)

    def _take_turns(
        self, apps: Iterable[AppRecord], containers: dict[AppId, dict[str, Container]], at: datetime
    ) -> set[AppId]:
        """Give each app its turn; those that had something to do."""
        busy: set[AppId] = set()
        due = [app for app in apps if not is_settled(app, containers[app.app_id])]

        def turn(app: AppRecord) -> None:
            with contained(f"turn of app {app.app_id}"):
                if self.turns.take(app, containers[app.app_id], at):
                    busy.add(app.app_id)

        if len(due) == 1:
            turn(due[0])
        elif due:
            with ThreadPoolExecutor(self.settings.parallel, thread_name_prefix="turn") as pool:
                list(pool.map(turn, due))
        return busy

    def _agenda(self, apps: Iterable[AppRecord], busy: set[AppId]) -> dict[AppId, datetime]:
        now = clock.now()
        upcoming = {app_id: now + timedelta(seconds=self.settings.pending_s) for app_id in busy}
        for app in apps:
            moment = plan.next_look(app, now, self.settings)
            if moment is not None and app.app_id not in upcoming:
                upcoming[app.app_id] = moment
        return upcoming

    def _reap(self, strays: Iterable[Container]) -> None:
        for stray in strays:
            with contained(f"stray container of {stray.process}"):
                log.info("removing container %s of app %s: no record wants it", stray.id[:12], stray.app_id)
                self.runtime.remove(stray.id)

    def _free_addresses(self) -> None:
        with self.database.read() as session:
            if not addresses.any_over(session):
                return
        listed = self.router.listed_addresses()
        old = clock.after(-self.settings.kept_s)
        with self.database.write() as session:
            addresses.free_unlisted(session, listed)
            over = (InstanceRow.state == InstanceState.STOPPED, InstanceRow.ended_at < old)
            session.execute(delete(InstanceRow).where(*over))


def is_settled(app: AppRecord, containers: dict[str, Container]) -> bool:
    """The usual case, told apart cheaply: every wanted instance runs and there is nothing else."""
    if any(row.state != InstanceState.RUNNING or row.replace or row.rollout != app.rollout for row in app.instances):
        return False
    if len(app.instances) != (sum(app.wanted.values()) if app.rollout else 0):
        return False
    running = {instance_id for instance_id, container in containers.items() if container.running}
    places = {(row.process_type, row.number) for row in app.instances}
    wanted = {(name, number + 1) for name, quantity in app.wanted.items() for number in range(quantity)}
    return places == wanted and all(row.id in running for row in app.instances)


class Loop:
    """Runs the reconciler: everything every `loop_s`, single apps as soon as something happens to them."""

    def __init__(self, reconciler: Reconciler, runtime: Runtime, settings: SchedulerSettings, alarm: Alarm) -> None:
        self._reconciler = reconciler
        self._runtime = runtime
        self._settings = settings
        self._alarm = alarm
        self._endings: Endings | None = None

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set."""
        listener = threading.Thread(target=self._listen, args=(stop,), name="engine events", daemon=True)
        listener.start()
        with contained("network"):
            self._runtime.prepare()
        upcoming: dict[AppId, datetime] = {}
        everything_at = clock.now()
        while not stop.is_set():
            now = clock.now()
            if now >= everything_at:
                with contained("reconcile"):
                    upcoming = self._reconciler.everything()
                everything_at = clock.after(self._settings.loop_s, now)
            next_at = min([everything_at, *upcoming.values()])
            woken = self._alarm.wait(max(0.0, min((next_at - clock.now()).total_seconds(), STOP_CHECK_S)))
            due = woken | {app for app, moment in upcoming.items() if moment <= clock.now()}
            if due and not stop.is_set():
                upcoming = {app: moment for app, moment in upcoming.items() if app not in due}
                with contained("reconcile"):
                    upcoming |= self._reconciler.apps(due)
        if self._endings is not None:
            self._endings.close()

    def _listen(self, stop: threading.Event) -> None:
        """Turn the engine's events into wake-ups; while it is away the loop looks every `loop_s` anyway."""
        while not stop.is_set():
            with contained("engine events"):
                self._endings = self._runtime.endings()
                for app_id in self._endings:
                    self._alarm.ring(app_id)
            stop.wait(1.0)

"""One-off runs and cron: what runs, what came of it, and a form that begins a run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask import Blueprint, render_template, url_for
from werkzeug.wrappers import Response

from accounts import Permission
from core import clock
from core.errors import UserError
from releases import App
from scheduler import STANDARD, Cron, CronRun, Run, RunWish, Scheduler
from web.pages import forms, states, times
from web.pages.access import Access
from web.pages.states import Badge

_SHOWN: Final = 25
_DONE: Final = {
    "run": "The run begins. What it writes is in its output.",
    "end": "Being ended: SIGTERM now, SIGKILL if it does not end on that.",
    "suspend": "The entry is run no more, in later releases neither, until you resume it.",
    "resume": "The entry is run again, from its next moment on.",
}


@dataclass(frozen=True)
class RunLine:
    """One run. `has_output`: what it wrote is in the app's log; an attached one's went to its terminal alone."""

    name: str
    command: str
    badge: Badge
    version: int
    email: str
    at: datetime
    took: str
    reason: str
    over: bool
    has_output: bool


@dataclass(frozen=True)
class CronLine:
    """One entry. `policy`: what happens when it is due while a run of it goes on, in words."""

    id: str
    command: str
    schedule: str
    policy: str
    limit: str
    next_at: datetime | None
    suspended: bool
    in_maintenance: bool
    last: MomentLine | None


@dataclass(frozen=True)
class MomentLine:
    """What came of a moment at which an entry was due."""

    what: str
    due_at: datetime
    badge: Badge
    run: str
    reason: str


_POLICY: Final = {
    "allow": "runs may overlap",
    "forbid": "skipped while a run of it goes on",
    "replace": "the next one ends the one before",
}


def run_line(run: Run, now: datetime) -> RunLine:
    took = "" if run.started_at is None else times.length(((run.ended_at or now) - run.started_at).total_seconds())
    return RunLine(
        name=run.name,
        command=run.command,
        badge=states.of_run(str(run.state), run.exit_code),
        version=run.version,
        email=run.user_email,
        at=run.created_at,
        took=took,
        reason=run.reason,
        over=run.over,
        has_output=not run.attached,
    )


def cron_line(cron: Cron) -> CronLine:
    entry = cron.entry
    return CronLine(
        id=entry.id,
        command=entry.command,
        schedule=entry.schedule,
        policy=_POLICY[entry.policy],
        limit="" if entry.limit_s is None else times.length(entry.limit_s),
        next_at=cron.next_at,
        suspended=cron.suspended,
        in_maintenance=entry.maintenance,
        last=None if cron.last is None else moment_line(cron.last, entry.command),
    )


def moment_line(moment: CronRun, what: str) -> MomentLine:
    return MomentLine(
        what, moment.due_at, states.of_run(moment.state, moment.exit_code), moment.run or "", moment.reason
    )


class RunPages:
    def __init__(self, scheduler: Scheduler, access: Access) -> None:
        self._scheduler = scheduler
        self._access = access

    def add_to(self, blueprint: Blueprint) -> None:
        base = "/dashboard/apps/<name>/runs"
        blueprint.add_url_rule(base, "runs", self.show, methods=["GET"])
        blueprint.add_url_rule(f"{base}/now", "runs_now", self.now)
        blueprint.add_url_rule(base, "run_sent", self.begin, methods=["POST"])
        blueprint.add_url_rule(f"{base}/<run>/end", "run_end_sent", self.end, methods=["POST"])
        cron = "/dashboard/apps/<name>/cron/<entry>"
        blueprint.add_url_rule(f"{cron}/run", "cron_run_sent", self.run_cron, methods=["POST"])
        blueprint.add_url_rule(f"{cron}/suspend", "cron_suspend_sent", self.suspend, methods=["POST"])
        blueprint.add_url_rule(f"{cron}/resume", "cron_resume_sent", self.resume, methods=["POST"])

    def show(self, name: str) -> str:
        return self._render("runs.html", self._access.app(name))

    def now(self, name: str) -> str:
        """What moves."""
        return self._render("_runs.html", self._access.app(name))

    def begin(self, name: str) -> Response:
        """A detached run: what is attached to a terminal takes `portside run`."""
        app = self._access.app(name, Permission.DEPLOY)

        def act() -> str:
            email, size = self._access.identity().email, forms.field("size") or STANDARD
            limit_s = forms.number("limit_s", "time limit")
            self._scheduler.runs.ask(app.id, RunWish(forms.field("command"), email, limit_s=limit_s, size=size))
            return self._back(app, "run")

        return self._carry_out(app, act)

    def end(self, name: str, run: str) -> Response:
        app = self._access.app(name, Permission.DEPLOY)

        def act() -> str:
            self._scheduler.runs.stop(app.id, run, f"Stopped by {self._access.identity().email}.")
            return self._back(app, "end")

        return self._carry_out(app, act)

    def run_cron(self, name: str, entry: str) -> Response:
        app = self._access.app(name, Permission.DEPLOY)

        def act() -> str:
            self._scheduler.crons.run_now(app.id, entry, self._access.identity().email)
            return self._back(app, "run")

        return self._carry_out(app, act)

    def suspend(self, name: str, entry: str) -> Response:
        return self._suspend(name, entry, True)

    def resume(self, name: str, entry: str) -> Response:
        return self._suspend(name, entry, False)

    def _suspend(self, name: str, entry: str, suspended: bool) -> Response:
        app = self._access.app(name, Permission.DEPLOY)

        def act() -> str:
            self._scheduler.crons.suspend(app.id, entry, suspended)
            return self._back(app, "suspend" if suspended else "resume")

        return self._carry_out(app, act)

    def _carry_out(self, app: App, act: forms.Act) -> Response:
        return forms.carry_out(act, lambda error: self._render("runs.html", app, error))

    def _back(self, app: App, done: str) -> str:
        return url_for("pages.runs", name=app.name, done=done)

    def _render(self, template: str, app: App, error: UserError | None = None) -> str:
        crons, moment = self._scheduler.crons.of_app(app.id), clock.now()
        commands = {cron.entry.id: cron.entry.command for cron in crons}
        history = self._scheduler.crons.history(app.id)
        runs = [run_line(run, moment) for run in reversed(self._scheduler.runs.of_app(app.id))]
        return render_template(
            template,
            app=app,
            error=error,
            done="" if error else forms.said(_DONE),
            typed={name: forms.field(name) if error else "" for name in ("command", "limit_s", "size")},
            runs=runs,
            crons=[cron_line(cron) for cron in crons],
            history=[moment_line(one, commands.get(one.entry_id, one.entry_id)) for one in history[:_SHOWN]],
            may_deploy=self._access.may_deploy(app),
        )

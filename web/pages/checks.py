"""An app's health checks: what is in force, how instances fare, a form that sets one, and how such a change goes."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import Blueprint, Response, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from accounts import Permission
from core.errors import UserError
from core.logs import LogStreams
from releases import App
from scheduler import CheckKind, HealthCheck, InForce, Resizing, Scheduler, SizeChange, check_kind, checks_in_force
from scheduler import parse_check as parsed
from web.pages import forms, sse, states
from web.pages.access import Access
from web.pages.instances import InstanceLine, instance_lines, type_order
from web.pages.logs import resume_at, text_response, view_of
from web.parts import WebParts

_DONE: Final = {"same": "It is so already: nothing was changed."}
_FIELDS: Final = ("kind", "type", "way", "what", "attempts", "timeout", "wait")
_MEANS: Final = {
    CheckKind.STARTUP: "must pass before an instance takes its place",
    CheckKind.READINESS: "while it fails, an instance is out of the route",
    CheckKind.LIVENESS: "when it fails, an instance is replaced",
}


@dataclass(frozen=True)
class CheckLine:
    """One check. `means`: what its failure does; `pace`: how often it is asked. `is_set`: it can be taken back."""

    kind: str
    asks: str
    means: str
    pace: str
    source: str
    is_set: bool


@dataclass(frozen=True)
class CheckedType:
    """A process type with its checks, and what they found last in each instance."""

    name: str
    checks: tuple[CheckLine, ...]
    instances: tuple[InstanceLine, ...]


def checked_types(checks: Sequence[InForce], lines: Sequence[InstanceLine]) -> list[CheckedType]:
    names = sorted({one.process_type for one in checks}, key=type_order)
    return [
        CheckedType(
            name,
            tuple(check_line(one) for one in checks if one.process_type == name),
            tuple(line for line in lines if line.kind == name and line.can_change),
        )
        for name in names
    ]


def check_line(one: InForce) -> CheckLine:
    check = one.check
    source = {"set": "set for the app", "default": "by default"}.get(one.source, one.source)
    means = "its failure is only told" if check.warn else _MEANS[check.kind]
    return CheckLine(str(check.kind), str(check), means, _pace(check), source, one.source == "set")


def _pace(check: HealthCheck) -> str:
    if check.kind is CheckKind.STARTUP:
        patience_s = check.patience_s
        return "" if patience_s is None else f"within {patience_s:g} s"
    every = f"every {check.wait_s:g} s, {check.timeout_s:g} s for an answer"
    return f"{every}, {check.failures_allowed} failures in a row make it fail"


def wished_check() -> HealthCheck:
    """The check that the form asks for; raises UserError."""
    way, what = forms.field("way"), forms.field("what")
    ways: dict[str, Any] = {
        "path": what or None,
        "listening": True,
        "command": _words(what) if way == "command" else (),
    }
    values = {"type": forms.field("type"), **({way: ways[way]} if way in ways else {})}
    if way == "uptime":
        values["uptime"] = forms.number("what", "number of seconds")
    for name in ("attempts", "timeout", "wait"):
        values[name] = forms.number(name, "number")
    return parsed(values)


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise UserError(f"The command {line!r} has an open quote.", "Close it, or leave it out.") from error


class CheckPages:
    def __init__(self, parts: WebParts, access: Access) -> None:
        self._scheduler: Scheduler = parts.scheduler
        self._resizing: Resizing = parts.resizing
        self._logs: LogStreams = parts.logs
        self._access = access

    def add_to(self, blueprint: Blueprint) -> None:
        base = "/dashboard/apps/<name>/checks"
        blueprint.add_url_rule(base, "checks", self.show, methods=["GET"])
        blueprint.add_url_rule(f"{base}/now", "checks_now", self.now)
        blueprint.add_url_rule(base, "check_sent", self.set, methods=["POST"])
        blueprint.add_url_rule(f"{base}/<kind>/<only>/unset", "check_unset_sent", self.unset, methods=["POST"])
        change = "/dashboard/apps/<name>/changes/<change>"
        blueprint.add_url_rule(change, "change", self.change)
        blueprint.add_url_rule(f"{change}/stream", "change_stream", self.stream)
        blueprint.add_url_rule(f"{change}/log.txt", "change_text", self.text)

    def show(self, name: str) -> str:
        return self._render("checks.html", self._access.app(name))

    def now(self, name: str) -> str:
        """What moves."""
        return self._render("_checks.html", self._access.app(name))

    def set(self, name: str) -> AnyResponse:
        app = self._access.app(name, Permission.DEPLOY)

        def act() -> str:
            kind, email = forms.field("kind"), self._access.identity().email
            return self._way(app, self._resizing.set_check(app.id, kind, wished_check(), email))

        return self._carry_out(app, act)

    def unset(self, name: str, kind: str, only: str) -> AnyResponse:
        app = self._access.app(name, Permission.DEPLOY)

        def act() -> str:
            email = self._access.identity().email
            return self._way(app, self._resizing.unset_checks(app.id, kind, check_kind(only), email))

        return self._carry_out(app, act)

    def change(self, name: str, change: str) -> str:
        """How a change of checks (or sizes) goes: it is kept only if instances start with it."""
        app = self._access.app(name)
        found = self._resizing.change(app.id, change)
        log = view_of(self._logs, found.log_id, found.is_decided)
        return render_template("change.html", app=app, change=found, badge_now=states.of_change(found), log=log)

    def stream(self, name: str, change: str) -> Response:
        app = self._access.app(name)
        found = self._resizing.change(app.id, change)

        def progress() -> sse.Progress:
            now = self._resizing.change(app.id, change)
            return sse.Progress(states.of_change(now), now.is_decided)

        allowed = self._access.still_sees(app)
        return sse.stream(sse.work_log(self._logs, found.log_id, resume_at(), progress, allowed))

    def text(self, name: str, change: str) -> Response:
        app = self._access.app(name)
        return text_response(self._logs.text(self._resizing.change(app.id, change).log_id))

    def _way(self, app: App, change: SizeChange | None) -> str:
        if change is None:
            return url_for("pages.checks", name=app.name, done="same")
        return url_for("pages.change", name=app.name, change=change.id)

    def _carry_out(self, app: App, act: forms.Act) -> AnyResponse:
        return forms.carry_out(act, lambda error: self._render("checks.html", app, error))

    def _render(self, template: str, app: App, error: UserError | None = None) -> str:
        spec = self._scheduler.current(app.id)
        lines = instance_lines(self._scheduler.instances(app.id), app.current_version)
        return render_template(
            template,
            app=app,
            error=error,
            done="" if error else forms.said(_DONE),
            types=checked_types(checks_in_force(spec) if spec else (), lines),
            kinds=[str(kind) for kind in CheckKind],
            typed={name: forms.field(name) for name in _FIELDS},
            may_deploy=self._access.may_deploy(app),
        )

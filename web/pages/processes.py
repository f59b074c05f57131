"""An app's processes: how many of each type, how large, what runs of them; scaled, restarted and stopped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from flask import Blueprint, render_template, url_for
from werkzeug.wrappers import Response

from accounts import Permission
from core.errors import UserError
from releases import App
from scheduler import Formation, InForce, Resizing, RunSpec, Scheduler, checks_in_force
from web.pages import forms
from web.pages.access import Access
from web.pages.instances import InstanceLine, instance_lines, type_order

_DONE: Final = {
    "restart": "Being restarted: a new instance starts, takes over when it is healthy, and then the old one ends.",
    "same": "It has that size already: nothing was changed.",
    "stop": "Being stopped: another instance takes its place at once.",
}


@dataclass(frozen=True)
class TypeCard:
    """A process type. `overlaps` None: not known, since nothing of it is live."""

    name: str
    command: str | None
    size: str
    limits: str
    quantity: int
    running: int
    overlaps: bool | None
    shrink: str
    checks: tuple[str, ...]
    instances: tuple[InstanceLine, ...]


def type_cards(formation: Iterable[Formation], lines: Sequence[InstanceLine], spec: RunSpec | None) -> list[TypeCard]:
    """Every type of the live release, and what runs of those that it lacks (they are draining)."""
    checks = checks_in_force(spec) if spec is not None else []
    cards = [_card(entry, lines, spec, checks) for entry in formation]
    return sorted(cards, key=lambda card: type_order(card.name))


def _card(entry: Formation, lines: Sequence[InstanceLine], spec: RunSpec | None, checks: Sequence[InForce]) -> TypeCard:
    mine = tuple(line for line in lines if line.kind == entry.process_type and not line.is_warm)
    limits = entry.limits
    return TypeCard(
        name=entry.process_type,
        command=entry.command,
        size=entry.size,
        limits=f"{limits.memory_mb:,} MB, {limits.cpus:g} CPU, {limits.pids:,} processes",
        quantity=entry.quantity,
        running=sum(line.badge.word == "Running" for line in mine),
        overlaps=None if spec is None else spec.may_overlap(entry.process_type),
        shrink="" if entry.shrink == "off" else entry.shrink,
        checks=tuple(f"{one.check.kind}: {one.check}" for one in checks if one.process_type == entry.process_type),
        instances=mine,
    )


class ProcessPages:
    def __init__(self, scheduler: Scheduler, resizing: Resizing, access: Access) -> None:
        self._scheduler = scheduler
        self._resizing = resizing
        self._access = access

    def add_to(self, blueprint: Blueprint) -> None:
        base = "/dashboard/apps/<name>/processes"
        blueprint.add_url_rule(base, "processes", self.show)
        blueprint.add_url_rule(f"{base}/now", "processes_now", self.now)
        blueprint.add_url_rule(f"{base}/<kind>/scale", "scale_sent", self.scale, methods=["POST"])
        blueprint.add_url_rule(f"{base}/<kind>/size", "size_sent", self.resize, methods=["POST"])
        blueprint.add_url_rule(f"{base}/<process>/restart", "restart_sent", self.restart, methods=["POST"])
        blueprint.add_url_rule(f"{base}/<process>/stop", "stop_sent", self.stop, methods=["POST"])

    def show(self, name: str) -> str:
        return self._render("processes.html", self._access.app(name))

    def now(self, name: str) -> str:
        """What moves."""
        return self._render("_processes.html", self._access.app(name))

    def scale(self, name: str, kind: str) -> Response:
        app = self._access.app(name, Permission.DEPLOY)

        def act() -> str:
            quantity = forms.number("quantity", "quantity")
            if quantity is None:
                raise UserError("No quantity was given.", f"For example: portside ps:scale {kind}=2 -a {app.name}")
            self._scheduler.scale(app.id, {kind: quantity})
            return url_for("pages.processes", name=app.name, _anchor=f"type-{kind}")

        return self._carry_out(app, act)

    def resize(self, name: str, kind: str) -> Response:
        app = self._access.app(name, Permission.DEPLOY)

        def act() -> str:
            change = self._resizing.ask(app.id, {kind: forms.field("size")}, self._access.identity().email)
            if change is None:
                return url_for("pages.processes", name=app.name, done="same")
            return url_for("pages.change", name=app.name, change=change.id)

        return self._carry_out(app, act)

    def restart(self, name: str, process: str) -> Response:
        app = self._access.app(name, Permission.DEPLOY)

        def act() -> str:
            self._scheduler.restart(app.id, process)
            return url_for("pages.processes", name=app.name, done="restart")

        return self._carry_out(app, act)

    def stop(self, name: str, process: str) -> Response:
        app = self._access.app(name, Permission.DEPLOY)

        def act() -> str:
            self._scheduler.stop(app.id, process)
            return url_for("pages.processes", name=app.name, done="stop")

        return self._carry_out(app, act)

    def _carry_out(self, app: App, act: forms.Act) -> Response:
        return forms.carry_out(act, lambda error: self._render("processes.html", app, error))

    def _render(self, template: str, app: App, error: UserError | None = None) -> str:
        lines = instance_lines(self._scheduler.instances(app.id), app.current_version)
        formation = self._scheduler.formation(app.id)
        return render_template(
            template,
            app=app,
            error=error,
            done="" if error else forms.said(_DONE),
            cards=type_cards(formation, lines, self._scheduler.current(app.id)),
            warm=[line for line in lines if line.is_warm],
            may_deploy=self._access.may_deploy(app),
        )

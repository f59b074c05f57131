"""Dynos, which is what Heroku calls instances: listed, restarted and stopped."""

from __future__ import annotations

from collections.abc import Iterable

from accounts import Permission
from core.errors import NotFound
from scheduler import Instance
from web.api import runs, shapes
from web.api.routing import Answer, AppCall, Routes

routes = Routes()
_SHOWN = ("running", "starting", "crashed")
"""The states in which an instance counts as a dyno, the one to prefer first. During a switch two instances bear the
same name, and what is draining is no longer anybody's dyno."""


@routes("GET", "/apps/<app>/dynos", Permission.VIEW)
def list_dynos(call: AppCall) -> Answer:
    return Answer([*_shapes(call, _dynos(call)), *(runs.shape(call, run) for run in runs.going(call))])


@routes("GET", "/apps/<app>/dynos/<dyno>", Permission.VIEW)
def show_dyno(call: AppCall, dyno: str) -> Answer:
    for run in runs.going(call):
        if dyno in (run.name, run.id):
            return Answer(runs.shape(call, run))
    return Answer(_shapes(call, _named(call, dyno))[0])


@routes("DELETE", "/apps/<app>/dynos", Permission.DEPLOY)
def restart_all(call: AppCall) -> Answer:
    call.parts.scheduler.restart(call.app.id)
    return Answer({}, 202)


@routes("DELETE", "/apps/<app>/dynos/<dyno>", Permission.DEPLOY)
def restart_dyno(call: AppCall, dyno: str) -> Answer:
    call.parts.scheduler.restart(call.app.id, _named(call, dyno)[0].process)
    return Answer({}, 202)


@routes("DELETE", "/apps/<app>/formations/<kind>", Permission.DEPLOY)
def restart_type(call: AppCall, kind: str) -> Answer:
    if kind not in {entry.process_type for entry in call.parts.scheduler.formation(call.app.id)}:
        raise NotFound(f"This app has no process type {kind}.", "See: portside ps")
    call.parts.scheduler.restart(call.app.id, kind)
    return Answer({}, 202)


@routes("POST", "/apps/<app>/dynos/<dyno>/actions/stop", Permission.DEPLOY)
def stop_dyno(call: AppCall, dyno: str) -> Answer:
    """End it now; another takes its place at once, as on Heroku. A one-off run just ends."""
    for run in runs.going(call):
        if dyno in (run.name, run.id):
            ended = call.parts.scheduler.runs.stop(call.app.id, run.id, f"Stopped by {call.identity.email}.")
            return Answer(runs.shape(call, ended), 202)
    call.parts.scheduler.stop(call.app.id, _named(call, dyno)[0].process)
    return Answer({}, 202)


@routes("POST", "/apps/<app>/formations/<kind>/actions/stop", Permission.DEPLOY)
def stop_type(call: AppCall, kind: str) -> Answer:
    """The same for all instances of a type."""
    if kind not in {entry.process_type for entry in call.parts.scheduler.formation(call.app.id)}:
        raise NotFound(f"This app has no process type {kind}.", "See: portside ps")
    call.parts.scheduler.stop(call.app.id, kind)
    return Answer({}, 202)


def shown(instances: Iterable[Instance]) -> list[Instance]:
    """The instance to show for each name, by process type and number."""
    chosen: dict[str, Instance] = {}
    for instance in instances:
        if instance.state in _SHOWN:
            other = chosen.get(instance.process)
            if other is None or _rank(instance) < _rank(other):
                chosen[instance.process] = instance
    return sorted(chosen.values(), key=_place)


def _rank(instance: Instance) -> tuple[int, int]:
    return _SHOWN.index(instance.state), -instance.version


def _place(instance: Instance) -> tuple[bool, str, int]:
    kind, _, number = instance.process.rpartition(".")
    return kind != "web", kind, int(number) if number.isdecimal() else 0


def _dynos(call: AppCall) -> list[Instance]:
    return shown(call.parts.scheduler.instances(call.app.id))


def _named(call: AppCall, wanted: str) -> list[Instance]:
    found = [dyno for dyno in _dynos(call) if wanted in (dyno.process, dyno.id)]
    if not found:
        raise NotFound(f"Couldn't find the dyno {wanted}.", "See: portside ps")
    return found


def _shapes(call: AppCall, dynos: list[Instance]) -> list[shapes.Json]:
    kinds = {entry.process_type: entry for entry in call.parts.scheduler.formation(call.app.id)}
    ids = {dyno.version: _release_id(call, dyno.version) for dyno in dynos}
    return [
        shapes.dyno(dyno, call.app, kinds.get(dyno.process.rpartition(".")[0]), ids[dyno.version]) for dyno in dynos
    ]


def _release_id(call: AppCall, version: int) -> str | None:
    try:
        return call.parts.releases.release(call.app.id, str(version)).id
    except NotFound:  # the records are older than what runs: a backup was restored
        return None

"""The formation: how many instances of each process type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from accounts import Permission
from core.errors import NotFound, UserError
from scheduler import Formation
from web.api import shapes
from web.api.body import Body
from web.api.routing import Answer, AppCall, Routes

routes = Routes()
_QUANTITY = re.compile(r"^([+-]?)([0-9]{1,6})$")


@routes("GET", "/apps/<app>/formation", Permission.VIEW)
def list_formation(call: AppCall) -> Answer:
    return Answer(_shapes(call, _now(call).values()))


@routes("GET", "/apps/<app>/formation/<kind>", Permission.VIEW)
def show_type(call: AppCall, kind: str) -> Answer:
    return Answer(shapes.formation(_known(_now(call), kind), call.app))


@routes("PATCH", "/apps/<app>/formation", Permission.DEPLOY)
def scale(call: AppCall) -> Answer:
    """`{"updates": [{"type": "web", "quantity": 3}]}`; a quantity may be a string, and relative: "+1"."""
    now = _now(call)
    updates = [(update.needed_text("type"), update) for update in call.body.objects("updates")]
    changed = _scale(call, {kind: _wished(_known(now, kind), update) for kind, update in updates})
    named = {kind for kind, _ in updates}
    return Answer(_shapes(call, [entry for entry in changed if entry.process_type in named]))


@routes("PATCH", "/apps/<app>/formation/<kind>", Permission.DEPLOY)
def scale_type(call: AppCall, kind: str) -> Answer:
    changed = _scale(call, {kind: _wished(_known(_now(call), kind), call.body)})
    return Answer(shapes.formation(_known({entry.process_type: entry for entry in changed}, kind), call.app))


def quantity(wish: object, now: int) -> int:
    """The number that is wished for: 3, "3", "+1" or "-1" from `now`; raises UserError."""
    found = _QUANTITY.match(str(wish)) if isinstance(wish, str | int) and not isinstance(wish, bool) else None
    if found is None:
        raise UserError(f"{wish!r} is not a quantity.", "Give a number such as 3, or a change such as +1.")
    sign, digits = found.groups()
    if sign and isinstance(wish, str):
        return max(0, now + int(sign + digits))
    return int(sign + digits)


def _wished(now: Formation, update: Body) -> int:
    size = update.text("size")
    if size is not None and size.lower() != now.size.lower():
        raise UserError(f"There is no size {size}; the only one is {now.size}.", "Leave the size out.")
    wish = update.values.get("quantity")
    return now.quantity if wish is None else quantity(wish, now.quantity)


def _scale(call: AppCall, quantities: Mapping[str, int]) -> list[Formation]:
    if not quantities:
        raise UserError("No process type was given.", "Name one: portside ps:scale web=2")
    return call.parts.scheduler.scale(call.app.id, quantities)


def _now(call: AppCall) -> dict[str, Formation]:
    return {entry.process_type: entry for entry in call.parts.scheduler.formation(call.app.id)}


def _known(formation: Mapping[str, Formation], kind: str) -> Formation:
    if kind not in formation:
        there = f"It has {', '.join(sorted(formation))}." if formation else "It has no release yet: push first."
        raise NotFound(f"This app has no process type {kind}.", there)
    return formation[kind]


def _shapes(call: AppCall, formation: Iterable[Formation]) -> list[shapes.Json]:
    return [shapes.formation(entry, call.app) for entry in sorted(formation, key=lambda entry: entry.process_type)]

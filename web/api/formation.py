"""The formation: how many instances of each process type, and what each may use."""

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
def change(call: AppCall) -> Answer:
    """`{"updates": [{"type": "web", "quantity": 3, "size": "512m:0.5"}]}`; a quantity may be relative: "+1".

    Quantities hold at once, and so does `shrink`: how far `web` may shrink while a new set of instances starts; null:
    as app.json says. A change of sizes replaces the instances, and is kept only if the new ones start: until
    then `size` is as it was, and `size_change` tells of the change, with the stream of its output.
    """
    now = _now(call)
    updates = [(update.needed_text("type"), update) for update in call.body.objects("updates")]
    entries = _change(call, {kind: (_known(now, kind), update) for kind, update in updates})
    return Answer(sorted(entries, key=lambda entry: str(entry["type"])))


@routes("PATCH", "/apps/<app>/formation/<kind>", Permission.DEPLOY)
def change_type(call: AppCall, kind: str) -> Answer:
    [entry] = _change(call, {kind: (_known(_now(call), kind), call.body)})
    return Answer(entry)


@routes("GET", "/apps/<app>/formation-changes/<change>", Permission.VIEW)
def show_change(call: AppCall, change: str) -> Answer:
    return Answer(shapes.size_change(call.parts.resizing.change(call.app.id, change), call.links))


def quantity(wish: object, now: int) -> int:
    """The number that is wished for: 3, "3", "+1" or "-1" from `now`; raises UserError."""
    found = _QUANTITY.match(str(wish)) if isinstance(wish, str | int) and not isinstance(wish, bool) else None
    if found is None:
        raise UserError(f"{wish!r} is not a quantity.", "Give a number such as 3, or a change such as +1.")
    sign, digits = found.groups()
    if sign and isinstance(wish, str):
        return max(0, now + int(sign + digits))
    return int(sign + digits)


def _change(call: AppCall, wishes: Mapping[str, tuple[Formation, Body]]) -> list[shapes.Json]:
    """Resize and scale; the entries as they are now. What can't be is found before anything is changed."""
    if not wishes:
        raise UserError("No process type was given.", "Name one: portside ps:scale web=2")
    quantities = {kind: _wished(entry, update) for kind, (entry, update) in wishes.items()}
    sizes = {kind: size for kind, (_, update) in wishes.items() if (size := update.text("size")) is not None}
    call.parts.resizing.check(call.app.id, sizes)
    rules = {kind: _rule(update.values["shrink"]) for kind, (_, update) in wishes.items() if "shrink" in update.values}
    call.parts.scheduler.scale(call.app.id, quantities, rules)
    resizing = call.parts.resizing.ask(call.app.id, sizes, call.identity.email)
    pending = None if resizing is None else shapes.size_change(resizing, call.links)
    shown = _shapes(call, [entry for kind, entry in _now(call).items() if kind in wishes])
    return [{**entry, "size_change": pending if entry["type"] in sizes else None} for entry in shown]


def _wished(now: Formation, update: Body) -> int:
    wish = update.values.get("quantity")
    return now.quantity if wish is None else quantity(wish, now.quantity)


def _rule(said: object) -> str:
    """How far a type may shrink: "" for null."""
    if said is not None and (not isinstance(said, str | int) or isinstance(said, bool)):
        raise UserError(f"{said!r} does not say how far web may shrink.", 'Give 2, "50%", "auto" or "off".')
    return "" if said is None else str(said)


def _now(call: AppCall) -> dict[str, Formation]:
    return {entry.process_type: entry for entry in call.parts.scheduler.formation(call.app.id)}


def _known(formation: Mapping[str, Formation], kind: str) -> Formation:
    if kind not in formation:
        there = f"It has {', '.join(sorted(formation))}." if formation else "It has no release yet: push first."
        raise NotFound(f"This app has no process type {kind}.", there)
    return formation[kind]


def _shapes(call: AppCall, formation: Iterable[Formation]) -> list[shapes.Json]:
    return [shapes.formation(entry, call.app) for entry in sorted(formation, key=lambda entry: entry.process_type)]

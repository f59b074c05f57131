"""Releases and rollback."""

from __future__ import annotations

from collections.abc import Mapping

from accounts import Permission
from core import clock
from core.errors import UserError
from releases import Bake, Release
from web.api import bake_shapes, ranges, shapes
from web.api.routing import Answer, AppCall, Routes, listed

routes = Routes()
PREVIOUS = "previous"
_KEYS: ranges.Keys[Release] = {
    "version": lambda record: record.version,
    "id": lambda record: record.id,
    "created_at": lambda record: f"{clock.iso(record.created_at)}~{record.version:09}",
}


@routes("GET", "/apps/<app>/releases", Permission.VIEW)
def list_releases(call: AppCall) -> Answer:
    """By version, the oldest first unless the Range says `order=desc`."""
    wish = ranges.parse(call.request.headers.get("Range"))
    newest_only = wish.descending and wish.attribute == "version" and not wish.is_bounded
    records = call.parts.releases.releases(call.app.id, wish.most + 1 if newest_only else None)
    page = ranges.page(records, _KEYS, wish)
    bakes = call.parts.releases.bakes.of([record.id for record in page.items])
    return listed(page, [_shape(call, record, bakes) for record in page.items], _KEYS)


@routes("GET", "/apps/<app>/releases/<release>", Permission.VIEW)
def show_release(call: AppCall, release: str) -> Answer:
    """By id, `3` or `v3`."""
    record = call.parts.releases.release(call.app.id, release)
    return Answer(_shape(call, record, call.parts.releases.bakes.of([record.id])))


@routes("POST", "/apps/<app>/releases", Permission.DEPLOY)
def roll_back(call: AppCall) -> Answer:
    """Roll back to `release`: an id, 3, "v3", or null for the one live before. `code_only` keeps today's config;
    `release_phase` runs its release phase once more.

    Answers at once with the new, pending release; its output stream ends when it is live or failed.
    """
    if "release" not in call.body.values:
        raise UserError(
            "The field release is missing: only an earlier release can be released again.",
            "A new one is made by git push, or from a stored commit by: portside deploy COMMIT",
        )
    wanted = _wanted(call.body.values["release"])
    flags = (call.body.flag("code_only"), call.body.flag("release_phase"))
    made = call.parts.releases.submit_rollback(call.app.id, wanted, call.identity, *flags)
    return Answer(_shape(call, made), 201)


@routes("GET", "/apps/<app>/releases/<release>/preview", Permission.VIEW)
def preview_rollback(call: AppCall, release: str) -> Answer:
    """What a rollback to that release (`previous`: the one live before) would change. Query: `code_only=true`."""
    code_only = call.request.args.get("code_only", "").lower() in ("1", "true", "yes")
    return Answer(shapes.preview(call.parts.releases.preview_rollback(call.app.id, _wanted(release), code_only)))


def _wanted(value: object) -> str | None:
    if value is None or value == PREVIOUS:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise UserError("The field release must be an id or a number.", 'Send {"release": "v3"}.')
    return str(value)


def _shape(call: AppCall, record: Release, bakes: Mapping[str, Bake] | None = None) -> shapes.Json:
    bake = (bakes or {}).get(record.id)
    shape = shapes.release(record, call.app.name, call.links)
    return {**shape, "bake": None if bake is None else bake_shapes.bake(bake)}

"""Builds: the pushes of an app and what became of them."""

from __future__ import annotations

from accounts import Permission
from core import clock
from core.errors import NotFound, UserError
from gitreceiver import Push
from web.api import ranges, shapes
from web.api.routing import Answer, AppCall, Routes, listed

routes = Routes()
_MOST_LISTED = 200
_KEYS: ranges.Keys[Push] = {
    "created_at": lambda record: f"{clock.iso(record.created_at)}~{record.created_at.microsecond:06}~{record.id}",
    "id": lambda record: record.id,
}


@routes("GET", "/apps/<app>/builds", Permission.VIEW)
def list_builds(call: AppCall) -> Answer:
    """The newest 200 at most."""
    page = call.page(call.parts.pushes.recent(call.app.id, _MOST_LISTED), _KEYS)
    stack = _stack(call)
    return listed(page, [shapes.build(record, call.app.name, None, stack, call.links) for record in page.items], _KEYS)


@routes("GET", "/apps/<app>/builds/<build>", Permission.VIEW)
def show_build(call: AppCall, build: str) -> Answer:
    return Answer(_shape(call, _build(call, build)))


@routes("POST", "/apps/<app>/builds", Permission.DEPLOY)
def deploy_commit(call: AppCall) -> Answer:
    """`{"commit": "3f2a91c"}`, Portside's own: deploy a commit that was pushed before. Source blobs are not taken."""
    if "source_blob" in call.body.values:
        raise UserError("Source blobs are not taken: code comes by git.", "git push portside main")
    return Answer(
        _shape(call, call.parts.pushes.redeploy(call.app.id, call.body.needed_text("commit"), call.identity)), 201
    )


@routes("DELETE", "/apps/<app>/builds", Permission.DEPLOY)
def cancel_latest(call: AppCall) -> Answer:
    """Cancel the deploy that is under way."""
    return Answer(_shape(call, call.parts.pushes.cancel(call.app.id)))


@routes("DELETE", "/apps/<app>/builds/<build>", Permission.DEPLOY)
def cancel_build(call: AppCall, build: str) -> Answer:
    return Answer(_shape(call, call.parts.pushes.cancel(call.app.id, _build(call, build).id)))


@routes("DELETE", "/apps/<app>/build-cache", Permission.DEPLOY)
def purge_cache(call: AppCall) -> Answer:
    """Portside's own: the app's next build starts with empty caches."""
    call.parts.pushes.purge_cache(call.app.id)
    return Answer({}, 202)


def _build(call: AppCall, wanted: str) -> Push:
    record = call.parts.pushes.push(wanted)
    if record.app_id != call.app.id:
        raise NotFound("Couldn't find that build.", "See the recent ones: portside builds")
    return record


def _shape(call: AppCall, record: Push) -> shapes.Json:
    release = call.parts.releases.of_push(record.id)
    return shapes.build(record, call.app.name, release.id if release else None, _stack(call), call.links)


def _stack(call: AppCall) -> str:
    """The stack that the app's next build takes unless its source asks for another."""
    return call.parts.builder.choices.of(call.app.id).stack

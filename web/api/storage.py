"""Storage: an app's named volumes (Portside's own). A change is answered at once and followed by its output."""

from __future__ import annotations

from accounts import Permission
from core.errors import UserError
from web.api import shapes
from web.api.routing import Answer, AppCall, Routes

routes = Routes()


@routes("GET", "/apps/<app>/storage", Permission.VIEW)
def list_volumes(call: AppCall) -> Answer:
    """The volumes and what to know of them. Query: `sizes=true` measures what they hold."""
    measure = call.request.args.get("sizes", "").lower() in ("1", "true", "yes")
    storage = call.parts.storage
    volumes = [shapes.volume(found) for found in storage.volumes(call.app.id, measure)]
    return Answer({"volumes": volumes, "limits": list(storage.limits)})


@routes("POST", "/apps/<app>/storage", Permission.DEPLOY)
def mount(call: AppCall) -> Answer:
    """`{"name": "data", "path": "/data", "types": ["web"]}`; without types in all of them.

    Answers with the pending change; its output stream ends when the instances have the volume, or it has failed.
    """
    name, path = call.body.needed_text("name"), call.body.needed_text("path")
    change = call.parts.storage.ask_mount(call.app.id, name, path, _types(call), call.identity.email)
    return Answer(shapes.storage_change(change, call.links), 201)


@routes("DELETE", "/apps/<app>/storage/<name>/mount", Permission.DEPLOY)
def unmount(call: AppCall, name: str) -> Answer:
    change = call.parts.storage.ask_unmount(call.app.id, name, call.identity.email)
    return Answer(shapes.storage_change(change, call.links), 202)


@routes("DELETE", "/apps/<app>/storage/<name>", Permission.DEPLOY)
def destroy_volume(call: AppCall, name: str) -> Answer:
    """Delete a volume with its data; refused while it is mounted."""
    call.parts.storage.destroy(call.app.id, name)
    return Answer({})


@routes("GET", "/apps/<app>/storage-changes/<change>", Permission.VIEW)
def show_change(call: AppCall, change: str) -> Answer:
    return Answer(shapes.storage_change(call.parts.storage.change(call.app.id, change), call.links))


def _types(call: AppCall) -> tuple[str, ...]:
    value = call.body.values.get("types") or []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise UserError("The field types must be a list of strings.", 'Send {"types": ["web", "worker"]}.')
    return tuple(value)

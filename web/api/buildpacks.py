"""Buildpack installations: the pack that was chosen for an app's builds; none when it is found out by itself."""

from __future__ import annotations

from accounts import Permission
from core.errors import UserError
from web.api import shapes
from web.api.body import Body
from web.api.routing import Answer, AppCall, Routes

routes = Routes()


@routes("GET", "/apps/<app>/buildpack-installations", Permission.VIEW)
def list_packs(call: AppCall) -> Answer:
    return Answer(_shape(call))


@routes("PUT", "/apps/<app>/buildpack-installations", Permission.DEPLOY)
def choose_pack(call: AppCall) -> Answer:
    """`{"updates": [{"buildpack": "python"}]}`: a name, `heroku/python`, or the address of Heroku's; `[]` for none."""
    updates = call.body.objects("updates")
    if len(updates) > 1:
        message = "One pack builds an app; a second language in the same repository is built along by it."
        raise UserError(message, "Choose the one of the web process: portside buildpacks:set NAME")
    call.parts.builder.choices.choose_pack(call.app.id, _name(updates[0]) if updates else "")
    return Answer(_shape(call))


def _name(update: Body) -> str:
    """A name, or an object with a `url`, as both are sent."""
    inner = update.values.get("buildpack")
    return Body(inner).needed_text("url") if isinstance(inner, dict) else update.needed_text("buildpack")


def _shape(call: AppCall) -> list[shapes.Json]:
    pack = call.parts.builder.choices.of(call.app.id).pack
    return [{"ordinal": 0, "buildpack": {"name": pack, "url": pack}}] if pack else []

"""Buildpack installations: the pack or the classic buildpacks that were chosen for an app's builds, in their order.

None when it is found out by itself.
"""

from __future__ import annotations

from accounts import Permission
from web.api import shapes
from web.api.body import Body
from web.api.routing import Answer, AppCall, Routes

routes = Routes()


@routes("GET", "/apps/<app>/buildpack-installations", Permission.VIEW)
def list_packs(call: AppCall) -> Answer:
    return Answer(_shape(call))


@routes("PUT", "/apps/<app>/buildpack-installations", Permission.DEPLOY)
def choose_packs(call: AppCall) -> Answer:
    """`{"updates": [{"buildpack": "python"}]}`: a name, `heroku/python`, or an address; `[]` for none."""
    call.parts.builder.choices.choose_packs(call.app.id, [_name(update) for update in call.body.objects("updates")])
    return Answer(_shape(call))


def _name(update: Body) -> str:
    """A name, or an object with a `url`, as both are sent."""
    inner = update.values.get("buildpack")
    return Body(inner).needed_text("url") if isinstance(inner, dict) else update.needed_text("buildpack")


def _shape(call: AppCall) -> list[shapes.Json]:
    chosen = call.parts.builder.choices.of(call.app.id).packs
    return [{"ordinal": ordinal, "buildpack": {"name": name, "url": name}} for ordinal, name in enumerate(chosen)]

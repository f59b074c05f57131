"""App features, as Heroku switches them (`heroku features:enable http-session-affinity`): a switch for what an app has
by other endpoints as well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import NAMESPACE_URL, uuid5

from accounts import Permission
from core import clock
from core.errors import NotFound, UserError
from core.ids import AppId
from router import Router
from web.api.routing import Answer, AppCall, Routes
from web.api.shapes import Json

routes = Routes()


@dataclass(frozen=True)
class Feature:
    """`doc_url`: Heroku's own page, since its tools show it."""

    name: str
    display_name: str
    description: str
    doc_url: str
    is_on: Callable[[Router, AppId], bool]
    switch: Callable[[Router, AppId, bool], object]

    @property
    def id(self) -> str:
        """The same on every server and for ever."""
        return str(uuid5(NAMESPACE_URL, f"portside:feature:{self.name}"))


FEATURES: Final = (
    Feature(
        "http-session-affinity",
        "Session affinity",
        "Visitors come back to the instance that served them first (portside proxy:set --sticky)",
        "https://devcenter.heroku.com/articles/session-affinity",
        is_on=lambda router, app_id: router.proxies.of(app_id).sticky,
        switch=lambda router, app_id, on: router.proxies.set(app_id, sticky=on),
    ),
)


@routes("GET", "/apps/<app>/features", Permission.VIEW)
def list_features(call: AppCall) -> Answer:
    return Answer([_shape(call, feature) for feature in FEATURES])


@routes("GET", "/apps/<app>/features/<feature>", Permission.VIEW)
def show_feature(call: AppCall, feature: str) -> Answer:
    return Answer(_shape(call, _known(feature)))


@routes("PATCH", "/apps/<app>/features/<feature>", Permission.MANAGE)
def switch_feature(call: AppCall, feature: str) -> Answer:
    """`{"enabled": true}`"""
    found = _known(feature)
    wish = call.body.wish("enabled")
    if wish is None:
        raise UserError("The field enabled is missing.", 'Send {"enabled": true}, or false.')
    found.switch(call.parts.router, call.app.id, wish)
    return Answer(_shape(call, found))


def _known(wanted: str) -> Feature:
    found = next((feature for feature in FEATURES if wanted in (feature.name, feature.id)), None)
    if found is None:
        raise NotFound(f"There is no feature {wanted}.", f"There is: {', '.join(each.name for each in FEATURES)}.")
    return found


def _shape(call: AppCall, feature: Feature) -> Json:
    since = clock.iso(call.app.created_at)
    return {
        "id": feature.id,
        "name": feature.name,
        "display_name": feature.display_name,
        "description": feature.description,
        "doc_url": feature.doc_url,
        "feedback_email": None,
        "state": "general",
        "enabled": feature.is_on(call.parts.router, call.app.id),
        "created_at": since,
        "updated_at": since,
    }

"""Config vars. Their values are for those who may deploy."""

from __future__ import annotations

from accounts import Permission
from core.errors import UserError
from web.api.routing import Answer, AppCall, Routes

routes = Routes()


@routes("GET", "/apps/<app>/config-vars", Permission.DEPLOY)
def show_config(call: AppCall) -> Answer:
    return Answer(_sorted(call.parts.releases.config(call.app.id)))


@routes("PATCH", "/apps/<app>/config-vars", Permission.DEPLOY)
def change_config(call: AppCall) -> Answer:
    """Set some, take away those that are null; the answer is the whole config as it will be."""
    delta: dict[str, str | None] = {}
    for name, value in call.body.values.items():
        if value is not None and not isinstance(value, str):
            raise UserError(f"The value of {name} must be a string or null.", f'Send {{"{name}": "…"}}.')
        delta[name] = value
    call.parts.releases.submit_config(call.app.id, delta, call.identity)
    return Answer(_sorted(call.parts.releases.config(call.app.id)))


@routes("GET", "/apps/<app>/releases/<release>/config-vars", Permission.DEPLOY)
def show_config_of_release(call: AppCall, release: str) -> Answer:
    found = call.parts.releases.release(call.app.id, release)
    return Answer(_sorted(call.parts.releases.config_of(found.id)))


def _sorted(config: dict[str, str]) -> dict[str, str]:
    return dict(sorted(config.items()))

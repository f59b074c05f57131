"""Who gets to an app: networks, and users with passwords. Portside's own endpoints."""

from __future__ import annotations

from accounts import Permission
from core import clock
from core.errors import UserError
from router import AccessRule, Login, Verdict
from web.api.routing import Answer, AppCall, Routes
from web.api.shapes import Json

routes = Routes()


@routes("GET", "/apps/<app>/access-rules", Permission.VIEW)
def list_rules(call: AppCall) -> Answer:
    return Answer([_rule(rule) for rule in call.parts.router.gate.rules(call.app.id)])


@routes("POST", "/apps/<app>/access-rules", Permission.MANAGE)
def add_rules(call: AppCall) -> Answer:
    """`networks`, of addresses that `verdict` says to `allow` or to `deny`; all or none. Answers with all rules."""
    said = call.body.needed_text("verdict")
    if said not in set(Verdict):
        raise UserError(f"The verdict is {said!r}; it must be allow or deny.", 'Send {"verdict": "allow", …}.')
    rules = call.parts.router.gate.add_rules(call.app.id, Verdict(said), call.body.texts("networks"))
    return Answer({"rules": [_rule(rule) for rule in rules]}, 201)


@routes("DELETE", "/apps/<app>/access-rules", Permission.MANAGE)
def clear_rules(call: AppCall) -> Answer:
    call.parts.router.gate.clear_rules(call.app.id)
    return Answer({"rules": []})


@routes("DELETE", "/apps/<app>/access-rules/<rule>", Permission.MANAGE)
def remove_rule(call: AppCall, rule: str) -> Answer:
    return Answer(_rule(call.parts.router.gate.remove_rule(call.app.id, rule)))


@routes("GET", "/apps/<app>/basic-auth", Permission.VIEW)
def list_logins(call: AppCall) -> Answer:
    """Without any, the app asks for no password."""
    return Answer([_login(login) for login in call.parts.router.gate.logins(call.app.id)])


@routes("PUT", "/apps/<app>/basic-auth/<user>", Permission.MANAGE)
def set_login(call: AppCall, user: str) -> Answer:
    """`password` is not kept, and never shown."""
    return Answer(_login(call.parts.router.gate.set_login(call.app.id, user, call.body.needed_text("password"))))


@routes("DELETE", "/apps/<app>/basic-auth/<user>", Permission.MANAGE)
def remove_login(call: AppCall, user: str) -> Answer:
    return Answer(_login(call.parts.router.gate.remove_login(call.app.id, user)))


def _rule(record: AccessRule) -> Json:
    return {
        "id": record.id,
        "verdict": record.verdict.value,
        "network": record.network,
        "created_at": clock.iso(record.created_at),
    }


def _login(record: Login) -> Json:
    return {
        "user": record.name,
        "created_at": clock.iso(record.created_at),
        "updated_at": clock.iso(record.updated_at),
    }

"""Who else works on an app."""

from __future__ import annotations

from accounts import AppRole, Collaborator, Permission
from core.errors import NotFound, UserError
from web.api import ranges, shapes
from web.api.routing import Answer, AppCall, Routes, listed

routes = Routes()
_KEYS: ranges.Keys[Collaborator] = {"email": lambda record: record.email, "id": lambda record: record.id}


@routes("GET", "/apps/<app>/collaborators", Permission.VIEW)
def list_collaborators(call: AppCall) -> Answer:
    page = call.page(call.parts.accounts.collaborators(call.app.id), _KEYS)
    return listed(page, [shapes.collaborator(record, call.app) for record in page.items], _KEYS)


@routes("POST", "/apps/<app>/collaborators", Permission.MANAGE)
def add_collaborator(call: AppCall) -> Answer:
    """`{"user": EMAIL-OR-ID}`; `role` (collaborator, viewer or owner) is Portside's own."""
    role = call.body.text("role") or AppRole.COLLABORATOR
    if role not in list(AppRole):
        raise UserError(f"{role!r} is not a role.", f"Choose one of: {', '.join(AppRole)}.")
    record = call.parts.accounts.grant(call.app.id, call.body.needed_text("user"), AppRole(role))
    return Answer(shapes.collaborator(record, call.app), 201)


@routes("GET", "/apps/<app>/collaborators/<user>", Permission.VIEW)
def show_collaborator(call: AppCall, user: str) -> Answer:
    return Answer(shapes.collaborator(_collaborator(call, user), call.app))


@routes("DELETE", "/apps/<app>/collaborators/<user>", Permission.MANAGE)
def remove_collaborator(call: AppCall, user: str) -> Answer:
    record = call.parts.accounts.withdraw(call.app.id, _collaborator(call, user).email)
    return Answer(shapes.collaborator(record, call.app))


def _collaborator(call: AppCall, wanted: str) -> Collaborator:
    """By e-mail address, or by the id of the user or of the record."""
    for record in call.parts.accounts.collaborators(call.app.id):
        if wanted.lower() == record.email or wanted in (record.user_id, record.id):
            return record
    raise NotFound(f"{wanted} is not a collaborator on this app.", "See: portside access")

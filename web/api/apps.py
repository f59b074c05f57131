"""Apps: made, listed, renamed, destroyed."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from accounts import Permission
from core.errors import Conflict
from releases import App
from web import new_app
from web.api import ranges, shapes
from web.api.routing import Access, Answer, AppCall, Call, Routes, listed

routes = Routes()
_KEYS: ranges.Keys[App] = {"name": lambda record: record.name, "id": lambda record: record.id}


@routes("GET", "/apps", Access.LOGGED_IN)
@routes("GET", "/users/~/apps", Access.LOGGED_IN)
def list_apps(call: Call) -> Answer:
    visible = call.parts.accounts.visible_apps(call.identity)
    page = call.page(call.parts.releases.apps(visible), _KEYS)
    return listed(page, _shapes(call, page.items), _KEYS)


@routes("POST", "/apps", Access.LOGGED_IN)
def create_app(call: Call) -> Answer:
    """A new app, owned by who asks. A `stack` that is not Portside's and a `region` may be sent, as clients do."""
    app = new_app.create_app(call.parts, call.body.text("name"), call.identity)
    stack = call.body.text("stack")
    if stack and stack in (known.name for known in call.parts.builder.STACKS):
        call.parts.builder.choices.choose_stack(app.id, stack)
    return Answer(shape_of(call, app), 201)


@routes("GET", "/apps/<app>", Permission.VIEW)
def show_app(call: AppCall) -> Answer:
    return Answer(shape_of(call, call.app))


@routes("PATCH", "/apps/<app>", Permission.MANAGE)
def change_app(call: AppCall) -> Answer:
    """Rename it; choose the stack of its next build (`build_stack`); serve a page in its place (`maintenance`, with
    `maintenance_page`: HTML, Portside's own)."""
    maintenance = call.body.wish("maintenance")
    if maintenance:
        call.parts.router.maintenance.turn_on(call.app.id, call.body.text("maintenance_page"))
    elif maintenance is False:
        call.parts.router.maintenance.turn_off(call.app.id)
    stack = call.body.text("build_stack")
    if stack is not None:
        call.parts.builder.choices.choose_stack(call.app.id, stack)
    name = call.body.text("name")
    if name is None or name == call.app.name:
        return Answer(shape_of(call, call.app))
    app = call.parts.releases.rename(call.app.id, name)
    call.parts.router.name_app(app.id, app.name)
    return Answer(shape_of(call, app))


@routes("DELETE", "/apps/<app>", Permission.MANAGE)
def destroy_app(call: AppCall) -> Answer:
    """Gone for its users at once; what it holds elsewhere is removed in the background."""
    shown = shape_of(call, call.app)
    with suppress(Conflict):  # no deploy is under way
        call.parts.pushes.cancel(call.app.id)
    call.parts.releases.destroy(call.app.id)
    return Answer(shown)


def shape_of(call: Call, app: App) -> shapes.Json:
    """One app, in full."""
    owner = call.parts.accounts.user(app.owner_id)
    stack = call.parts.builder.choices.of(app.id).stack
    in_maintenance = call.parts.router.maintenance.of(app.id) is not None
    shown = shapes.app(app, owner.email, f"{call.parts.router.url(app.id)}/", stack, in_maintenance, call.links)
    return shown | {"acm": call.parts.router.automatic.is_on(app.id)}


def _shapes(call: Call, apps: Sequence[App]) -> list[shapes.Json]:
    """Many at once, by as many queries as for one."""
    emails = {user.user_id: user.email for user in call.parts.accounts.users()}
    urls = call.parts.router.urls()
    in_maintenance, automatic = call.parts.router.maintenance.apps(), call.parts.router.automatic.apps()
    choices, default = call.parts.builder.choices.all(), call.parts.builder.STACKS[0].name

    def shape(app: App) -> shapes.Json:
        url = f"{urls[app.id]}/" if app.id in urls else None
        stack = choices[app.id].stack if app.id in choices else default
        shown = shapes.app(app, emails.get(app.owner_id, ""), url, stack, app.id in in_maintenance, call.links)
        return shown | {"acm": app.id in automatic}

    return [shape(app) for app in apps]

"""What clients ask for on the way to something else: the one region, the stacks, lists of what there is not."""

from __future__ import annotations

from accounts import Permission
from web.api import shapes
from web.api.routing import Access, Answer, AppCall, Call, Routes

routes = Routes()


@routes("GET", "/regions", Access.LOGGED_IN)
def list_regions(call: Call) -> Answer:
    region = {**shapes.REGION, "description": "This server", "country": None, "locale": None, "private_capable": False}
    return Answer([region])


@routes("GET", "/stacks", Access.LOGGED_IN)
def list_stacks(call: Call) -> Answer:
    stacks = call.parts.builder.STACKS
    return Answer([{**shapes.stack(stack.name), "state": "public", "default": stack is stacks[0]} for stack in stacks])


@routes("GET", "/teams", Access.LOGGED_IN)
@routes("GET", "/pipelines", Access.LOGGED_IN)
@routes("GET", "/addons", Access.LOGGED_IN)
@routes("GET", "/addon-attachments", Access.LOGGED_IN)
@routes("GET", "/account/features", Access.LOGGED_IN)
def list_none(call: Call) -> Answer:
    return Answer([])


@routes("GET", "/apps/<app>/addons", Permission.VIEW)
@routes("GET", "/apps/<app>/addon-attachments", Permission.VIEW)
@routes("GET", "/apps/<app>/log-drains", Permission.VIEW)
def list_none_of_app(call: AppCall) -> Answer:
    return Answer([])


@routes("GET", "/apps/<app>/pipeline-couplings", Permission.VIEW)
def no_pipeline(call: AppCall) -> Answer:
    return Answer({"id": "not_found", "resource": "pipeline_coupling", "message": "The app is in no pipeline."}, 404)

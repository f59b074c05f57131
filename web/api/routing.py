"""How an endpoint is declared: verb, path and who may use it, beside the function that answers.

    @routes("GET", "/apps/<app>/releases", Permission.VIEW)
    def list_releases(call: AppCall) -> Answer: ...

The access rule is one of `Access` (anyone, anyone logged in) or a `Permission` for the app that `<app>` names by name
or id. It is checked here, before the function runs, so that no endpoint can forget it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from flask import Blueprint, Request, Response, request

from accounts import Identity, Permission
from core.errors import Forbidden, NotFound
from releases import App
from web.api import ranges
from web.api.body import Body
from web.auth import identify
from web.links import Links
from web.parts import WebParts


class Access(StrEnum):
    """Who may use an endpoint that is not about one app."""

    PUBLIC = "public"  # the address itself is the secret, or there is none
    LOGGED_IN = "logged in"


Rule = Access | Permission
Handler = Callable[..., "Answer | Response"]


@dataclass(frozen=True)
class Answer:
    """JSON with its status."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class PublicCall:
    """A request to a public endpoint."""

    parts: WebParts
    request: Request
    links: Links

    @property
    def body(self) -> Body:
        return Body.of(self.request)

    def page(self, items: Sequence[ranges.T], keys: ranges.Keys[ranges.T]) -> ranges.Page[ranges.T]:
        """The part of `items` that the Range header asks for; without one, the first 200 by the first of `keys`."""
        return ranges.page(items, keys, ranges.parse(self.request.headers.get("Range")))


@dataclass(frozen=True)
class Call(PublicCall):
    """A request by somebody; `token` is what it was authorised with."""

    identity: Identity
    token: str = field(repr=False)


@dataclass(frozen=True)
class AppCall(Call):
    """A request about an app, by somebody who may do what the endpoint needs."""

    app: App


@dataclass(frozen=True)
class Route:
    verb: str
    path: str
    rule: Rule
    handler: Handler


class Routes:
    """The endpoints of one module, in the order of their declaration."""

    def __init__(self) -> None:
        self.declared: list[Route] = []

    def __call__(self, verb: str, path: str, rule: Rule) -> Callable[[Handler], Handler]:
        def declare(handler: Handler) -> Handler:
            self.declared.append(Route(verb, path, rule, handler))
            return handler

        return declare


def listed(page: ranges.Page[Any], bodies: Sequence[Any], keys: ranges.Keys[Any]) -> Answer:
    """A page of a list as JSON, with the headers that say where it stands."""
    headers = {"Accept-Ranges": ", ".join(keys)}
    if page.content_range is not None:
        headers["Content-Range"] = page.content_range
    if page.next_range is not None:
        headers["Next-Range"] = page.next_range
    return Answer(list(bodies), 200 if page.next_range is None else 206, headers)


def add(blueprint: Blueprint, parts: WebParts, route: Route) -> None:
    """Register a route, its access rule around its function."""

    def view(**path: str) -> Response:
        answer = route.handler(_admit(parts, route.rule, path), **path)
        return answer if isinstance(answer, Response) else _json(answer)

    view.portside_rule = route.rule  # type: ignore[attr-defined]
    endpoint = f"{route.verb} {route.path}"
    blueprint.add_url_rule(
        route.path, endpoint, view, methods=[route.verb], provide_automatic_options=False, strict_slashes=False
    )


def _admit(parts: WebParts, rule: Rule, path: dict[str, str]) -> PublicCall:
    links = Links.of(parts, request)
    if rule is Access.PUBLIC:
        return PublicCall(parts, request, links)
    identity, token = identify(parts.accounts, request)
    links = links.given_to(identity.user_id)
    if not isinstance(rule, Permission):
        return Call(parts, request, links, identity, token)
    app = parts.releases.app(path.pop("app"))
    _check(parts, identity, app, rule)
    return AppCall(parts, request, links, identity, token, app)


def _check(parts: WebParts, identity: Identity, app: App, needed: Permission) -> None:
    """Raise Forbidden unless `needed` is held; the NotFound of an unknown name when the app may not even be seen."""
    try:
        parts.accounts.require(identity, app.id, needed)
    except Forbidden:
        if Permission.VIEW in parts.accounts.permissions(identity, app.id):
            raise
        raise NotFound("Couldn't find that app.", "See your apps: portside apps") from None


def _json(answer: Answer) -> Response:
    text = json.dumps(answer.body, separators=(",", ":"))
    return Response(text, answer.status, answer.headers, mimetype="application/json")

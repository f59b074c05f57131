"""All endpoints as one Flask blueprint, and what every answer has in common."""

from __future__ import annotations

import json
from importlib import import_module

from flask import Blueprint, Response, request

from core.ids import new_id
from core.queue import undelivered
from core.secrets import HIDDEN
from web.api import routing
from web.api.account import UNLIMITED
from web.errors import answer_to
from web.parts import WebParts

_WITH_ROUTES = (
    "access",
    "account",
    "acm",
    "apps",
    "authorizations",
    "bake",
    "buildpacks",
    "builds",
    "catalogue",
    "certificates",
    "checks",
    "collaborators",
    "config",
    "cron",
    "domains",
    "dynos",
    "features",
    "formation",
    "limits",
    "local_builds",
    "logs",
    "metrics",
    "outputs",
    "proxies",
    "releases",
    "runs",
    "storage",
)


QUEUE_AWAY = "The server's queue does not answer. What was asked for is recorded, and begins when the queue is back."


def blueprint(parts: WebParts) -> Blueprint:
    """The API."""
    made = Blueprint("api", __name__)
    for name in _WITH_ROUTES:
        for route in import_module(f"web.api.{name}").routes.declared:
            routing.add(made, parts, route)
    made.after_request(_keep_private)
    return made


def tell_error(error: Exception) -> Response:
    """Any error as JSON."""
    ticket = (request.view_args or {}).get("ticket")
    path = request.path.replace(ticket, HIDDEN) if ticket else request.path
    status, body = answer_to(error, f"{request.method} {path}")
    headers = {"WWW-Authenticate": 'Basic realm="Portside"'} if status == 401 else {}
    return _keep_private(Response(json.dumps(body), status, headers, mimetype="application/json"))


def finish(response: Response) -> Response:
    """What clients expect on every answer: an id, how many requests are left, and what has to be said beside it."""
    if undelivered.get():
        undelivered.set(False)
        response.headers["Portside-Notice"] = QUEUE_AWAY
    response.headers["Request-Id"] = new_id()
    response.headers["RateLimit-Remaining"] = str(UNLIMITED)
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response

"""Errors as pages: what was found, what to do about it, and the way back."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from core.edge import UnexpectedError, record_bug
from core.errors import Conflict, Forbidden, NotFound, PortsideError, Unauthorized, Unavailable, UserError

_STATUS: Final = (
    (NotFound, 404),
    (Forbidden, 403),
    (Unauthorized, 401),
    (Conflict, 409),
    (Unavailable, 503),
    (UserError, 400),
)
_TITLE: Final = {
    400: "That did not work",
    401: "Please sign in",
    403: "You may not do that",
    404: "Not found",
    405: "Not found",
    409: "Not possible right now",
    500: "Something went wrong",
    503: "Not available right now",
}


def register(blueprint: Blueprint) -> None:
    """Show every error of the blueprint's pages as a page."""
    blueprint.register_error_handler(PortsideError, _expected)
    blueprint.register_error_handler(HTTPException, _from_http)
    blueprint.register_error_handler(Exception, _unexpected)


def nothing_here(rest: str = "") -> Response:
    """The page for an address under `/dashboard/` that leads nowhere."""
    return page(404, "There is no page at this address.", "")


def page(status: int, message: str, hint: str) -> Response:
    app_name = (request.view_args or {}).get("name") if status not in (401, 404) else None
    title = _TITLE.get(status, _TITLE[400] if status < 500 else _TITLE[500])
    text = render_template("error.html", status=status, title=title, message=message, hint=hint, app_name=app_name)
    return make_response(text, status)


def status_of(error: PortsideError) -> int:
    """The status of the page that tells an error."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def _expected(error: PortsideError) -> Response:
    status = status_of(error)
    return page(status, error.message, error.hint if isinstance(error, UserError) else "")


def _from_http(error: HTTPException) -> Response:
    return page(error.code or 500, error.description or "", "")


def _unexpected(error: Exception) -> Response:
    found: UnexpectedError = record_bug(error, f"{request.method} {request.path}")
    return page(500, found.message, "")

"""Errors as the Platform API tells them: a status and `{"id", "message", "hint"?}`.

`message` holds the hint too, on a line of its own, because Heroku's clients show nothing but the message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from werkzeug.exceptions import HTTPException

from core.edge import UnexpectedError, record_bug
from core.errors import Cancelled, DeadlineExceeded, PortsideError, UserError

STATUS: Mapping[str, int] = {
    "bad_request": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not_found": 404,
    "conflict": 409,
    "invalid_params": 422,
    "rate_limit": 429,
    "unavailable": 503,
}
_UNLISTED = 422
_HTTP: Mapping[int, tuple[str, str]] = {
    400: ("bad_request", "The request can't be read."),
    404: ("not_found", "The requested API endpoint was not found. Are you using the right HTTP verb and path?"),
    405: ("method_not_allowed", "This endpoint does not take that HTTP verb."),
    413: ("payload_too_large", "The request is too large."),
    415: ("unsupported_media_type", "Send JSON."),
}


def status_of(error: PortsideError) -> int:
    """The HTTP status that fits an error."""
    if isinstance(error, UserError):
        return STATUS.get(error.code, _UNLISTED)
    if isinstance(error, (Cancelled, DeadlineExceeded)):
        return 503
    return 500


def body_of(error: PortsideError) -> dict[str, Any]:
    """The JSON that tells an error."""
    if isinstance(error, UserError):
        body = {"id": error.code, "message": str(error)}
        return body | ({"hint": error.hint} if error.hint else {})
    if isinstance(error, UnexpectedError):
        return {"id": "internal_server_error", "message": error.message, "error_id": error.error_id}
    return {"id": "unavailable" if status_of(error) == 503 else "internal_server_error", "message": error.message}


def answer_to(error: Exception, work: str) -> tuple[int, dict[str, Any]]:
    """Status and JSON for whatever a request raised. A bug is logged, and only its id is told."""
    if isinstance(error, HTTPException):
        code = error.code or 500
        name, message = _HTTP.get(code, ("bad_request" if code < 500 else "internal_server_error", error.name))
        return code, {"id": name, "message": message}
    if isinstance(error, UserError | Cancelled | DeadlineExceeded | UnexpectedError):
        return status_of(error), body_of(error)
    return 500, body_of(record_bug(error, work))

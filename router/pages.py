"""The pages that the router answers with itself: what is on each, and how HAProxy takes it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from jinja2 import Environment

from router import codes


@dataclass(frozen=True)
class Page:
    """An answer of the router's own."""

    file: str
    status: HTTPStatus
    title: str
    text: str
    code: str = ""
    headers: tuple[str, ...] = ()


UNKNOWN_HOST = Page(
    "unknown-host.http",
    HTTPStatus.NOT_FOUND,
    "There is no app here",
    "No app answers to this host name. If it is yours, check it, or add it to the app: portside domains:add HOST.",
)
NO_BACKENDS = Page(
    "no-backends.http",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "This app is not running",
    "It has no running web process. If it is yours: push a release to it, or start one with portside ps:scale web=1.",
    codes.NO_PROCESSES.name,
)
MAINTENANCE = Page(
    "maintenance.http",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "This app is in maintenance",
    "It will be back soon. If it is yours: portside maintenance:off.",
    codes.MAINTENANCE.name,
)
HELD_OVER = Page(
    "held-over.http",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "This app is being updated",
    "A new release is on its way, and takes longer than a request is held for. Try again in a moment.",
    codes.BACKLOG.name,
    ("Retry-After: 5",),
)
DENIED = Page(
    "denied.http",
    HTTPStatus.FORBIDDEN,
    "This app is not open to your address",
    "It admits certain networks only. If it is yours: portside access shows which.",
    codes.DENIED.name,
)
NO_PASSWORD = Page(
    "no-password.http",
    HTTPStatus.UNAUTHORIZED,
    "This app asks for a password",
    "The name or the password is not right. If the app is yours: portside auth shows who may use it.",
    codes.NO_PASSWORD.name,
    ('WWW-Authenticate: Basic realm="This app", charset="UTF-8"',),
)
GUESSING = Page(
    "guessing.http",
    HTTPStatus.TOO_MANY_REQUESTS,
    "Too many wrong passwords",
    "They came from your address within a minute. Try again in another.",
    codes.GUESSING.name,
    ("Retry-After: 60",),
)
TOO_FAST = Page(
    "too-fast.http",
    HTTPStatus.TOO_MANY_REQUESTS,
    "Too many requests",
    "This app takes only so many in a second from one address. Try again in a moment.",
    codes.TOO_FAST.name,
    ("Retry-After: 1",),
)
CONNECTIONS = Page(
    "connections.http",
    HTTPStatus.SERVICE_UNAVAILABLE,
    "This app has too many visitors",
    "It has as many requests at once as it takes. Try again in a moment. If it is yours, see portside limits.",
    codes.CONNECTIONS.name,
    ("Retry-After: 1",),
)
GATE = (DENIED, NO_PASSWORD, GUESSING, TOO_FAST, CONNECTIONS)
FAILURES = (
    Page(
        "failed-400.http",
        HTTPStatus.BAD_REQUEST,
        "This is not a request that can be answered",
        "It breaks the rules of HTTP, has headers that are too large, or names no host as it must.",
    ),
    Page(
        "failed-502.http",
        HTTPStatus.BAD_GATEWAY,
        "The app gave no valid answer",
        "It closed the connection, or answered with something that is not HTTP. If it is yours, see portside logs.",
        f"{codes.NO_RESPONSE.name}, {codes.NO_HTTP.name}",
    ),
    Page(
        "failed-503.http",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The app does not answer",
        "None of its web processes takes connections just now. If it is yours, see portside ps and portside logs.",
        f"{codes.REFUSED.name}, {codes.NO_CONNECTION_IN_TIME.name}",
    ),
    Page(
        "failed-504.http",
        HTTPStatus.GATEWAY_TIMEOUT,
        "The app took too long",
        "It did not answer in time. If it is yours, see portside logs.",
        codes.NO_ANSWER_IN_TIME.name,
    ),
)
ALL = (UNKNOWN_HOST, NO_BACKENDS, MAINTENANCE, HELD_OVER, *GATE, *FAILURES)


def response(environment: Environment, page: Page) -> str:
    """The page as HAProxy's `errorfile` wants it: a whole HTTP response."""
    body = environment.get_template("page.html.j2").render(
        title=page.title, text=page.text, code=page.code, status=page.status.value, reason=page.status.phrase
    )
    head = [
        f"HTTP/1.1 {page.status.value} {page.status.phrase}",
        "Content-Type: text/html; charset=utf-8",
        "Cache-Control: no-store",
        f"Content-Length: {len(body.encode())}",
        *page.headers,
    ]
    return "\r\n".join([*head, "", body])

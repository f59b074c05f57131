"""git over HTTP: a complete WSGI application for `/NAME.git/…` (https://git-scm.com/docs/http-protocol, smart only)."""

from __future__ import annotations

import base64
import binascii
import re
import threading
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from accounts import Accounts, Identity
from core.edge import unit_of_work
from core.errors import Forbidden, NotFound, PortsideError, Unauthorized, UserError
from core.ids import AppId
from gitreceiver.desk import PushDesk
from gitreceiver.http_exchange import HttpExchange
from gitreceiver.repositories import Repositories
from gitreceiver.serving import GitParts, Service
from gitreceiver.settings import ReceiverSettings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_PATH = re.compile(r"^/(?P<name>[^/]+)\.git/(?P<rest>info/refs|git-upload-pack|git-receive-pack)$")
_ANY_GIT_PATH = re.compile(r"^/[^/]+\.git(/|$)")
_NO_CACHE = [
    ("Expires", "Fri, 01 Jan 1980 00:00:00 GMT"),
    ("Pragma", "no-cache"),
    ("Cache-Control", "no-cache, max-age=0, must-revalidate"),
]
_STATUS = {Unauthorized: HTTPStatus.UNAUTHORIZED, Forbidden: HTTPStatus.FORBIDDEN, NotFound: HTTPStatus.NOT_FOUND}


class GitHttp:
    """The WSGI application. A token is the password of any user name, or a Bearer token."""

    def __init__(
        self,
        accounts: Accounts,
        resolve_app: Callable[[str], AppId | None],
        repositories: Repositories,
        desk: PushDesk,
        settings: ReceiverSettings,
    ) -> None:
        self._parts = GitParts(accounts, resolve_app, repositories, desk, settings)

    @staticmethod
    def handles(path: str) -> bool:
        """Whether a request for `path` is for this application."""
        return bool(_ANY_GIT_PATH.match(path))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            with unit_of_work("a git request"):
                return self._answer(environ, start_response)
        except PortsideError as error:
            return _refuse(error, start_response)

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        identity = self._identify(environ.get("HTTP_AUTHORIZATION", ""))
        found = _PATH.match(environ.get("PATH_INFO", ""))
        if found is None:
            raise NotFound("That is not a git address of Portside's.", "It looks like http://HOST:PORT/APP.git")
        service = _service(found["rest"], environ)
        app_id = self._parts.admit(identity, found["name"], service)
        if found["rest"] == "info/refs":
            body = self._parts.advertise(identity, app_id, service)
            start_response("200 OK", [("Content-Type", f"application/x-{service}-advertisement"), *_NO_CACHE])
            return [body]
        exchange = HttpExchange(environ)
        run = threading.Thread(
            target=exchange.run,
            args=(lambda: self._parts.serve(identity, app_id, service, exchange),),
            name=f"{service} {app_id}",
            daemon=True,
        )
        start_response("200 OK", [("Content-Type", f"application/x-{service}-result"), *_NO_CACHE])
        run.start()
        return exchange

    def _identify(self, header: str) -> Identity:
        token = _token(header)
        if token is None:
            raise Unauthorized("A token is needed.", "Log in with `portside login`, or give a token as the password.")
        identity = self._parts.accounts.identify(token)
        if identity is None:
            raise Unauthorized("That token is not valid.", "Log in again: portside login")
        return identity


def _token(header: str) -> str | None:
    """The token in an Authorization header: Bearer, or the password of Basic (RFC 7617)."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2] or None
    except (binascii.Error, UnicodeDecodeError):
        return None


def _service(rest: str, environ: WSGIEnvironment) -> Service:
    """The service asked for; raises UserError for what is no smart HTTP request."""
    method = environ["REQUEST_METHOD"]
    asked = parse_qs(environ.get("QUERY_STRING", "")).get("service", [""])[0] if rest == "info/refs" else rest
    if asked not in set(Service):
        raise Forbidden("Only git's smart HTTP is served here.", "Use git 1.6.6 or later.")
    if method != ("GET" if rest == "info/refs" else "POST"):
        raise UserError(f"{method} is not how git asks for {rest}.", "Use a git client.")
    if rest != "info/refs" and environ.get("CONTENT_TYPE") != f"application/x-{asked}-request":
        raise UserError(f"The body must be application/x-{asked}-request.", "Use a git client.")
    return Service(asked)


def _refuse(error: PortsideError, start_response: StartResponse) -> Iterable[bytes]:
    """An error as plain text: git shows that to its user, line by line after `remote:`."""
    fallback = HTTPStatus.BAD_REQUEST if isinstance(error, UserError) else HTTPStatus.INTERNAL_SERVER_ERROR
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), fallback)
    headers = [("Content-Type", "text/plain; charset=utf-8"), *_NO_CACHE]
    if status is HTTPStatus.UNAUTHORIZED:
        headers.append(("WWW-Authenticate", 'Basic realm="Portside", charset="UTF-8"'))
    start_response(f"{status.value} {status.phrase}", headers)
    return [f"{error}\n".encode()]

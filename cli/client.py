"""The one module that speaks HTTP: the Heroku-shaped API of one server, its errors as `cli.errors`.

Protocol: Heroku Platform API v3 (https://devcenter.heroku.com/articles/platform-api-reference): bearer token,
`Accept: application/vnd.heroku+json; version=3`, errors as `{"id", "message"}`, lists paged by `Range` / `Next-Range`.
httpx is imported when the first request is made, so that `--help` does not pay for it.
"""

from __future__ import annotations

import os
import ssl
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import quote, urljoin, urlsplit

from cli.errors import ApiError, ConnectionCut, Lacking, Unreachable
from cli.printing import problem
from cli.servers import is_loopback

if TYPE_CHECKING:
    import httpx

Json = dict[str, Any]
_Answer = TypeVar("_Answer")

_ACCEPT = "application/vnd.heroku+json; version=3"
_CONNECT_TIMEOUT_S = 10.0
_ANSWER_TIMEOUT_S = 60.0
_SILENCE_TIMEOUT_S = 3600.0  # a build step or a quiet app may print nothing for long


class Answer(Json):
    """An object of the API. What a command needs and an older server does not give is told by name."""

    def __missing__(self, key: str) -> Any:
        raise Lacking(f"it has no {key!r}")


class Api:
    """Requests to one server, as the owner of one token (None: as nobody yet)."""

    def __init__(self, server: str, token: str | None, refused_hint: str = "") -> None:
        """`refused_hint` is what to do when the server does not take the token."""
        self.server = server
        self._token = token
        self._refused_hint = refused_hint or f"Run `portside login {server}`."
        self._opened: dict[bool, httpx.Client] = {}
        _leave_out_httpx_command()

    def get(self, path: str) -> Json:
        """One object. Raises ApiError, Unreachable."""
        return _object(self._send("GET", path), self.server)

    def get_list(self, path: str, range_header: str = "", limit: int | None = None) -> list[Json]:
        """The objects of a list, following its pages until `limit` of them. Raises ApiError, Unreachable."""
        found: list[Json] = []
        while True:
            response = self._send("GET", path, headers={"Range": range_header} if range_header else {})
            page = _decoded(response, self.server)
            if not isinstance(page, list):
                raise _not_the_api(self.server)
            found += page
            range_header = response.headers.get("Next-Range", "")
            if not range_header or not page or (limit is not None and len(found) >= limit):
                return found[:limit]

    def post(self, path: str, body: Json | None = None, basic: tuple[str, str] | None = None) -> Json:
        """Create or start something; `basic` logs in with a user and password instead of the token."""
        return _object(self._send("POST", path, json=body or {}, auth=basic), self.server)

    def post_tar(self, path: str, tar: IO[bytes]) -> Json:
        """Send a gzipped tar. Raises ApiError, Unreachable."""
        with self._sent_tar(path, tar) as response:
            response.read()
            return _object(response, self.server)

    def post_tar_lines(self, path: str, tar: IO[bytes]) -> Iterator[str]:
        """Send a gzipped tar; the lines of the answer as they come. Raises ApiError, Unreachable, ConnectionCut."""
        with self._sent_tar(path, tar) as response:
            yield from response.iter_lines()

    @contextmanager
    def _sent_tar(self, path: str, tar: IO[bytes]) -> Iterator[httpx.Response]:
        import httpx

        size_bytes = tar.seek(0, os.SEEK_END)
        tar.seek(0)
        headers = self._headers() | {"Content-Type": "application/gzip", "Content-Length": str(size_bytes)}
        timeout = httpx.Timeout(_ANSWER_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S)
        address = self.server + path
        with (
            _translated(self.server),
            self._client(address).stream("POST", address, content=tar, headers=headers, timeout=timeout) as response,
        ):
            if not response.is_success:
                response.read()
                raise self._error(response)
            yield response

    def patch(self, path: str, body: Json) -> Any:
        """Change something; what it answers depends on what it is. Raises ApiError, Unreachable."""
        return _decoded(self._send("PATCH", path, json=body), self.server)

    def put(self, path: str, body: Json) -> Any:
        """Replace something. Raises ApiError, Unreachable."""
        return _decoded(self._send("PUT", path, json=body), self.server)

    def delete(self, path: str) -> Json:
        """Remove, end or restart something; what it was, if the server says. Raises ApiError, Unreachable."""
        return _object(self._send("DELETE", path), self.server)

    @contextmanager
    def stream(self, url: str, accept: str = "*/*", last_event_id: str = "") -> Iterator[httpx.Response]:
        """A text that the server is still writing. The URL is its own permission: the token is not sent along.

        Raises:
            ApiError: the server does not have it. Unreachable: no answer. ConnectionCut: it stopped half-way.
        """
        import httpx

        headers = {"Accept": accept, "User-Agent": "portside"}
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        timeout = httpx.Timeout(_SILENCE_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S)
        address = urljoin(self.server, url)
        with (
            _translated(self.server),
            self._client(address).stream("GET", address, headers=headers, timeout=timeout) as response,
        ):
            if not response.is_success:
                response.read()
                raise self._error(response)
            yield response

    def _send(
        self,
        method: str,
        path: str,
        *,
        json: Json | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> httpx.Response:
        sent = {**self._headers(logged_in=auth is None), **(headers or {})}

        def once() -> httpx.Response:
            with _translated(self.server):
                address = self.server + path
                return self._client(address).request(method, address, json=json, headers=sent, auth=auth)

        response = _again_if_cut(once) if method == "GET" else once()
        if not response.is_success:
            raise self._error(response)
        if notice := response.headers.get("Portside-Notice"):
            problem(notice, _STATUS_HINT)
        return response

    def _headers(self, logged_in: bool = True) -> dict[str, str]:
        login = {"Authorization": f"Bearer {self._token}"} if logged_in and self._token is not None else {}
        return {"Accept": _ACCEPT, "User-Agent": "portside", **login}

    def _error(self, response: httpx.Response) -> ApiError:
        error = _api_error(response, self.server)
        if error.status == 401 and not error.hint:
            error.hint = self._refused_hint
        return error

    def _client(self, address: str) -> httpx.Client:
        """The client for an address. Certificates are always verified; where there is no TLS, the 70 ms of loading the
        authorities are saved: that client trusts none."""
        import httpx

        parts = urlsplit(address)
        in_clear = parts.scheme == "http" and is_loopback(parts.hostname or "")
        if in_clear not in self._opened:
            self._opened[in_clear] = httpx.Client(
                timeout=httpx.Timeout(_ANSWER_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S),
                verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if in_clear else True,
                trust_env=not in_clear,  # no proxy for this machine, whatever HTTP_PROXY says
            )
        return self._opened[in_clear]


def segment(text: str) -> str:
    """`text` as one segment of a path."""
    return quote(text, safe="~")


def _leave_out_httpx_command() -> None:
    """Import httpx without its own command line, whose imports (rich, pygments) take twice as long as all the rest.

    httpx expects that it may be missing: https://github.com/encode/httpx/blob/0.28.1/httpx/__init__.py
    """
    sys.modules.setdefault("httpx._main", cast("ModuleType", None))


def _again_if_cut(request: Callable[[], _Answer]) -> _Answer:
    """The answer, asking once more if the connection was cut: only for requests that change nothing."""
    try:
        return request()
    except ConnectionCut:
        return request()


@contextmanager
def _translated(server: str) -> Iterator[None]:
    """Every exception of httpx, as one of ours."""
    import httpx

    try:
        yield
    except httpx.TimeoutException:
        raise Unreachable(f"{server} did not answer in time.", _STATUS_HINT) from None
    except httpx.ConnectError as error:
        raise _no_connection(server, error) from None
    except (httpx.NetworkError, httpx.RemoteProtocolError):
        raise ConnectionCut(f"The connection to {server} was cut.", _STATUS_HINT) from None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, httpx.CookieConflict) as error:
        raise Unreachable(f"No usable answer from {server}: {error or type(error).__name__}.", _STATUS_HINT) from None


_STATUS_HINT = "On the server, run `portside-server status`."


def _no_connection(server: str, error: BaseException) -> Unreachable:
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    if any(isinstance(each, ssl.SSLCertVerificationError) for each in causes):
        return Unreachable(
            f"The certificate of {server} can't be verified.",
            "If your organisation signs its own, name its CA file in the variable SSL_CERT_FILE.",
        )
    if any(isinstance(each, ssl.SSLError) for each in causes):
        return Unreachable(f"{server} does not speak TLS.", "If it has no https yet, log in with its http:// address.")
    reason = next((each.strerror for each in causes if isinstance(each, OSError) and each.strerror), str(error))
    reason = reason[:1].lower() + reason[1:]
    return Unreachable(f"Can't reach Portside at {server}: {reason}.", _STATUS_HINT)


def _decoded(response: httpx.Response, server: str) -> Any:
    try:
        return response.json(object_hook=Answer)
    except ValueError:
        raise _not_the_api(server) from None


def _object(response: httpx.Response, server: str) -> Json:
    if not response.content:
        return {}
    decoded = _decoded(response, server)
    if not isinstance(decoded, dict):
        raise _not_the_api(server)
    return decoded


def _not_the_api(server: str) -> Unreachable:
    return Unreachable(f"What answers at {server} is not the API of a Portside.", "Check the address.")


def _api_error(response: httpx.Response, server: str) -> ApiError:
    status = response.status_code
    if response.is_redirect:
        target = response.headers.get("Location", "elsewhere")
        message = f"{server} answers with a redirect to {target}."
        return ApiError(status, "redirect", message, "Log in with the address that it redirects to.")
    try:
        body = response.json()
    except ValueError:
        body = None
    body = body if isinstance(body, dict) else {}
    message = str(body.get("message") or f"{server} answered {status} {response.reason_phrase}.")
    hint = str(body.get("hint") or "")
    message = message.removesuffix(f"\n{hint}") if hint else message  # it is in the message too, for Heroku's clients
    if not hint and status >= 500:
        hint = _STATUS_HINT
    return ApiError(status, str(body.get("id") or ""), message, hint)

"""A request as HAProxy's log tells it, and as people read it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from router.codes import OF_CLIENTS, Code, code_of

MARK = "portside1"
"""What each of our lines begins with: HAProxy writes other things to its log, too."""
FORMAT = (
    f"{MARK} %[var(txn.app)] %s %HM %[var(txn.host)] %ID %ci %Tc %Ta %ST %B %ts %HV"
    " %[ssl_fc,iif(https,http)] %[var(txn.code)] %HPO %HQ"
)
"""HAProxy's `log-format`. The path, the only part of any length, comes last: a line that is cut off stays readable.
None of the parts can hold a space."""
_NONE = "-"
_PARTS = 17
_VALUE = re.compile(r"=[^&;]*")
_NO_SERVER = "<NOSRV>"


@dataclass(frozen=True)
class Request:
    """A request that is over. `instance_id` is "" when it reached none; `connect_ms` is -1 then. `total_ms` is from its
    last byte of head to the last byte of its answer. `query` has its question mark."""

    app_id: str
    instance_id: str
    method: str
    host: str
    id: str
    client: str
    connect_ms: int
    total_ms: int
    status: int
    sent_bytes: int
    protocol: str
    path: str
    query: str
    code: Code | None

    @property
    def service_ms(self) -> int:
        """From when it reached the app to the end of its answer."""
        return max(self.total_ms - max(self.connect_ms, 0), 0)


def parse(line: str) -> Request | None:
    """The request in one line of HAProxy's log; None for a line that is none, or whose request is no app's."""
    parts = line.rstrip("\n").split(" ", _PARTS - 1)
    if len(parts) < _PARTS - 1 or parts[0] != MARK or parts[1] == _NONE:
        return None
    app, server, method, host, request_id, client, connect, total, status, sent, state = parts[1:12]
    version, scheme, marked, path = parts[12:16]
    try:
        numbers = int(connect), int(total.lstrip("+")), int(status), int(sent.lstrip("+"))
    except ValueError:
        return None
    return Request(
        app_id=app,
        instance_id="" if server == _NO_SERVER else server,
        method=method,
        host=host,
        id=request_id,
        client=client,
        connect_ms=numbers[0],
        total_ms=max(numbers[1], 0),
        status=max(numbers[2], 0),
        sent_bytes=numbers[3],
        protocol="https" if scheme == "https" else "http2" if version.startswith("HTTP/2") else "http",
        path=path,
        query=parts[16] if len(parts) == _PARTS else "",
        code=code_of(state, numbers[2], marked),
    )


def told(request: Request, process: str, with_values: bool) -> str:
    """The line that an app's log shows, in the form of Heroku's router
    (https://devcenter.heroku.com/articles/http-routing#heroku-router-log-format).

    `process`: `web.1`, "" for none. `with_values`: whether the query's values are shown; they hold tokens and names.
    """
    query = request.query if with_values else without_values(request.query)
    code, dyno = request.code, process
    head = "at=info"
    if code is not None:
        kind = "warning" if code.name in OF_CLIENTS else "error"
        head = f'at={kind} code={code.name} desc="{code.text}"'
    return (
        f'{head} method={request.method} path="{_quotable(request.path + query)}" host={request.host}'
        f' request_id={request.id} fwd="{request.client}" dyno={dyno}'
        f" connect={f'{request.connect_ms}ms' if request.connect_ms >= 0 else ''}"
        f" service={f'{request.service_ms}ms' if request.instance_id else ''}"
        f" status={request.status} bytes={request.sent_bytes} protocol={request.protocol}"
    )


def without_values(query: str) -> str:
    """`?token=…&page=…` for `?token=secret&page=2`: a query without names keeps nothing."""
    if "=" not in query:
        return "?…" if len(query) > 1 else query
    return _VALUE.sub("=…", query)


def _quotable(text: str) -> str:
    return text.replace('"', "%22")


Names = Callable[[str], str]
"""From an instance's id to its process, as `web.1`; "" for one that nobody knows."""

"""C git behind the same HTTP server as ours: `git http-backend` (git-http-backend(1)) as a WSGI application.

gunicorn runs it with the settings that our API has, so that the two differ only in who reads the pack.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterable, Iterator
from typing import IO, Any

CHUNK_BYTES = 65536
ROOT = "BENCH_GIT_ROOT"
_PASSED_ON = ("PATH_INFO", "QUERY_STRING", "REQUEST_METHOD", "CONTENT_TYPE", "REMOTE_ADDR")
_HEADERS = {"HTTP_CONTENT_ENCODING": "HTTP_CONTENT_ENCODING", "HTTP_GIT_PROTOCOL": "GIT_PROTOCOL"}


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Serve every repository under the folder that BENCH_GIT_ROOT names, to anybody."""
    backend = subprocess.Popen(
        ["git", "http-backend"], env=cgi_environ(environ), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert backend.stdin is not None
    assert backend.stdout is not None
    threading.Thread(target=_feed, args=(environ["wsgi.input"], backend.stdin), daemon=True).start()
    status, headers = _head(backend.stdout)
    start_response(status, headers)
    return _body(backend)


def cgi_environ(environ: dict[str, Any]) -> dict[str, str]:
    """What the CGI program gets (RFC 3875) of a WSGI request. No length: git then reads to the end."""
    passed = {name: str(environ[name]) for name in _PASSED_ON if environ.get(name)}
    headers = {cgi: str(environ[name]) for name, cgi in _HEADERS.items() if environ.get(name)}
    own = {"GIT_PROJECT_ROOT": os.environ[ROOT], "GIT_HTTP_EXPORT_ALL": "1", "REMOTE_USER": "bench"}
    return {"PATH": os.environ["PATH"], **passed, **headers, **own}


def _feed(body: IO[bytes], pipe: IO[bytes]) -> None:
    with pipe:
        while chunk := body.read(CHUNK_BYTES):
            pipe.write(chunk)


def _head(output: IO[bytes]) -> tuple[str, list[tuple[str, str]]]:
    status, headers = "200 OK", []
    while line := output.readline().decode().strip():
        name, _, value = line.partition(": ")
        if name.lower() == "status":
            status = value
        else:
            headers.append((name, value))
    return status, headers


def _body(backend: subprocess.Popen[bytes]) -> Iterator[bytes]:
    assert backend.stdout is not None
    with backend.stdout as output:
        while chunk := output.read1(CHUNK_BYTES):  # type: ignore[attr-defined]
            yield chunk
    backend.wait()

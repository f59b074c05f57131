"""Whether a part does its work, asked the way its users would ask."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable
from contextlib import suppress

import redis

from server import procfs
from server.part_names import is_router
from server.ports import Port, near
from server.site import Site
from server.worker_files import ready_file

TIMEOUT_S = 2.0


def is_ready(site: Site, part: str) -> bool:
    """One question to one part; an answer that is late or wrong is a no."""
    with suppress(OSError, http.client.HTTPException, redis.RedisError):
        return _router(site, part) if is_router(part) else _QUESTIONS[part](site)
    return False


def _redis(site: Site) -> bool:
    client = redis.Redis(unix_socket_path=str(site.run / "redis.sock"), socket_timeout=TIMEOUT_S)
    try:
        return bool(client.ping())
    finally:
        client.close()


def _registry(site: Site) -> bool:
    """https://distribution.github.io/distribution/spec/api/#api-version-check"""
    return site.registry is not None and _status(site.registry, "/v2/") == 200


def _api(site: Site) -> bool:
    """Any answer that is not a server error: even a refusal has been through the whole application."""
    return _status(site.api, "/schema") < 500


def _gateway(site: Site) -> bool:
    """The banner that an SSH server sends first (RFC 4253, section 4.2)."""
    with socket.create_connection(_pair(site.gateway), TIMEOUT_S) as connection:
        return connection.recv(8).startswith(b"SSH-2.0-")


def _router(site: Site, part: str) -> bool:
    """HAProxy answers on its admin socket and takes connections on its port."""
    with socket.socket(socket.AF_UNIX) as admin:
        admin.settimeout(TIMEOUT_S)
        admin.connect(str(site.run / f"{part}.sock"))
        admin.sendall(b"show info\n")
        answered = admin.recv(64).startswith(b"Name: HAProxy")
    with socket.create_connection(_pair(site.router), TIMEOUT_S):
        return answered


def _worker(site: Site) -> bool:
    record = procfs.read_record(ready_file(site.run))
    return record is not None and procfs.is_alive(record)


def _status(port: Port, path: str) -> int:
    connection = http.client.HTTPConnection(*_pair(port), timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def _pair(port: Port) -> tuple[str, int]:
    return near(port.host), port.number


_QUESTIONS: dict[str, Callable[[Site], bool]] = {
    "redis": _redis,
    "registry": _registry,
    "api": _api,
    "gateway": _gateway,
    "worker": _worker,
}

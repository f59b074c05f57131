"""Health checks against real sockets."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core import clock
from core.ids import AppId
from scheduler import HealthCheck, ProcessType, SchedulerSettings
from scheduler.health import Check, Seen, Verdict, check_of, probe
from tests.scheduler.conftest import Platform

ADDRESS = "127.0.0.1"


class StatusServer(BaseHTTPRequestHandler):
    """GET /N answers N; the host it was asked for is remembered."""

    hosts: list[str] = []
    location = ""

    def do_GET(self) -> None:
        self.hosts.append(self.headers["Host"])
        self.send_response(int(self.path.strip("/")))
        if self.location:
            self.send_header("Location", self.location)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    server = ThreadingHTTPServer((ADDRESS, 0), StatusServer)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("status", "ready"), [(200, True), (204, True), (302, True), (404, False), (503, False)])
def test_two_and_three_hundreds_are_ready(port: int, status: int, ready: bool) -> None:
    StatusServer.location = ""
    verdict = probe(Check(ADDRESS, port, f"/{status}", "sample.localhost", 3), clock.now(), clock.now())
    assert verdict.ready is ready
    assert (verdict.seen, verdict.status) == ((None, 0) if ready else (Seen.BAD_STATUS, status))
    assert StatusServer.hosts[-1] == "sample.localhost"


def test_an_open_port_is_ready_without_a_path(port: int) -> None:
    assert probe(Check(ADDRESS, port, None, "", 3), clock.now(), clock.now()).ready


@pytest.mark.parametrize("path", [None, "/200"])
def test_a_closed_port_is_told(path: str | None) -> None:
    verdict = probe(Check("127.0.0.77", 9, path, "", 3), clock.now(), clock.now())
    assert verdict == Verdict(False, Seen.NOTHING_LISTENS)


@pytest.mark.parametrize(
    ("location", "ready"),
    [
        ("/login", True),
        ("http://sample.localhost:8080/login", True),
        ("https://sample.localhost/200", False),
        ("http://elsewhere.example/", False),
    ],
)
def test_a_redirect_is_ready_only_within_the_app(port: int, location: str, ready: bool) -> None:
    StatusServer.location = location
    verdict = probe(Check(ADDRESS, port, "/301", "sample.localhost:8080", 3), clock.now(), clock.now())
    assert verdict == (Verdict(True) if ready else Verdict(False, Seen.SENT_AWAY, 301, location))


def test_a_type_without_a_port_is_ready_after_its_uptime() -> None:
    check, started = Check(ADDRESS, None, None, "", 3), clock.now()
    assert not probe(check, started, started + timedelta(seconds=2)).ready
    assert probe(check, started, started + timedelta(seconds=3)).ready


def test_only_web_and_types_with_a_path_are_asked_on_their_port(platform: Platform, app_id: AppId) -> None:
    types = (ProcessType("web"), ProcessType("worker"), ProcessType("api"))
    spec = platform.spec(app_id, processes=types, health={"api": HealthCheck(path="/up")})
    checks = {one.name: check_of(spec, one.name, ADDRESS, "h", SchedulerSettings()) for one in types}
    assert {name: (check.port, check.path) for name, check in checks.items()} == {
        "web": (5000, None),
        "worker": (None, None),
        "api": (5000, "/up"),
    }

"""Health checks against real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core import clock
from core.ids import AppId
from scheduler import CheckKind, HealthCheck, ProcessType, SchedulerSettings
from scheduler.health import Check, Seen, Verdict, boot_checks, in_words, patience_s, probe
from scheduler.runtime import Executed
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
        self.wfile.write(b"all is fine")

    def log_message(self, *args: object) -> None:
        pass


def ask(check: Check) -> Verdict:
    return probe(check, clock.now(), clock.now(), never)


def never(argv: Sequence[str], timeout_s: float) -> Executed:
    raise AssertionError("no command is to be run")


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
    verdict = ask(Check(ADDRESS, port, f"/{status}", "sample.localhost", 3))
    assert verdict.ready is ready
    assert (verdict.seen, verdict.status) == ((None, 0) if ready else (Seen.BAD_STATUS, status))
    assert StatusServer.hosts[-1] == "sample.localhost"


def test_an_open_port_is_ready_without_a_path(port: int) -> None:
    assert ask(Check(ADDRESS, port, None, "", 3)).ready


@pytest.mark.parametrize("path", [None, "/200"])
def test_a_closed_port_is_told(path: str | None) -> None:
    verdict = ask(Check("127.0.0.77", 9, path, "", 3))
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
    verdict = ask(Check(ADDRESS, port, "/301", "sample.localhost:8080", 3))
    assert verdict == (Verdict(True) if ready else Verdict(False, Seen.SENT_AWAY, 301, location))


def test_a_type_without_a_port_is_ready_after_its_uptime() -> None:
    check, started = Check(ADDRESS, None, None, "", 3), clock.now()
    assert not probe(check, started, started + timedelta(seconds=2), never).ready
    assert probe(check, started, started + timedelta(seconds=3), never).ready


UP, READY, LIVE = (HealthCheck(kind, path=f"/{kind}") for kind in CheckKind)


@pytest.mark.parametrize(
    ("process_type", "checks", "asked"),
    [
        ("web", (), [(5000, None)]),
        ("worker", (), [(None, None)]),
        ("api", (UP,), [(5000, "/startup")]),
        ("web", (HealthCheck(uptime_s=9),), [(5000, None), (None, None)]),
        ("web", (HealthCheck(command=("true",)),), [(5000, None), (None, None)]),
        ("web", (HealthCheck(path="/up", port=9000),), [(5000, None), (9000, "/up")]),
        ("web", (HealthCheck(listening=True),), [(5000, None)]),
        ("worker", (HealthCheck(listening=True, port=9000),), [(9000, None)]),
        ("web", (UP, READY, LIVE), [(5000, "/startup"), (5000, "/readiness")]),
        ("web", (LIVE,), [(5000, None)]),
        ("worker", (READY, LIVE), [(5000, "/readiness"), (None, None)]),
        ("web", (replace(UP, warn=True),), [(5000, None), (5000, "/startup")]),
        ("worker", (replace(UP, warn=True), HealthCheck(uptime_s=1)), [(None, None), (5000, "/startup")]),
    ],
)
def test_what_an_instance_must_pass_to_count_as_running(
    platform: Platform, app_id: AppId, process_type: str, checks: tuple[HealthCheck, ...], asked: list[object]
) -> None:
    spec = platform.spec(app_id, processes=(ProcessType(process_type),), health={process_type: checks})
    found = boot_checks(spec, process_type, ADDRESS, "h", SchedulerSettings())
    assert [(check.port, check.path) for check in found] == asked


@pytest.mark.parametrize(
    ("checks", "patience"),
    [
        ((), 60),
        ((HealthCheck(path="/up"),), 60),
        ((HealthCheck(path="/up", attempts=2, wait_s=1, timeout_s=2),), 6),
        ((HealthCheck(path="/up", initial_delay_s=90),), 120),
        ((HealthCheck(uptime_s=100), HealthCheck(path="/up", attempts=1)), 105),
        ((HealthCheck(path="/up", attempts=1), READY), 60),
        ((replace(LIVE, attempts=99),), 60),
    ],
)
def test_a_boot_may_take_as_long_as_its_startup_checks_say(
    platform: Platform, app_id: AppId, checks: tuple[HealthCheck, ...], patience: float
) -> None:
    spec = platform.spec(app_id, health={"web": checks})
    assert patience_s(spec, "web", SchedulerSettings()) == patience


def test_the_answer_must_have_its_content_and_the_request_has_its_headers(port: int) -> None:
    StatusServer.location = ""
    check = Check(ADDRESS, port, "/200", "h", 3, content="fine", headers=(("Host", "other.example"),))
    assert ask(check) == Verdict(True)
    assert StatusServer.hosts[-1] == "other.example"
    assert ask(replace(check, content="fire")) == Verdict(False, Seen.NO_CONTENT, 200)


def test_an_answer_that_takes_too_long_is_none() -> None:
    with socket.create_server((ADDRESS, 0)) as silent:
        check = Check(ADDRESS, silent.getsockname()[1], "/", "h", 3, timeout_s=0.05)
        assert ask(check) == Verdict(False, Seen.NO_ANSWER, detail="nothing within 0.05 s")


@pytest.mark.parametrize(
    ("ran", "verdict"),
    [
        (Executed(0, "fine"), Verdict(True)),
        (Executed(2, "one\ntwo\n\n"), Verdict(False, Seen.COMMAND_FAILED, 2, "two")),
        (Executed(None), Verdict(False, Seen.COMMAND_LATE, detail="no output")),
    ],
)
def test_a_command_is_run_inside_with_its_time(ran: Executed, verdict: Verdict) -> None:
    asked = []

    def run(argv: Sequence[str], timeout_s: float) -> Executed:
        asked.append((argv, timeout_s))
        return ran

    check = Check(ADDRESS, None, None, "h", 3, command=("bin/check", "now"), timeout_s=7)
    assert probe(check, clock.now(), clock.now(), run) == verdict
    assert asked == [(("bin/check", "now"), 7)]


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict(False, Seen.NOTHING_LISTENS), "nothing listens on port 5000"),
        (Verdict(False, Seen.NO_ANSWER, detail="nothing within 5 s"), "GET /up got nothing within 5 s"),
        (Verdict(False, Seen.BAD_STATUS, 503), "GET /up answered 503"),
        (Verdict(False, Seen.NO_CONTENT, 200), "GET /up answered without 'ok'"),
        (Verdict(False, Seen.COMMAND_FAILED, 2), "`a b` ended with exit code 2"),
        (Verdict(False, Seen.COMMAND_LATE), "`a b` did not end within 5 s"),
        (Verdict(False, Seen.TOO_YOUNG), "it has not run for long enough"),
    ],
)
def test_what_was_seen_is_told_in_a_few_words(verdict: Verdict, words: str) -> None:
    assert in_words(Check(ADDRESS, 5000, "/up", "h", 3, command=("a", "b"), content="ok"), verdict) == words

"""Requests in HAProxy's log, and as people read them."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.ids import AppId, new_id
from router import Listener, RequestLine, RequestLog
from router.access_log import Request, parse, told, without_values
from router.codes import code_of
from router.pipe import NAME, Pipe, open_for_haproxy
from tests.router.conftest import PATIENCE_S, wait_until

LINE = "portside1 app-a i-1 GET shop.test 1b4e 10.0.0.9 1 6 200 512 -- HTTP/1.1 http - /cart ?page=2&token=x"
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def request(line: str = LINE) -> Request:
    found = parse(line)
    assert found is not None
    return found


def test_a_good_request_in_herokus_form():
    assert told(request(), "web.1", with_values=False) == (
        'at=info method=GET path="/cart?page=…&token=…" host=shop.test request_id=1b4e fwd="10.0.0.9" dyno=web.1'
        " connect=1ms service=5ms status=200 bytes=512 protocol=http"
    )


def test_the_values_of_a_query_are_told_where_that_is_set():
    assert 'path="/cart?page=2&token=x"' in told(request(), "web.1", with_values=True)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("", ""),
        ("?", "?"),
        ("?secret", "?…"),
        ("?a=1", "?a=…"),
        ("?a=1&b&c=;d=e", "?a=…&b&c=…;d=…"),
        ("?a=b=c", "?a=…"),
    ],
)
def test_a_query_without_its_values(query, shown):
    assert without_values(query) == shown


def test_a_request_that_reached_no_process_says_why():
    line = "portside1 app-a <NOSRV> GET shop.test 1b4e 10.0.0.9 -1 0 503 217 LR HTTP/1.1 http H14 / "
    assert told(request(line), "", with_values=False) == (
        'at=error code=H14 desc="No web processes running" method=GET path="/" host=shop.test request_id=1b4e'
        ' fwd="10.0.0.9" dyno= connect= service= status=503 bytes=217 protocol=http'
    )


def test_a_client_that_leaves_is_a_warning():
    line = "portside1 app-a i-1 GET shop.test 1b4e 10.0.0.9 1 90 -1 0 CH-- HTTP/2.0 http - /slow "
    assert told(request(line), "web.2", with_values=False).startswith(
        'at=warning code=H27 desc="Client Request Interrupted" method=GET path="/slow"'
    )
    assert request(line).protocol == "http2"
    assert request(line.replace(" http - ", " https - ")).protocol == "https"


@pytest.mark.parametrize(
    ("state", "status", "code"),
    [
        ("--", 200, None),
        ("--", 500, None),
        ("LR", 404, None),
        ("sH", 504, "H12"),
        ("SH", 502, "H13"),
        ("sD", 200, "H15"),
        ("PH", 502, "H17"),
        ("SD", 200, "H18"),
        ("sC", 503, "H19"),
        ("SC", 503, "H21"),
        ("CD", 200, "H27"),
        ("cD", 200, "H28"),
        ("RC", 503, "H99"),
        ("CD", 101, None),
        ("SD", 101, None),
    ],
)
def test_the_code_of_how_a_request_ended(state, status, code):
    found = code_of(state, status, "-")
    assert (found.name if found else None) == code


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Proxy http stopped (cumulated conns: FE: 3, BE: 0).",
        LINE.replace("app-a", "-"),
        LINE.replace("portside1", "portside0"),
        LINE.replace(" 512 ", " many "),
        LINE[:60],
    ],
)
def test_what_is_no_apps_request_is_left_out(line):
    assert parse(line) is None


def test_a_line_that_was_cut_in_its_path_is_still_a_request():
    assert request(LINE[: LINE.index("/cart") + 3]).path == "/ca"


def test_a_path_cannot_end_its_quotes():
    shown = told(request(LINE.replace("/cart", '/"status=200')), "web.1", with_values=False)
    assert 'path="/%22status=200' in shown


def lines(count: int, start: int = 0) -> list[RequestLine]:
    return [RequestLine(AT + timedelta(seconds=n), f"request {n}") for n in range(start, start + count)]


@pytest.fixture
def app_id() -> AppId:
    return AppId(new_id())


def test_the_newest_lines_are_kept_oldest_first(tmp_path, app_id):
    log = RequestLog(tmp_path / "requests", 10_000)
    log.append(app_id, lines(3))
    log.append(app_id, lines(2, 3))
    assert log.tail(app_id, 4) == lines(4, 1)
    assert log.tail(AppId(new_id()), 4) == []


def test_the_lines_of_an_app_are_bounded(tmp_path, app_id):
    log = RequestLog(tmp_path / "requests", 2_000)
    for start in range(0, 1000, 10):
        log.append(app_id, lines(10, start))
    assert sum(file.stat().st_size for file in (tmp_path / "requests").iterdir()) < 5_000
    found = log.tail(app_id, 1000)
    assert found == lines(len(found), 1000 - len(found))
    assert len(found) >= 40


def test_a_follower_gets_each_new_line_once_also_when_the_file_is_put_aside(tmp_path, app_id):
    log = RequestLog(tmp_path / "requests", 300)
    log.append(app_id, lines(1))
    follower = log.follow(app_id)
    assert follower.fresh() == []
    log.append(app_id, lines(2, 1))
    assert follower.fresh() == lines(2, 1)
    log.append(app_id, lines(20, 3))
    log.append(app_id, lines(1, 23))
    assert follower.fresh()[-1:] == lines(1, 23)
    assert follower.fresh() == []


def test_an_app_is_forgotten_and_nothing_is_kept_where_that_is_set(tmp_path, app_id):
    log = RequestLog(tmp_path / "requests", 2_000)
    log.append(app_id, lines(3))
    log.forget(app_id)
    log.forget(app_id)
    assert log.tail(app_id, 3) == []
    RequestLog(tmp_path / "none", 0).append(app_id, lines(3))
    assert not (tmp_path / "none").exists()


def test_the_listener_tells_each_app_of_its_own(tmp_path):
    (tmp_path / "run").mkdir()
    log = RequestLog(tmp_path / "requests", 10_000)
    pipe = Pipe(tmp_path / "run" / NAME)
    writing = open_for_haproxy(tmp_path / "run" / NAME)
    os.write(writing, f"{LINE}\nProxy http stopped.\n{LINE.replace('app-a', 'app-b')}\n{LINE[:30]}".encode())
    listener = Listener(tmp_path, log, {"i-1": "web.1"}.__getitem__)
    assert listener.take(pipe) == 2
    os.write(writing, f"{LINE[30:]}\n".encode())
    assert listener.take(pipe) == 1
    assert [line.text.split()[6] for line in log.tail(AppId("app-a"), 9)] == ["dyno=web.1", "dyno=web.1"]
    assert len(log.tail(AppId("app-b"), 9)) == 1
    os.close(writing)
    pipe.close()


def test_a_pipe_that_nobody_reads_takes_what_fits_and_holds_nobody_up(tmp_path: Path):
    writing = open_for_haproxy(tmp_path / "pipe")
    with suppress(BlockingIOError):
        while True:
            os.write(writing, f"{LINE}\n".encode())
    pipe = Pipe(tmp_path / "pipe")
    assert sum(1 for _ in pipe.lines()) > 500
    os.close(writing)
    pipe.close()


def test_the_listener_runs_until_it_is_stopped(tmp_path):
    (tmp_path / "run").mkdir()
    log, stop = RequestLog(tmp_path / "requests", 10_000), threading.Event()
    writing = open_for_haproxy(tmp_path / "run" / NAME)
    listener = Listener(tmp_path, log, {"i-1": "web.1"}.__getitem__)
    running = threading.Thread(target=listener.run, args=(stop,), daemon=True)
    running.start()
    os.write(writing, f"{LINE}\n".encode())
    wait_until(lambda: log.tail(AppId("app-a"), 9), "the line is told")
    stop.set()
    os.write(writing, b"\n")  # so that it looks at once
    running.join(PATIENCE_S)
    assert not running.is_alive()
    os.close(writing)

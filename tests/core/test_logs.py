"""A log's readers get every line once, whatever Redis does."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from core.ids import new_id
from core.logs import LogStreams, connect
from core.secrets import Mask
from tests.databases import new_database

pytestmark = pytest.mark.engine


class OwnRedis:
    """A Redis of the test's own, on a socket in its folder."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "redis.sock"
        self._folder = folder
        self.start()

    def start(self) -> None:
        argv = [
            "redis-server",
            "--port",
            "0",
            "--unixsocket",
            str(self.socket),
            "--dir",
            str(self._folder),
            "--save",
            "",
        ]
        self._process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while not self._answers():
            assert time.monotonic() < end
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            return bool(self.client().ping())
        except redis.RedisError:
            return False

    def client(self) -> redis.Redis:
        return connect(self.socket)

    def hold_still(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def let_go(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OwnRedis]:
    own = OwnRedis(tmp_path)
    yield own
    own.kill()


@pytest.fixture
def streams(tmp_path: Path, server: OwnRedis) -> LogStreams:
    database = new_database(tmp_path / "logs.db")
    return LogStreams(database, server.client())


def lines_of(streams: LogStreams, log_id: str, start: int = 0) -> list[str]:
    return [item[1] for item in streams.follow(log_id, start) if item is not None]


class Reader(threading.Thread):
    """Follows a log in the background."""

    def __init__(self, streams: LogStreams, log_id: str) -> None:
        super().__init__(daemon=True)
        self.lines: list[str] = []
        self.first = threading.Event()
        self._items = streams.follow(log_id)
        self.start()

    def run(self) -> None:
        for item in self._items:
            if item is not None:
                self.lines.append(item[1])
                self.first.set()

    def result(self) -> list[str]:
        self.join(timeout=30)
        assert not self.is_alive()
        return self.lines


def test_a_reader_sees_lines_live_and_ends_with_the_log(streams: LogStreams) -> None:
    log = streams.writer(new_id())
    reader = Reader(streams, log.log_id)
    log.step("Building")
    assert reader.first.wait(30)
    log.detail("one\ntwo")
    log.close()
    assert reader.result() == ["-----> Building", "       one", "       two"]


def test_the_text_stays_when_redis_is_wiped(streams: LogStreams, server: OwnRedis) -> None:
    log = streams.writer(new_id())
    log.line("kept")
    log.close()
    server.client().flushall()
    assert lines_of(streams, log.log_id) == ["kept"]
    assert streams.text(log.log_id) == "kept\n"


def test_a_reader_misses_and_repeats_nothing_when_redis_is_wiped_in_between(
    streams: LogStreams, server: OwnRedis
) -> None:
    log = streams.writer(new_id())
    reader = Reader(streams, log.log_id)
    log.line("0")
    assert reader.first.wait(30)
    server.client().flushall()
    for number in range(1, 5):
        log.line(str(number))
    log.close()
    assert reader.result() == ["0", "1", "2", "3", "4"]


def test_a_writer_goes_on_while_redis_is_down(streams: LogStreams, server: OwnRedis) -> None:
    log = streams.writer(new_id())
    reader = Reader(streams, log.log_id)
    log.line("before")
    assert reader.first.wait(30)
    server.kill()
    log.line("during")
    log.close()
    assert reader.result() == ["before", "during"]


def test_a_reader_gets_what_was_written_while_redis_was_away_before_what_came_later(
    streams: LogStreams, server: OwnRedis
) -> None:
    log = streams.writer(new_id())
    reader = Reader(streams, log.log_id)
    log.line("before")
    assert reader.first.wait(30)
    server.kill()
    log.line("during")
    server.start()
    while not streams.publish("another log", 0, "it is asked again"):
        time.sleep(0.05)
    log.line("after")
    log.close()
    assert reader.result() == ["before", "during", "after"]


def test_a_writer_does_not_wait_for_each_line_when_redis_hangs(streams: LogStreams, server: OwnRedis) -> None:
    """A hundred lines would take it five minutes."""
    log = streams.writer(new_id())
    server.hold_still()
    try:
        for number in range(100):
            log.line(str(number))
        log.close()
        assert streams.text(log.log_id).split() == [str(number) for number in range(100)]
    finally:
        server.let_go()


def test_another_writer_goes_on_where_the_first_one_died(streams: LogStreams) -> None:
    log_id = new_id()
    streams.writer(log_id).line("first")
    heir = streams.writer(log_id)
    heir.line("second")
    heir.close()
    assert lines_of(streams, log_id) == ["first", "second"]


def test_a_reader_can_begin_at_a_line(streams: LogStreams) -> None:
    log = streams.writer(new_id())
    for number in range(5):
        log.line(str(number))
    log.close()
    assert lines_of(streams, log.log_id, start=3) == ["3", "4"]


def test_a_reader_that_is_gone_ends(streams: LogStreams) -> None:
    log = streams.writer(new_id())
    assert list(streams.follow(log.log_id, gone=lambda: True)) == []


def test_closing_twice_keeps_one_text(streams: LogStreams) -> None:
    log = streams.writer(new_id())
    log.line("once")
    log.close()
    log.close()
    assert streams.text(log.log_id) == "once\n"


def test_a_secret_never_gets_in(streams: LogStreams) -> None:
    log = streams.writer(new_id())
    log.hide(Mask(["s3cret-value"]))
    log.line("the key is s3cret-value")
    log.close()
    assert streams.text(log.log_id) == "the key is [hidden]\n"

"""The logs of an app, merged by time: what its instances write, what became of them, what the router was asked,
and what became of its certificates."""

from __future__ import annotations

import heapq
import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from core.database import Database
from core.edge import contained
from core.errors import Unavailable
from core.ids import AppId
from router import RequestLine, RequestLog
from scheduler import run_records
from scheduler.records import process_of
from scheduler.runtime import OutputLine, Runtime, Stream
from scheduler.tables import InstanceRow, RunRow
from scheduler.types import LogLine

TICK_S = 1.0
ROUTER = "router"
CERTIFICATES = "certs"
_MOST_WAITING = 10_000


@dataclass(frozen=True)
class Writer:
    """An instance or a run: its container, if that keeps a log, and what became of it."""

    id: str
    process: str
    container_id: str | None
    over: bool
    told: tuple[LogLine, ...]


@dataclass(frozen=True)
class AppLogs:
    """Reads logs. Nothing is kept of instances whose containers are gone but what the records say of them."""

    database: Database
    runtime: Runtime
    requests: RequestLog
    notices: RequestLog

    def read(
        self, app_id: AppId, lines: int, follow: bool, process: str | None, gone: Callable[[], bool]
    ) -> Iterator[LogLine | None]:
        """The last `lines` lines, oldest first; then, if `follow`, new ones as they come and None about once a second.

        `process` is `web.1`, `web` for all of a type, `router` or `certs`. Ends when `gone()`.
        """
        rows, sources = self._rows(app_id, process), ((self.requests, ROUTER), (self.notices, CERTIFICATES))
        beside = [(source, name) for source, name in sources if process in (None, name)]
        told = [_told(source.tail(app_id, lines), name) for source, name in beside]
        fresh = [(source.follow(app_id), name) for source, name in beside]
        last: dict[str, OutputLine] = {}
        backlog: deque[LogLine] = deque(maxlen=lines)
        tails = self._tails(rows, max(lines, 1), last)  # one at least, to know where `follow` begins
        backlog.extend(heapq.merge(self._about(rows), *told, *tails, key=lambda line: line.at))
        yield from backlog
        if follow:
            known = {line for row in rows for line in row.told}
            for line in self._follow(app_id, process, last, known, gone):
                for follower, name in fresh:
                    yield from _told(follower.fresh(), name)
                yield line

    def _tails(self, rows: list[Writer], lines: int, last: dict[str, OutputLine]) -> list[list[LogLine]]:
        found = []
        for row in rows:
            if row.container_id is None:
                continue
            written = list(self.runtime.output(row.container_id, lines))
            if written:
                last[row.id] = written[-1]
            found.append([LogLine(line.at, "app", row.process, line.text) for line in written])
        return found

    def _about(self, rows: list[Writer]) -> list[LogLine]:
        return sorted((line for row in rows for line in row.told), key=lambda line: line.at)

    def _follow(
        self,
        app_id: AppId,
        process: str | None,
        last: dict[str, OutputLine],
        told: set[LogLine],
        gone: Callable[[], bool],
    ) -> Iterator[LogLine | None]:
        tails = _Tails(self.runtime)
        try:
            while not gone():
                rows = self._rows(app_id, process)
                for line in self._about(rows):
                    if line not in told:
                        told.add(line)
                        yield line
                tails.open(rows, last)
                yield from tails.for_a_tick()
        finally:
            tails.close()

    def _rows(self, app_id: AppId, process: str | None) -> list[Writer]:
        with self.database.read() as session:
            rows = session.scalars(select(InstanceRow).where(InstanceRow.app_id == app_id))
            found = [*map(_instance, rows), *map(_run, run_records.rows_of(session, [app_id]))]
        return [one for one in found if process in (None, one.process, one.process.rpartition(".")[0])]


@dataclass
class _Tails:
    """Follows several containers at once, each in a thread of its own, into one queue."""

    runtime: Runtime
    lines: queue.Queue[LogLine] = field(default_factory=lambda: queue.Queue(_MOST_WAITING))
    streams: dict[str, Stream] = field(default_factory=dict)
    closed: threading.Event = field(default_factory=threading.Event)

    def open(self, rows: list[Writer], last: dict[str, OutputLine]) -> None:
        """Follow those instances that are not followed yet, each from its line in `last` on."""
        for row in rows:
            if row.container_id is None or row.id in self.streams or row.over:
                continue
            try:
                stream = self.runtime.output(row.container_id, None, last.get(row.id), follow=True)
            except Unavailable:
                continue
            self.streams[row.id] = stream
            threading.Thread(target=self._pump, args=(row.process, stream), daemon=True).start()

    def for_a_tick(self) -> Iterator[LogLine | None]:
        """What arrives now, or None when nothing does for a second."""
        try:
            line: LogLine | None = self.lines.get(timeout=TICK_S)
        except queue.Empty:
            line = None
        yield line
        while not self.lines.empty():
            yield self.lines.get_nowait()

    def close(self) -> None:
        self.closed.set()
        for stream in self.streams.values():
            stream.close()

    def _pump(self, process: str, stream: Stream) -> None:
        with contained(f"log of {process}"):
            for line in stream:
                self._put(LogLine(line.at, "app", process, line.text))
                if self.closed.is_set():
                    return

    def _put(self, line: LogLine) -> None:
        while not self.closed.is_set():
            try:
                self.lines.put(line, timeout=TICK_S)
            except queue.Full:
                continue
            return


def _told(lines: Sequence[RequestLine], name: str) -> list[LogLine]:
    return [LogLine(line.at, "portside", name, line.text) for line in lines]


def _instance(row: InstanceRow) -> Writer:
    return Writer(row.id, process_of(row), row.container_id, row.ended_at is not None, tuple(about(row)))


def _run(row: RunRow) -> Writer:
    """What goes through an attached run is its user's alone; a detached one's container is kept with its log."""
    container_id = None if row.attached else row.container_id
    return Writer(row.id, run_records.name_of(row), container_id, False, tuple(about_run(row)))


def about(row: InstanceRow) -> list[LogLine]:
    """What became of an instance, in the words that Heroku's log uses."""
    process, ended = process_of(row), row.detail or "stopped"
    moments = [
        (row.created_at, f"Starting process of v{row.version}"),
        (row.running_at, "State changed from starting to up"),
        (row.retired_at, "Taken out of the route"),
        (row.ended_at, f"Process {ended}"),
    ]
    return [LogLine(at, "portside", process, text) for at, text in moments if at is not None]


def about_run(row: RunRow) -> list[LogLine]:
    """What became of a one-off run. Its command is not told: people type secrets into those."""
    name, code = run_records.name_of(row), row.exit_code
    ended = row.reason or ("Process ended" if code is None else f"Process exited with status {code}")
    moments = [
        (row.created_at, f"Starting a one-off run of v{row.version} by {row.user_email}"),
        (row.started_at, "State changed from starting to up"),
        (row.ended_at, ended),
    ]
    return [LogLine(at, "portside", name, text) for at, text in moments if at is not None]

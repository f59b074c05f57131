"""Log streams: the live story of one push, release or run.

A writer appends lines; any number of readers follow until the log is closed. Live lines travel through a Redis stream
(`XADD`, `XREAD`); at its close the whole text goes to the database, which is what remains. Redis may be wiped or down
at any moment: a writer never fails for it, and a reader then finds the text in the database once the log is closed.
Every line carries its number, so a reader that moves from one to the other neither repeats nor skips any.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import Any, Protocol

import redis
from sqlalchemy import ColumnElement, String, Text, exists, select, update
from sqlalchemy.orm import Mapped, QueryableAttribute, mapped_column

from core import clock
from core.database import Base, Database, UtcDateTime, in_parts
from core.redis_client import Quiet, connect
from core.secrets import Mask

log = logging.getLogger("portside.logs")

__all__ = ["EXPIRED", "LineSink", "LogRow", "LogStreams", "LogWriter", "connect"]

MOST_BYTES = 5_000_000
KEPT_IN_REDIS_AFTER_CLOSE_S = 600
CLOSED_WITHIN_S = 30.0
"""Whoever has decided a piece of work closes its log by then, or is dead."""
TICK_S = 1.0
EXPIRED = "(this log is old: portside-server gc has emptied it)"
_TRUNCATED = "(the log is over 5 MB: the rest is not kept)"


class LogRow(Base):
    __tablename__ = "logs"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    text: Mapped[str] = mapped_column(Text)
    closed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LineSink(Protocol):
    """Where a writer's lines go: `LogStreams`, or whatever else shows them."""

    def publish(self, log_id: str, number: int, text: str) -> bool: ...

    def store(self, log_id: str, lines: list[str]) -> None: ...


class LogWriter:
    """Appends to one log. Safe to use from several threads; secrets given to `hide` never get in."""

    def __init__(self, streams: LineSink, log_id: str, lines: list[str]) -> None:
        self.log_id = log_id
        self._streams = streams
        self._lines = lines
        self._sent = len(lines)
        self._size_bytes = sum(len(line) for line in lines)
        self._mask = Mask()
        self._lock = threading.Lock()

    def hide(self, mask: Mask) -> None:
        self._mask = mask

    def line(self, text: str = "") -> None:
        """One line as it is (several, when the text has line breaks)."""
        for part in self._mask(text).split("\n"):
            self._append(part)

    def step(self, text: str) -> None:
        """`-----> Text`: a step begins."""
        self.line(f"-----> {text}")

    def detail(self, text: str) -> None:
        """Indented under the step, as Heroku shows a build's output."""
        for part in text.split("\n"):
            self.line(f"       {part}".rstrip())

    def problem(self, text: str) -> None:
        """` !     Text`: what went wrong and what to do about it."""
        for part in text.split("\n"):
            self.line(f" !     {part}".rstrip())

    def _append(self, text: str) -> None:
        with self._lock:
            if self._size_bytes > MOST_BYTES:
                return
            self._size_bytes += len(text) + 1
            kept = text if self._size_bytes <= MOST_BYTES else _TRUNCATED
            self._lines.append(kept)
            self._send()

    def _send(self) -> None:
        """The lines that have not been sent yet, those of a time without Redis first."""
        while self._sent < len(self._lines):
            if not self._streams.publish(self.log_id, self._sent, self._lines[self._sent]):
                return
            self._sent += 1

    def close(self) -> None:
        """Store the text; readers end once they have it all. Closing twice is harmless."""
        with self._lock:
            self._streams.store(self.log_id, self._lines)


class LogStreams:
    """Opens, follows and stores logs; a follower hears of a silence every `tick_s`."""

    def __init__(self, database: Database, client: redis.Redis, tick_s: float = TICK_S) -> None:
        self._database = database
        self._redis = client
        self._quiet = Quiet()
        self._tick_s = tick_s

    def writer(self, log_id: str) -> LogWriter:
        """A writer that goes on where an earlier one stopped."""
        return LogWriter(self, log_id, self._written(log_id))

    def text(self, log_id: str) -> str:
        """All that has been written so far."""
        return "".join(f"{line}\n" for line in self._written(log_id))

    def is_closed(self, log_id: str) -> bool:
        return self._stored(log_id) is not None

    def follow(
        self, log_id: str, start: int = 0, gone: Callable[[], bool] = lambda: False
    ) -> Iterator[tuple[int, str] | None]:
        """Each line with its number, from line `start` on, until the log is closed.

        Yields None at every tick while nothing new comes, so that the caller can send a keepalive; ends early
        when `gone()` says that nobody needs the rest.
        """
        position, expected = "0", start
        while not gone():
            position, fresh, live = self._read(log_id, position)
            for number, text in fresh:
                if number >= expected:
                    expected = number + 1
                    yield number, text
            if fresh:
                continue
            stored = self._stored(log_id)
            if stored is not None:
                yield from enumerate(stored[expected:], expected)
                return
            if not live:
                time.sleep(self._tick_s)
            yield None

    def expire(self, before: datetime, keep: Collection[str]) -> int:
        """Empty the logs that were closed before then, but for `keep`; gives how many.

        One line stays that says so: readers still find a log, and one that is closed.
        """
        old = select(LogRow.id).where(LogRow.closed_at < before, LogRow.text != EXPIRED)
        with self._database.read() as session:
            ids = [log_id for log_id in session.scalars(old) if log_id not in keep]
        for some in in_parts(ids):
            with self._database.write() as session:
                session.execute(update(LogRow).where(LogRow.id.in_(some)).values(text=EXPIRED))
        return len(ids)

    def close_left_open(
        self, log_id: QueryableAttribute[str], decided_at: QueryableAttribute[Any], *which: ColumnElement[bool]
    ) -> None:
        """Close the logs whose worker died right after it had decided its work: else their text is not kept, and who
        follows one waits for ever. `log_id` and `decided_at`: columns of the table of that work; `which`: its rows."""
        late = (*which, decided_at < clock.after(-CLOSED_WITHIN_S))
        open_ones = select(log_id).where(*late, ~exists().where(LogRow.id == log_id))
        with self._database.read() as session:
            left = list(session.scalars(open_ones))
        for each in left:
            self.writer(each).close()

    def publish(self, log_id: str, number: int, text: str) -> bool:
        """Send one live line; whether Redis took it."""
        try:
            with self._quiet.unless():
                self._redis.xadd(_key(log_id), {"n": str(number), "t": text})
        except redis.RedisError as error:
            log.debug("live line of %s not sent: %s", log_id, error)
            return False
        return True

    def store(self, log_id: str, lines: list[str]) -> None:
        with self._database.write() as session:
            row = session.get(LogRow, log_id)
            if row is None:
                session.add(LogRow(id=log_id, text="\n".join(lines), closed_at=clock.now()))
            elif len(row.text) < sum(len(line) + 1 for line in lines) - 1:
                row.text = "\n".join(lines)
        try:
            with self._quiet.unless():
                self._redis.xadd(_key(log_id), {"end": "1"})
                self._redis.expire(_key(log_id), KEPT_IN_REDIS_AFTER_CLOSE_S)
        except redis.RedisError as error:
            log.debug("end of %s not sent: %s", log_id, error)

    def _written(self, log_id: str) -> list[str]:
        stored = self._stored(log_id)
        if stored is not None:
            return stored
        try:
            entries: Any = self._redis.xrange(_key(log_id))
        except redis.RedisError:
            return []
        return [fields[b"t"].decode() for _, fields in entries if b"t" in fields]

    def _stored(self, log_id: str) -> list[str] | None:
        with self._database.read() as session:
            row = session.get(LogRow, log_id)
            if row is None:
                return None
            return row.text.split("\n") if row.text else []

    def _read(self, log_id: str, position: str) -> tuple[str, list[tuple[int, str]], bool]:
        """(new position, numbered lines, whether Redis answered); waits up to a tick for something new."""
        try:
            answer: Any = self._redis.xread({_key(log_id): position}, count=500, block=int(self._tick_s * 1000))
        except redis.RedisError:
            return "0", [], False
        if not answer:
            return position, [], True
        entries = answer[0][1]
        lines = [(int(fields[b"n"]), fields[b"t"].decode()) for _, fields in entries if b"t" in fields]
        return entries[-1][0].decode(), lines, True


def _key(log_id: str) -> str:
    return f"portside:log:{log_id}"

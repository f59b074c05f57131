"""A load of requests from several processes, and an honest count of what failed.

Half of the clients keep their connection, half open a new one for each request; one request in four is a POST, and
every other POST has an `Idempotency-Key`, so that the router may send it twice. A request has failed when the
connection broke, the answer was no 200, or it took over 10 s.
"""

from __future__ import annotations

import http.client
import multiprocessing
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from types import TracebackType
from typing import Any

TOO_SLOW_S = 10.0
GET, POST, WITH_KEY = "GET", "POST", "POST with a key"
KINDS = (GET, GET, GET, POST, GET, GET, GET, WITH_KEY)
CONTEXT = multiprocessing.get_context("fork")


@dataclass
class Tally:
    """What came back. `answers` counts bodies, so that a test sees which releases answered."""

    sent: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0

    @property
    def failed(self) -> int:
        return sum(self.failures.values())

    def add(self, other: Tally) -> None:
        self.sent += other.sent
        self.failures += other.failures
        self.answers += other.answers
        self.slowest_s = max(self.slowest_s, other.slowest_s)


@dataclass(frozen=True)
class Target:
    """Where the load goes: the router's address on loopback and the app's host name."""

    port: int
    host: str
    path: str = "/"


class Load:
    """`with Load(target, per_s) as load: …` sends `per_s` requests a second until the block ends; then `load.tally`."""

    def __init__(self, target: Target, per_s: int, processes: int = 4, clients: int = 20) -> None:
        self.tally = Tally()
        self._stop = CONTEXT.Event()
        self._results: Any = CONTEXT.Queue()
        share_s = processes * clients / per_s
        arguments = (target, share_s, clients, self._stop, self._results)
        self._processes = [CONTEXT.Process(target=_client_process, args=arguments) for _ in range(processes)]

    def __enter__(self) -> Load:
        for process in self._processes:
            process.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for _ in self._processes:
            self.tally.add(self._results.get(timeout=60))
        for process in self._processes:
            process.join(timeout=10)


def _client_process(target: Target, every_s: float, clients: int, stop: Event, results: Any) -> None:
    tallies = [Tally() for _ in range(clients)]
    threads = [
        threading.Thread(target=_client, args=(target, every_s, number, stop, tally))
        for number, tally in enumerate(tallies)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = Tally()
    for tally in tallies:
        total.add(tally)
    results.put(total)


def _client(target: Target, every_s: float, number: int, stop: Event, tally: Tally) -> None:
    keeps = number % 2 == 0
    connection: http.client.HTTPConnection | None = None
    due = time.monotonic() + every_s * (number % 10) / 10
    while not stop.is_set():
        time.sleep(max(0.0, due - time.monotonic()))
        due = max(due + every_s, time.monotonic() - every_s)
        connection = connection or http.client.HTTPConnection("127.0.0.1", target.port, timeout=TOO_SLOW_S)
        begun, kind = time.monotonic(), KINDS[tally.sent % len(KINDS)]
        try:
            failure = _request(connection, target, tally, kind)
        except (OSError, http.client.HTTPException) as error:
            failure = type(error).__name__
            connection.close()
            connection = None
        took_s = time.monotonic() - begun
        failure = failure or ("over 10 s" if took_s > TOO_SLOW_S else None)
        if failure is not None:
            tally.failures[f"{kind}: {failure}"] += 1
        tally.sent += 1
        tally.slowest_s = max(tally.slowest_s, took_s)
        if connection is not None and not keeps:
            connection.close()
            connection = None
    if connection is not None:
        connection.close()


def _request(connection: http.client.HTTPConnection, target: Target, tally: Tally, kind: str) -> str | None:
    """Send one request; why it failed, if it did."""
    headers = {"Host": target.host}
    if kind == WITH_KEY:
        headers["Idempotency-Key"] = f'"{uuid.uuid4()}"'
    method, body = ("GET", None) if kind == GET else ("POST", b"x" * 100)
    connection.request(method, target.path, body=body, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode(errors="replace").strip()
    if answer.status != 200:
        return f"status {answer.status}"
    tally.answers[text[:80]] += 1
    return None

"""The API under a real gunicorn: it answers while many streams are open, and lets go of lost clients."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from gunicorn.app.base import BaseApplication

from accounts import Identity
from releases import App
from web import WebSettings

STREAMS = 60
DEADLINE_S = 30


class Gunicorn(BaseApplication):  # type: ignore[misc]
    """One worker with the threads of a real platform, on a socket that the test has opened."""

    def __init__(self, wsgi: Any, descriptor: int) -> None:
        self._wsgi = wsgi
        self._given = {"bind": f"fd://{descriptor}", "threads": WebSettings().threads, "worker_class": "gthread"}
        self._given |= {"loglevel": "critical", "graceful_timeout": 1, "control_socket_disable": True}
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._given.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        return self._wsgi


@pytest.fixture
def opened(stage, monkeypatch: pytest.MonkeyPatch) -> Any:
    """How many log streams are open in the server, counted across processes."""
    count = multiprocessing.get_context("fork").Value("i", 0)
    logs = stage.scheduler.logs

    def counted(*args: Any) -> Iterator[Any]:
        with count.get_lock():
            count.value += 1
        try:
            yield from logs(*args)
        finally:
            with count.get_lock():
                count.value -= 1

    monkeypatch.setattr(stage.scheduler, "logs", counted)
    return count


@pytest.fixture
def server(stage, app: App, opened: Any) -> Iterator[int]:
    """The port of a running server; ended by the pid that was started."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=256)
    port = listening.getsockname()[1]
    stage.database.close()  # connections must not be shared with the server's process
    process = multiprocessing.get_context("fork").Process(
        target=lambda: Gunicorn(stage.app, listening.fileno()).run(), daemon=True
    )
    process.start()
    listening.close()
    yield port
    process.terminate()
    process.join(10)
    process.kill()


def ask(port: int, token: str, verb: str, path: str, body: object = None) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    connection.request(verb, path, None if body is None else json.dumps(body), headers)
    answer = connection.getresponse()
    content = json.loads(answer.read())
    connection.close()
    return answer.status, content


def open_stream(port: int, path: str, accept: str) -> http.client.HTTPConnection:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    connection.request("GET", path, headers={"Accept": accept})
    return connection


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def test_the_api_answers_while_sixty_streams_are_open_and_lost_clients_are_let_go(
    stage, ada: Identity, server: int, opened: Any
) -> None:
    token = stage.tokens[ada.email]
    status, session = ask(server, token, "POST", "/apps/shop/log-sessions", {"tail": True})
    assert status == 201
    path = urlsplit(session["logplex_url"]).path
    kinds = ["text/event-stream", "*/*"]
    streams = [open_stream(server, path, kinds[number % 2]) for number in range(STREAMS)]
    until(lambda: opened.value == STREAMS, "not all streams were opened")

    assert ask(server, token, "GET", "/account")[1]["email"] == ada.email
    assert [app["name"] for app in ask(server, token, "GET", "/apps")[1]] == ["shop"]
    assert opened.value == STREAMS

    for stream in streams:
        stream.close()
    until(lambda: opened.value == 0, "streams of lost clients stay open")

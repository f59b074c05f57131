"""Answers that never end and bodies that are read while they are written, through HAProxy: nothing is held back."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue

import httpx
import pytest

from router import Backend
from tests.router.authority import Authority
from tests.router.raw import PATIENCE_S

pytestmark = pytest.mark.engine


class Live(ThreadingHTTPServer):
    """GET streams what the test puts into `events`, till ""; POST answers each chunk of its body at once."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Live)
        self.events: SimpleQueue[str] = SimpleQueue()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a connection that a check closed


class _Live(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Live

    def do_GET(self) -> None:
        self._begin("text/event-stream")
        for event in iter(self.server.events.get, ""):
            self._piece(f"data: {event}\n\n".encode())
        self._piece(b"")

    def do_POST(self) -> None:
        self._begin("application/octet-stream")
        while size := int(self.rfile.readline(), 16):
            self._piece(self.rfile.read(size).upper())
            self.rfile.readline()
        self.rfile.readline()
        self._piece(b"")

    def _begin(self, content: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _piece(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def live(haproxy, app_id) -> Iterator[Live]:
    server = Live()
    haproxy.router.name_app(app_id, "shop")
    with haproxy.database.write() as session:
        haproxy.router.point(session, app_id, "g1", [Backend("live", "127.0.0.1", server.server_port)])
    haproxy.router.apply(app_id)
    yield server
    server.events.put("")
    server.shutdown()
    server.server_close()


def test_each_event_arrives_over_http1_before_the_next_is_made(haproxy, live):
    client = haproxy.client()
    client.request("GET", "/", headers={"Host": "shop.apps.test", "Accept": "text/event-stream"})
    answer = client.getresponse()
    for number in range(5):
        live.events.put(str(number))
        assert answer.readline() == f"data: {number}\n".encode()
        assert answer.readline() == b"\n"
    live.events.put("")
    assert answer.read() == b""
    client.close()


def test_each_event_arrives_over_http2_before_the_next_is_made(haproxy, live, app_id):
    authority = Authority()
    haproxy.router.certificates.add(app_id, *authority.issue("shop.apps.test"))
    trusting = ssl.create_default_context(cadata=authority.root)
    url = f"https://127.0.0.1:{haproxy.settings.https_port}/"
    with (
        httpx.Client(http2=True, verify=trusting, timeout=PATIENCE_S, trust_env=False) as client,
        client.stream(
            "GET", url, headers={"Host": "shop.apps.test"}, extensions={"sni_hostname": "shop.apps.test"}
        ) as answer,
    ):
        assert (answer.status_code, answer.http_version) == (200, "HTTP/2")
        lines = answer.iter_lines()
        for number in range(5):
            live.events.put(str(number))
            assert (next(lines), next(lines)) == (f"data: {number}", "")
        live.events.put("")
        assert list(lines) == []


def test_a_body_is_answered_while_it_is_still_being_sent(haproxy, live):
    with socket.create_connection(("127.0.0.1", haproxy.settings.http_port), timeout=PATIENCE_S) as client:
        client.sendall(b"POST / HTTP/1.1\r\nHost: shop.apps.test\r\nTransfer-Encoding: chunked\r\n\r\n2\r\na0\r\n")
        answer = http.client.HTTPResponse(client, method="POST")
        answer.begin()
        assert answer.read(2) == b"A0"
        for number in range(1, 5):
            client.sendall(b"2\r\na%d\r\n" % number)
            assert answer.read(2) == b"A%d" % number
        client.sendall(b"0\r\n\r\n")
        assert answer.read() == b""

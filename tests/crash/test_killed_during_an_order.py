"""The worker dies while a certificate authority looks for the proof of a host."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.background import eventually
from tests.crash.blows import Victim
from tests.live import LivePlatform
from tests.router.pebble import PATIENCE_S, Pebble

pytestmark = [pytest.mark.platform, pytest.mark.full]


class Way(ThreadingHTTPServer):
    """Between the authority and the router: whoever comes waits until it is `open`."""

    daemon_threads = True

    def __init__(self, router_port: int) -> None:
        self.used, self.open = threading.Event(), threading.Event()
        way = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                way.used.set()
                way.open.wait(PATIENCE_S)
                router = http.client.HTTPConnection("127.0.0.1", router_port, timeout=PATIENCE_S)
                router.request("GET", self.path, headers={"Host": self.headers["Host"]})
                answer = router.getresponse()
                body = answer.read()
                router.close()
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


@pytest.fixture
def way(platform: LivePlatform) -> Iterator[Way]:
    made = Way(platform.http)
    yield made
    made.open.set()
    made.shutdown()
    made.server_close()


def test_the_next_worker_ends_the_order_and_begins_none(platform: LivePlatform, victim: Victim, way: Way) -> None:
    name = "ordered"
    pebble = Pebble(way.server_port, platform.folder, platform.acme)
    assert platform.cli("create", name).code == 0
    try:
        pebble.start()
        assert platform.cli("certs:auto", "enable", "-a", name).code == 0
        assert way.used.wait(PATIENCE_S)
        victim.kill("worker")
        way.open.set()
        eventually(lambda: _state(platform, name) == "issued", "the host has its certificate")
        assert pebble.orders() == 1
        assert "certificate issued" in platform.cli("logs", "-p", "certs", "-a", name).output
    finally:
        pebble.stop()
        victim.returns()
        platform.cli("destroy", "--confirm", name)


def _state(platform: LivePlatform, name: str) -> str:
    told = json.loads(platform.cli("certs:auto", "--json", "-a", name).output)
    return str(told["hosts"][0]["state"])

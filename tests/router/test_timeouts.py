"""An app's own timeouts, in a real HAProxy whose usual ones are shorter."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from core.ids import AppId, new_id
from router import Backend, TrafficTimeouts
from tests.router.raw import PATIENCE_S
from tests.router.test_requests import Ear
from tests.router.test_switching import echo_websocket

pytestmark = pytest.mark.engine


@pytest.fixture
def other_id():
    return AppId(new_id())


def test_a_slow_app_may_be_given_more_time_and_a_quick_one_less(start_haproxy, start_app, app_id, other_id, until):
    haproxy = start_haproxy(silence_timeout_s=0.5)
    haproxy.router.name_app(app_id, "shop")
    haproxy.router.name_app(other_id, "other")
    haproxy.deploy(app_id, "g1", start_app("one", delay_s=1.5))
    haproxy.deploy(other_id, "g1", start_app("two", delay_s=1.5))
    ear = Ear(haproxy, app_id)
    assert haproxy.get("shop.apps.test")[0] == 504
    pids = haproxy.pids()
    haproxy.router.gate.set_timeouts(app_id, TrafficTimeouts(idle_s=60))
    assert haproxy.get("shop.apps.test") == (200, "one")
    assert haproxy.get("other.apps.test")[0] == 504
    haproxy.router.gate.set_timeouts(app_id, TrafficTimeouts(idle_s=1))
    assert haproxy.get("shop.apps.test")[0] == 504
    assert haproxy.pids() == pids, "nothing was reloaded"
    assert "code=H12" in ear.hears(3, until)[2]
    ear.pipe.close()


def test_a_silent_websocket_may_be_given_more_time(start_haproxy, app_id, other_id):
    haproxy = start_haproxy(tunnel_timeout_s=1.0)
    with websocket_app(haproxy, app_id, "chat"), websocket_app(haproxy, other_id, "other"):
        haproxy.router.gate.set_timeouts(app_id, TrafficTimeouts(tunnel_s=600))
        with opened(haproxy, "chat") as kept, opened(haproxy, "other") as cut:
            assert cut.recv(4096) == b"", "closed after a second of silence"
            kept.sendall(b"still here")
            assert kept.recv(4096) == b"still here"


@contextlib.contextmanager
def websocket_app(haproxy, app_id, name) -> Iterator[None]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_echo, args=(listener,), daemon=True).start()
        haproxy.router.name_app(app_id, name)
        with haproxy.database.write() as session:
            haproxy.router.point(session, app_id, "g1", [Backend(name, "127.0.0.1", listener.getsockname()[1])])
        haproxy.router.apply(app_id)
        yield


def _echo(listener: socket.socket) -> None:
    with contextlib.suppress(ConnectionResetError):  # by a timeout, as it should be
        echo_websocket(listener)


@contextlib.contextmanager
def opened(haproxy, name) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", haproxy.settings.http_port), timeout=PATIENCE_S) as client:
        client.sendall(
            f"GET /ws HTTP/1.1\r\nHost: {name}.apps.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        assert client.recv(4096).startswith(b"HTTP/1.1 101")
        yield client

"""Long and large traffic through a real HAProxy."""

from __future__ import annotations

import dataclasses
import re
import socket
import threading
from pathlib import Path

import pytest

from core.ids import AppId, new_id
from tests.router.raw import PATIENCE_S
from tests.router.test_switching import echo_websocket

pytestmark = pytest.mark.engine

MEGABYTE = 1_000_000
ROOM_MB = 30  # what HAProxy may grow by; its buffers for one connection take 32 KB


def test_a_websocket_stays_open_through_deploys_of_another_app_and_a_reload(haproxy, start_app, app_id):
    other = AppId(new_id())
    haproxy.router.name_app(app_id, "chat")
    haproxy.router.name_app(other, "shop")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=echo_websocket, args=(listener,), daemon=True).start()
        chat = dataclasses.replace(start_app("chat").backend, port=listener.getsockname()[1])
        with haproxy.database.write() as session:
            haproxy.router.point(session, app_id, "c1", [chat])
        haproxy.router.apply(app_id)
        with socket.create_connection(("127.0.0.1", haproxy.settings.http_port), timeout=PATIENCE_S) as client:
            client.sendall(
                b"GET /ws HTTP/1.1\r\nHost: chat.apps.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            assert client.recv(4096).startswith(b"HTTP/1.1 101")
            for number in range(3):
                haproxy.deploy(other, f"g{number}", start_app(f"shop{number}"))
                haproxy.router.retire(other, f"g{number - 1}")
                assert haproxy.get("shop.apps.test") == (200, f"shop{number}")
            haproxy.router.processes.write_config()
            haproxy.control.reload()
            client.sendall(b"still here")
            assert client.recv(4096) == b"still here"


@pytest.mark.parametrize("size_mb", [50, pytest.param(1000, marks=pytest.mark.full)])
def test_an_upload_is_streamed_in_bounded_memory(haproxy, start_app, app_id, size_mb):
    taken: list[int] = []
    haproxy.router.name_app(app_id, "shop")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_take_upload, args=(listener, size_mb * MEGABYTE, taken), daemon=True).start()
        sink = dataclasses.replace(start_app("sink").backend, port=listener.getsockname()[1])
        with haproxy.database.write() as session:
            haproxy.router.point(session, app_id, "g1", [sink])
        haproxy.router.apply(app_id)
        before_mb = _memory_mb(haproxy)
        with socket.create_connection(("127.0.0.1", haproxy.settings.http_port), timeout=PATIENCE_S) as client:
            head = f"PUT /file HTTP/1.1\r\nHost: shop.apps.test\r\nContent-Length: {size_mb * MEGABYTE}\r\n\r\n"
            client.sendall(head.encode())
            piece = b"x" * MEGABYTE
            for _ in range(size_mb):
                client.sendall(piece)
                assert _memory_mb(haproxy) < before_mb + ROOM_MB
            assert client.recv(4096).startswith(b"HTTP/1.1 201")
    assert taken == [size_mb * MEGABYTE]


def _take_upload(listener: socket.socket, size: int, taken: list[int]) -> None:
    while True:  # connection checks come and go first
        try:
            connection, _ = listener.accept()
        except OSError:
            return  # the test is over
        with connection:
            data = b""
            while b"\r\n\r\n" not in data and (piece := connection.recv(65536)):
                data += piece
            if not data:
                continue
            count = len(data.partition(b"\r\n\r\n")[2])
            while count < size and (piece := connection.recv(1 << 20)):
                count += len(piece)
            taken.append(count)
            connection.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n")


def _memory_mb(haproxy) -> float:
    """What master and workers hold in RAM together."""
    texts = (Path(f"/proc/{pid}/status").read_text() for pid in haproxy.pids())
    return sum(int(re.findall(r"VmRSS:\s+(\d+) kB", text)[0]) for text in texts) / 1000

"""Bytes that somebody sends who wants to reach what is not theirs, through a real HAProxy to apps that keep what
they were sent: the right answer, never another app, never a second request inside the first."""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.ids import AppId, new_id
from tests.databases import new_database
from tests.router.conftest import Haproxy
from tests.router.raw import PATIENCE_S, RecordingApp, exchange, statuses

pytestmark = pytest.mark.engine

GET = b"GET / HTTP/1.1\r\n"
POST = b"POST / HTTP/1.1\r\n"
HOST = b"Host: shop.apps.test\r\n"
INSIDE = b"GET /inside HTTP/1.1\r\nHost: admin.apps.test\r\n\r\n"
END = b"0\r\n\r\n"


@dataclass
class Street:
    """Two apps behind one router that waits for nobody long."""

    haproxy: Haproxy
    shop: RecordingApp
    admin: RecordingApp

    def send(self, data: bytes) -> list[int]:
        self.shop.seen.clear()
        self.admin.seen.clear()
        return statuses(exchange(self.haproxy.settings.http_port, data))


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    home = Path(tempfile.mkdtemp(prefix="psr-", dir="/tmp"))
    database = new_database(home / "records.db")
    haproxy = Haproxy(home, database, request_timeout_s=1.0, keep_alive_s=0.2, silence_timeout_s=2.0)
    apps = RecordingApp("shop"), RecordingApp("admin")
    try:
        haproxy.start()
        for app in apps:
            app_id = AppId(new_id())
            haproxy.router.name_app(app_id, app.name)
            with database.write() as session:
                haproxy.router.point(session, app_id, "g1", [app.backend])
            haproxy.router.apply(app_id)
        yield Street(haproxy, *apps)
    finally:
        for app in apps:
            app.stop()
        haproxy.kill()
        database.close()
        shutil.rmtree(home)


REFUSED = {
    "two lengths": POST + HOST + b"Content-Length: 0\r\nContent-Length: 49\r\n\r\n" + INSIDE,
    "a list of lengths": POST + HOST + b"Content-Length: 0, 49\r\n\r\n" + INSIDE,
    "a length with a plus": POST + HOST + b"Content-Length: +2\r\n\r\nhi",
    "a negative length": POST + HOST + b"Content-Length: -2\r\n\r\nhi",
    "a hexadecimal length": POST + HOST + b"Content-Length: 0x2\r\n\r\nhi",
    "an empty length": POST + HOST + b"Content-Length: \r\n\r\nhi",
    "a length beyond 64 bits": POST + HOST + b"Content-Length: 99999999999999999999999\r\n\r\nhi",
    "an unknown coding": POST + HOST + b"Content-Length: 4\r\nTransfer-Encoding: xchunked\r\n\r\n" + END + INSIDE,
    "a space before the colon": POST
    + HOST
    + b"Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n"
    + END
    + INSIDE,
    "a vertical tab before the coding": POST + HOST + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + END + INSIDE,
    "codings in two headers": POST + HOST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + END,
    "chunked not last": POST + HOST + b"Transfer-Encoding: chunked, identity\r\n\r\n" + END + INSIDE,
    "chunked twice": POST + HOST + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + END + INSIDE,
    "a carriage return in a header": GET + HOST + b"X: a\rTransfer-Encoding: chunked\r\n\r\n",
    "a NUL in a header": GET + HOST + b"X: a\0b\r\n\r\n",
    "a NUL in the method": b"G\0T / HTTP/1.1\r\n" + HOST + b"\r\n",
    "a header with no name": GET + HOST + b": x\r\n\r\n",
    "a folded first header": GET + b" X: folded\r\n" + HOST + b"\r\n",
    "a header folded into the host": GET + HOST + b" X: folded\r\n\r\n",
    "a header over the limit": GET + HOST + b"X: " + b"a" * 20_000 + b"\r\n\r\n",
    "too many headers": GET + HOST + b"".join(b"X%d: a\r\n" % number for number in range(150)) + b"\r\n",
    "a path over the limit": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "TLS where there is none": b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"x" * 100 + b"\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n",
    "another host in the target": b"GET http://admin.apps.test/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "userinfo in the target": b"GET http://shop.apps.test@admin.apps.test/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "no host": GET + b"\r\n",
    "no host in HTTP/1.0": b"GET / HTTP/1.0\r\n\r\n",
    "an empty host": GET + b"Host: \r\n\r\n",
    "two hosts": GET + HOST + b"Host: admin.apps.test\r\n\r\n",
    "two hosts in one header": GET + b"Host: shop.apps.test, admin.apps.test\r\n\r\n",
    "userinfo in the host": GET + b"Host: shop.apps.test@admin.apps.test\r\n\r\n",
    "userinfo behind a port": GET + b"Host: shop.apps.test:80@admin.apps.test\r\n\r\n",
    "a path in the host": GET + b"Host: shop.apps.test/admin\r\n\r\n",
    "a port that is no number": GET + b"Host: shop.apps.test:abc\r\n\r\n",
    "a port of six digits": GET + b"Host: shop.apps.test:123456\r\n\r\n",
    "an open bracket": GET + b"Host: [shop.apps.test\r\n\r\n",
    "a NUL in the host": GET + b"Host: shop.apps.test\0.evil\r\n\r\n",
    "a space in the host": GET + b"Host: shop.apps.test evil\r\n\r\n",
    "dots at the end of the host": GET + b"Host: shop.apps.test...\r\n\r\n",
    "a dot before the host": GET + b"Host: .shop.apps.test\r\n\r\n",
    "a host of 5,000 letters": GET + b"Host: " + b"a" * 5000 + b".apps.test\r\n\r\n",
    "letters outside ASCII": GET + b"Host: sh\xc3\xb6p.apps.test\r\n\r\n",
    "a command in the host": GET + b"Host: shop.apps.test;show info\r\n\r\n",
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_clean_request_is_refused_and_reaches_no_app(street, data):
    assert street.send(data) == [400]
    assert street.shop.seen == street.admin.seen == []


CUT_OFF_INSIDE_THE_BODY = {
    "a line feed in a chunk's extension": b"2;\nxx\r\nhi\r\n" + END + INSIDE,
    "a hexadecimal prefix": b"0x2\r\nhi\r\n" + END,
    "a negative size": b"-2\r\nhi\r\n" + END,
    "a size beyond 64 bits": b"fffffffffffffffff2\r\nhi\r\n" + END,
    "no line end after the data": b"2\r\nhiX0\r\n\r\n",
}


@pytest.mark.parametrize("body", CUT_OFF_INSIDE_THE_BODY.values(), ids=CUT_OFF_INSIDE_THE_BODY.keys())
def test_a_false_chunk_is_refused(street, body):
    assert street.send(POST + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + body) == [400]
    assert street.admin.seen == []


PUT_RIGHT = {
    "a length beside chunks": (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n" + END + INSIDE, b""),
    "chunks beside a length": (b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n" + END + INSIDE, b""),
    "a folded coding": (b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n" + END + INSIDE, b""),
    "the same length twice": (b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi", b"hi"),
    "a request as the body": (b"Content-Length: %d\r\n\r\n%s" % (len(INSIDE), INSIDE), INSIDE),
    "an extension of a chunk": (b'Transfer-Encoding: chunked\r\n\r\n2;x="y"\r\nhi\r\n' + END, b"hi"),
    "line feeds alone": (b"Transfer-Encoding: chunked\n\n2\nhi\n0\n\n", b"hi"),
    "trailers named as headers": (
        b"Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nHost: admin.apps.test\r\n\r\n",
        b"hi",
    ),
}


@pytest.mark.parametrize(("rest", "body"), PUT_RIGHT.values(), ids=PUT_RIGHT.keys())
def test_what_is_ambiguous_reaches_its_app_as_one_clear_request(street, rest, body):
    assert street.send(POST + HOST + rest) == [200]
    assert street.admin.seen == []
    (seen,) = street.shop.seen
    assert seen.body == body
    assert len(seen.all("content-length")) + len(seen.all("transfer-encoding")) == 1


@pytest.mark.parametrize(
    "host", [b"SHOP.apps.TEST", b"shop.apps.test:8080", b"shop.apps.test.", b"shop.apps.test\t", b"shop.apps.test.:80"]
)
def test_case_port_final_dot_and_space_around_a_host_are_fine(street, host):
    assert street.send(GET + b"Host: " + host + b"\r\n\r\n") == [200]
    assert len(street.shop.seen) == 1


@pytest.mark.parametrize("host", [b"127.0.0.1", b"[::1]:80", b"[::1]", b"shop", b"apps.test", b"x.shop.apps.test"])
def test_a_host_of_nobody_reaches_nobody(street, host):
    assert street.send(GET + b"Host: " + host + b"\r\n\r\n") == [404]
    assert street.shop.seen == street.admin.seen == []


@pytest.mark.parametrize("method", [b"TRACE / ", b"CONNECT shop.apps.test "])
def test_methods_that_are_about_the_proxy_are_refused(street, method):
    assert street.send(method + b"HTTP/1.1\r\n" + HOST + b"\r\n") in ([400], [405])
    assert street.shop.seen == []


def test_an_absolute_target_reaches_its_app_as_a_path(street):
    head = b"GET http://SHOP.apps.test:80/a?b=c HTTP/1.1\r\nHost: SHOP.apps.test:80\r\n\r\n"
    assert street.send(head) == [200]
    assert [seen.line for seen in street.shop.seen] == ["GET /a?b=c HTTP/1.1"]


def test_requests_in_a_row_are_each_led_to_their_own_app(street):
    def to(name: bytes, path: bytes) -> bytes:
        return b"GET /%s HTTP/1.1\r\nHost: %s.apps.test\r\n\r\n" % (path, name)

    assert street.send(to(b"shop", b"1") + to(b"admin", b"2") + to(b"nobody", b"3") + to(b"shop", b"4")) == [
        200,
        200,
        404,
        200,
    ]
    assert [seen.line.split()[1] for seen in street.shop.seen] == ["/1", "/4"]
    assert [seen.line.split()[1] for seen in street.admin.seen] == ["/2"]


def test_a_refused_request_ends_its_connection(street):
    assert street.send(POST + HOST + b"Content-Length: x\r\n\r\n" + INSIDE) == [400]
    assert street.admin.seen == []


OF_THE_ROUTER = (
    b"X-Forwarded-For",
    b"X_Forwarded_For",
    b"X-Forwarded-Host",
    b"X-Forwarded-Prefix",
    b"X_FORWARDED_PROTO",
    b"x-forwarded_port",
    b"X-Real-IP",
    b"X-Original-URL",
    b"X-Rewrite-URL",
    b"X-Request-Id",
    b"X_Request_Start",
    b"Forwarded",
    b"Proxy",
)


@pytest.mark.parametrize("names", [OF_THE_ROUTER, *((name,) for name in OF_THE_ROUTER)])
def test_what_a_client_says_about_itself_does_not_reach_the_app(street, names):
    lies = b"".join(name + b": lie\r\n" for name in names)
    assert street.send(GET + HOST + lies + b"X-Forwarding: mine\r\nXX-Real-IP: mine\r\n\r\n") == [200]
    (seen,) = street.shop.seen
    assert "lie" not in {value for _, value in seen.headers}
    assert seen.all("x-forwarding") == seen.all("xx-real-ip") == ["mine"]
    assert seen.all("x-forwarded-for") == ["127.0.0.1"]
    assert seen.all("forwarded") == ['for=127.0.0.1;host="shop.apps.test";proto=http']


def test_headers_of_the_router_cannot_be_named_as_hop_by_hop(street):
    assert street.send(GET + HOST + b"Connection: close, X-Forwarded-For, X-Request-Id\r\n\r\n") == [200]
    assert street.shop.seen[0].all("connection") == []


def test_no_upgrade_to_http2_but_one_to_a_websocket(street):
    h2c = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n"
    assert street.send(GET + HOST + h2c) == [200]
    assert not {"upgrade", "http2-settings", "connection"} & {name.lower() for name, _ in street.shop.seen[0].headers}
    socket_key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    assert street.send(GET + HOST + b"Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n" + socket_key) == [200]
    assert street.shop.seen[0].all("connection") == ["Upgrade"]
    assert street.shop.seen[0].all("upgrade") == ["websocket"]


def test_a_head_that_comes_byte_by_byte_is_given_up_and_holds_nobody_up(street):
    street.shop.seen.clear()
    address = "127.0.0.1", street.haproxy.settings.http_port
    slow = [socket.create_connection(address, timeout=PATIENCE_S) for _ in range(50)]
    try:
        for connection in slow:
            connection.sendall(GET + HOST + b"X")
        assert street.send(GET + HOST + b"\r\n") == [200]
        for connection in slow:
            assert statuses(_drip(connection)) == [408]
    finally:
        for connection in slow:
            connection.close()
    assert len(street.shop.seen) == 1


def _drip(connection: socket.socket) -> bytes:
    """Send a byte whenever a while has passed without an answer; gives the answer."""
    for _ in range(1000):
        connection.settimeout(0.02)
        try:
            return connection.recv(65536)
        except TimeoutError:
            connection.sendall(b"X")
    raise AssertionError("never given up")

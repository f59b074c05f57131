"""Nothing is lost: switches, scaling, growth and restarts of a real HAProxy under load."""

from __future__ import annotations

import dataclasses
import http.client
import os
import signal
import socket
import threading

import pytest

from core.ids import AppId, new_id

pytestmark = pytest.mark.engine

HOST = "shop.apps.test"


class Load:
    """Clients in threads: GET and POST, each both on one kept-alive connection and on a new one per request."""

    def __init__(self, haproxy):
        self.haproxy = haproxy
        self.failures: list[str] = []
        self.answers: dict[str, int] = {}
        self.stopped = threading.Event()
        kinds = [(method, kept) for method in ("GET", "POST") for kept in (True, False)]
        self.threads = [threading.Thread(target=self._send, args=kind, daemon=True) for kind in kinds]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join(20)

    @property
    def count(self):
        return sum(self.answers.values())

    def _send(self, method, kept):
        client = self.haproxy.client()
        while not self.stopped.is_set():
            try:
                client.request(method, "/", body=b"x" * 100 if method == "POST" else None, headers={"Host": HOST})
                answer = client.getresponse()
                text = answer.read().decode()
                if answer.status != 200:
                    self.failures.append(f"{method} kept={kept}: {answer.status} {text}")
                self.answers[text] = self.answers.get(text, 0) + 1
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(f"{method} kept={kept}: {error!r}")
                client.close()
            if not kept:
                client.close()
        client.close()


@pytest.fixture
def shop(haproxy, app_id):
    haproxy.router.name_app(app_id, "shop")
    return app_id


def replace(haproxy, app_id, generation, old, new, until):
    """What a deploy does: switch, wait for the former generation to be idle, stop it at once, retire it."""
    haproxy.deploy(app_id, generation, new)
    until(lambda: haproxy.router.in_flight(app_id, old.name) == 0, f"{old.name} is idle")
    old.stop()
    haproxy.router.retire(app_id, old.name)


def test_fifty_switches_under_load_lose_no_request(haproxy, shop, start_app, until):
    old = start_app("g0", delay_s=0.005)
    haproxy.deploy(shop, "g0", old)
    with Load(haproxy) as load:
        for number in range(1, 51):
            new = start_app(f"g{number}", delay_s=0.005)
            replace(haproxy, shop, new.name, old, new, until)
            until(lambda name=new.name: load.answers.get(name), f"{new.name} answers")
            old = new
    assert load.failures == []
    assert len(load.answers) == 51


def test_scaling_down_under_load_loses_no_request(haproxy, shop, start_app, until):
    kept = start_app("kept", delay_s=0.005)
    with_address = []
    haproxy.deploy(shop, "g1", kept)
    with Load(haproxy) as load:
        for number in range(10):
            extra = start_app(f"extra-{number}", delay_s=0.005)
            haproxy.deploy(shop, "g1", kept, extra)
            until(lambda name=extra.name: load.answers.get(name), "the extra instance answers")
            haproxy.deploy(shop, "g1", kept)
            until(lambda name=extra.name: is_gone(haproxy, name), "the extra instance is out of its slot")
            extra.stop()
            with_address.append(extra.name)
    assert load.failures == []
    assert set(with_address) < load.answers.keys()


def is_gone(haproxy, name):
    haproxy.router.reconcile()
    return all(name not in servers for servers in haproxy.control.observe(None).slots.values())


def test_in_flight_counts_a_running_request_and_not_an_idle_connection(haproxy, shop, start_app, until):
    old, new = start_app("g1"), start_app("g2")
    haproxy.deploy(shop, "g1", old)
    idle = haproxy.client()
    idle.request("GET", "/", headers={"Host": HOST})
    assert idle.getresponse().read() == b"g1"
    slow = haproxy.client()
    slow.request("GET", "/slow", headers={"Host": HOST})
    assert old.slow_started.wait(20)
    haproxy.deploy(shop, "g2", new)
    assert haproxy.router.in_flight(shop, "g1") == 1
    old.release.set()
    assert slow.getresponse().read() == b"g1"
    until(lambda: haproxy.router.in_flight(shop, "g1") == 0, "nothing is in flight on g1")
    idle.request("GET", "/", headers={"Host": HOST})
    assert idle.getresponse().read() == b"g2"
    idle.close()
    slow.close()


def test_the_current_generation_is_always_in_flight_and_an_unknown_one_never(haproxy, shop, start_app):
    haproxy.deploy(shop, "g1", start_app("g1"))
    assert haproxy.router.in_flight(shop, "g1") == 1
    assert haproxy.router.in_flight(shop, "g7") == 0


def test_a_generation_that_is_recorded_but_not_applied_is_still_in_flight(haproxy, shop, start_app):
    haproxy.deploy(shop, "g1", start_app("g1"))
    with haproxy.database.write() as session:
        haproxy.router.point(session, shop, "g2", [start_app("g2").backend])
    assert haproxy.router.in_flight(shop, "g1") == 1
    haproxy.router.apply(shop)
    assert haproxy.router.in_flight(shop, "g1") == 0


def test_retiring_cuts_a_request_that_never_ends_and_frees_the_slot(haproxy, shop, start_app, until):
    old, new = start_app("g1"), start_app("g2")
    haproxy.deploy(shop, "g1", old)
    slow = haproxy.client()
    slow.request("GET", "/slow", headers={"Host": HOST})
    assert old.slow_started.wait(20)
    haproxy.deploy(shop, "g2", new)
    haproxy.router.retire(shop, "g1")
    until(lambda: is_gone(haproxy, "g1"), "the slot is empty")
    assert haproxy.router.in_flight(shop, "g1") == 0
    slow.close()


def test_all_hosts_of_an_app_switch_together(haproxy, shop, start_app):
    haproxy.router.add_domain(shop, "www.example.com")
    for name in ("g1", "g2"):
        haproxy.deploy(shop, name, start_app(name))
        assert haproxy.get(HOST) == haproxy.get("www.example.com") == (200, name)


def test_a_websocket_lives_through_a_switch(haproxy, shop, start_app):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        threading.Thread(target=echo_websocket, args=(listener,), daemon=True).start()
        old = dataclasses.replace(start_app("g1").backend, port=port)
        with haproxy.database.write() as session:
            haproxy.router.point(session, shop, "g1", [old])
        haproxy.router.apply(shop)
        with socket.create_connection(("127.0.0.1", haproxy.settings.http_port), timeout=20) as client:
            client.sendall(
                b"GET /ws HTTP/1.1\r\nHost: shop.apps.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
            )
            assert client.recv(4096).startswith(b"HTTP/1.1 101")
            haproxy.deploy(shop, "g2", start_app("g2"))
            client.sendall(b"still here")
            assert client.recv(4096) == b"still here"
            assert haproxy.router.in_flight(shop, "g1") == 1


def echo_websocket(listener):
    while True:  # connection checks come and go first
        try:
            connection, _ = listener.accept()
        except OSError:
            return  # the test is over
        with connection:
            if b"Upgrade" not in connection.recv(4096):
                continue
            connection.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
            )
            while data := connection.recv(4096):
                connection.sendall(data)


def test_routes_are_back_after_kill_9_of_haproxy(haproxy, shop, start_app):
    app = start_app("g1")
    haproxy.deploy(shop, "g1", app)
    haproxy.router.add_domain(shop, "www.example.com")
    haproxy.kill()
    assert not haproxy.router.processes.alive()
    haproxy.start()
    assert haproxy.get(HOST) == haproxy.get("www.example.com") == (200, "g1")
    haproxy.router.reconcile()
    assert haproxy.get(HOST) == (200, "g1")


def test_what_was_recorded_while_haproxy_was_down_is_applied_by_reconcile(haproxy, shop, start_app, until):
    haproxy.deploy(shop, "g1", start_app("g1"))
    haproxy.router.processes.write_config()
    config = {path.name: path.read_text() for path in haproxy.config.parent.iterdir() if path.is_file()}
    haproxy.kill()
    with haproxy.database.write() as session:
        haproxy.router.point(session, shop, "g2", [start_app("g2").backend])
    haproxy.router.name_app(AppId(new_id()), "other")
    assert haproxy.router.in_flight(shop, "g1") == 0
    haproxy.start()
    for name, text in config.items():  # as if HAProxy had come up with yesterday's files
        (haproxy.config.parent / name).write_text(text)
    haproxy.control.reload()
    assert haproxy.get(HOST) == (200, "g1")
    haproxy.router.reconcile()
    assert haproxy.get(HOST) == (200, "g2")
    assert haproxy.get("other.apps.test")[0] == 503


def test_growing_the_pool_under_load_loses_no_request(start_haproxy, app_id, start_app, until):
    haproxy = start_haproxy(spare_slots=2, keep_alive_s=2.0)
    haproxy.router.name_app(app_id, "shop")
    old = start_app("g0", delay_s=0.005)
    haproxy.deploy(app_id, "g0", old)
    before = len(haproxy.control.observe(None).slots)
    with Load(haproxy) as load:
        for number in range(8):
            other = AppId(new_id())
            haproxy.router.name_app(other, f"other-{number}")
            haproxy.deploy(other, "g1", start_app(f"other-{number}"))
            assert haproxy.get(f"other-{number}.apps.test") == (200, f"other-{number}")
        replace(haproxy, app_id, "g1", old, start_app("g1", delay_s=0.005), until)
        until(lambda seen=load.count: load.count > seen + 50, "requests go on")
    assert load.failures == []
    assert len(haproxy.control.observe(None).slots) > before


def test_a_request_on_the_worker_before_a_reload_is_in_flight(haproxy, shop, start_app, until):
    old = start_app("g1")
    haproxy.deploy(shop, "g1", old)
    slow = haproxy.client()
    slow.request("GET", "/slow", headers={"Host": HOST})
    assert old.slow_started.wait(20)
    haproxy.router.processes.write_config()
    haproxy.control.reload()
    haproxy.deploy(shop, "g2", start_app("g2"))
    assert haproxy.router.in_flight(shop, "g1") >= 1
    assert "127.0.0.1" in haproxy.control.addresses()
    old.release.set()
    assert slow.getresponse().read() == b"g1"
    slow.close()
    until(lambda: haproxy.router.in_flight(shop, "g1") == 0, "the former worker has ended")


def test_an_idle_client_of_the_worker_before_a_reload_keeps_its_old_route_alive(haproxy, shop, start_app, until):
    haproxy.deploy(shop, "g1", start_app("g1"))
    idle = haproxy.client()
    idle.request("GET", "/", headers={"Host": HOST})
    assert idle.getresponse().read() == b"g1"
    haproxy.router.processes.write_config()
    haproxy.control.reload()
    haproxy.deploy(shop, "g2", start_app("g2"))
    assert haproxy.router.in_flight(shop, "g1") >= 1
    idle.request("POST", "/", body=b"x", headers={"Host": HOST})
    assert idle.getresponse().read() == b"g1"
    until(lambda: haproxy.router.in_flight(shop, "g1") == 0, "the former worker has ended")
    idle.request("GET", "/", headers={"Host": HOST})
    assert idle.getresponse().read() == b"g2"
    idle.close()


def test_a_second_master_takes_over_from_the_first(haproxy, shop, start_app, until):
    haproxy.deploy(shop, "g1", start_app("g1", delay_s=0.005))
    first = haproxy.pids()
    with Load(haproxy) as load:
        haproxy.start()
        until(lambda: not set(first) & set(haproxy.pids()), "the first master has handed over")
        until(lambda seen=load.count: load.count > seen + 50, "requests go on")
    assert load.failures == []


def test_a_killed_master_leaves_nothing_that_keeps_a_new_one_from_starting(haproxy, shop, start_app):
    haproxy.deploy(shop, "g1", start_app("g1"))
    os.kill(min(haproxy.pids()), signal.SIGKILL)
    haproxy.start()
    assert haproxy.get(HOST) == (200, "g1")

"""People who come by IPv6, to a real HAProxy that listens on both."""

from __future__ import annotations

import http.client

import pytest

from core.leases import Leases
from router import HostState, Verdict
from router.automatic import Automatic
from router.listener import Listener
from router.pipe import NAME, Pipe
from router.reach import Reach
from router.tasks import issuing_for
from tests.router.pebble import Pebble

pytestmark = pytest.mark.engine
HOST = "www.example.com"


@pytest.fixture
def haproxy(start_haproxy):
    return start_haproxy(bind="127.0.0.1,::1")


@pytest.fixture
def app(haproxy, start_app, app_id):
    app = start_app("one")
    haproxy.router.name_app(app_id, "shop")
    haproxy.router.add_domain(app_id, HOST)
    haproxy.deploy(app_id, "g1", app)
    return app


def status(haproxy, address: str) -> int:
    client = http.client.HTTPConnection(address, haproxy.settings.http_port, timeout=20)
    try:
        client.request("GET", "/", headers={"Host": HOST})
        return client.getresponse().status
    finally:
        client.close()


def test_the_app_and_its_log_are_told_the_address_of_either_kind(haproxy, app, app_id, until):
    assert [status(haproxy, address) for address in ("127.0.0.1", "::1")] == [200, 200]
    told = [(seen["x-forwarded-for"], seen["forwarded"].partition(";")[0]) for seen in app.seen]
    assert told == [("127.0.0.1", "for=127.0.0.1"), ("::1", 'for="[::1]"')]
    requests = haproxy.router.requests
    pipe = Pipe(haproxy.home / "run" / NAME)
    listener = Listener(haproxy.home, requests, lambda instance_id: "web.1")
    until(lambda: listener.take(pipe) or len(requests.tail(app_id, 9)) == 2, "both lines")
    lines = [line.text for line in requests.tail(app_id, 9)]
    assert ['fwd="127.0.0.1"' in lines[0], 'fwd="::1"' in lines[1]] == [True, True]


def test_rules_and_limits_hold_for_both(haproxy, app, app_id):
    gate = haproxy.router.gate
    gate.add_rules(app_id, Verdict.DENY, ["::/64"])
    assert [status(haproxy, address) for address in ("127.0.0.1", "::1")] == [200, 403]
    gate.add_rules(app_id, Verdict.DENY, ["127.0.0.0/8"])
    assert status(haproxy, "127.0.0.1") == 403


def test_an_authority_that_comes_by_ipv6_finds_its_proof(haproxy, app, app_id, tmp_path):
    pebble = Pebble(haproxy.settings.http_port, tmp_path)
    try:
        pebble.start()
        pebble.lead(HOST, "::1")
        acme, due = pebble.acme(), []
        reach = Reach(acme.check_port, lambda host: ["::1"])
        parts = (haproxy.database, Leases(haproxy.database), haproxy.home / "secret.key", acme, due.append, reach)
        issuing = issuing_for(haproxy.router, *parts)
        automatic = Automatic(haproxy.database, "apps.test", acme, wake=issuing.sweep)
        automatic.enable(app_id)
        issuing.sweep()
        while due:
            issuing.turn(due.pop(0))
        told = {each.host: each for each in automatic.hosts(app_id)}
        assert told[HOST].state is HostState.ISSUED, told[HOST].reason
    finally:
        pebble.stop()

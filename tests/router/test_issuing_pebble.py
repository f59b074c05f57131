"""Certificates from a real authority: Pebble asks, HAProxy answers, and a real client trusts what it is shown."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import ssl
import subprocess
import sys
from dataclasses import asdict

import pytest

from core import clock
from core.ids import AppId
from core.leases import Leases
from router import HostState
from router.acme_account import Account
from router.acme_tables import AccountRow, AutomaticRow, OrderRow
from router.automatic import Automatic
from router.reach import Reach
from router.tables import CertificateRow
from router.tasks import issuing_for
from tests.router.pebble import Pebble

pytestmark = pytest.mark.engine
HOST = "www.example.com"


class Issued:
    """A router with HAProxy, an app with a domain, and what a worker does, done at once."""

    def __init__(self, haproxy, pebble: Pebble, app_id: AppId, **settings: object) -> None:
        self.haproxy, self.pebble, self.app_id = haproxy, pebble, app_id
        acme = pebble.acme(**settings)
        router = haproxy.router
        self.automatic = Automatic(haproxy.database, router.apps_domain, acme, wake=self.work)
        reach = Reach(acme.check_port, lambda host: ["127.0.0.1"])
        key_file = haproxy.home / "secret.key"
        self._due: list[str] = []
        leases = Leases(haproxy.database)
        self.issuing = issuing_for(router, haproxy.database, leases, key_file, acme, self._due.append, reach)

    def work(self) -> None:
        """Sweep, and take the turns, until nothing is due."""
        self.issuing.sweep()
        while self._due:
            self.issuing.turn(self._due.pop(0))

    def host(self, host: str = HOST):
        return next(each for each in self.automatic.hosts(self.app_id) if each.host == host)

    def order(self, host: str = HOST) -> OrderRow:
        with self.haproxy.database.read() as session:
            return session.query(OrderRow).filter_by(host=host).one()

    def due_now(self, host: str = HOST) -> None:
        """As if the time of the next look had come."""
        with self.haproxy.database.write() as session:
            session.query(OrderRow).filter_by(host=host).update({"next_at": clock.now()})

    def serial(self, host: str = HOST) -> int:
        """The number of the certificate that a client is shown, which trusts the authority alone."""
        context = ssl.create_default_context(cadata=self.pebble.root())
        plain = socket.create_connection(("127.0.0.1", self.haproxy.settings.https_port), timeout=20)
        with context.wrap_socket(plain, server_hostname=host) as connection:
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            assert (answer.status, answer.read()) == (200, b"one")
            shown = connection.getpeercert()
        assert shown is not None
        return int(str(shown["serialNumber"]), 16)


@pytest.fixture
def pebble(haproxy, tmp_path):
    pebble = Pebble(haproxy.settings.http_port, tmp_path)
    try:
        yield pebble.start()
    finally:
        pebble.stop()


@pytest.fixture
def issued(haproxy, pebble, start_app, app_id) -> Issued:
    haproxy.router.name_app(app_id, "shop")
    haproxy.router.add_domain(app_id, HOST)
    haproxy.deploy(app_id, "g1", start_app("one"))
    return Issued(haproxy, pebble, app_id)


def test_every_host_of_an_app_gets_a_certificate_that_a_client_trusts(issued, haproxy, app_id):
    pids = haproxy.pids()
    issued.automatic.enable(app_id)
    told = {each.host: each.state for each in issued.automatic.hosts(app_id)}
    assert told == {HOST: HostState.ISSUED, "shop.apps.test": HostState.ISSUED}
    assert issued.serial() != issued.serial("shop.apps.test")
    later = haproxy.router.add_domain(app_id, "later.example.com").host
    issued.work()
    issued.serial(later)
    assert haproxy.pids() == pids  # nothing was reloaded
    assert haproxy.get(HOST)[0] == 308
    own = haproxy.router.certificates.all(app_id)
    assert next((each.name, each.automatic, each.hosts) for each in own) == (
        "later.example.com-auto", True, ("later.example.com",),
    )  # fmt: skip
    with haproxy.database.read() as session:
        assert session.query(AccountRow).count() == 1
        assert session.query(OrderRow).filter(OrderRow.answer.is_not(None)).count() == 0


def test_a_certificate_is_renewed_in_place_when_its_time_has_come(issued, haproxy, app_id):
    issued.automatic.enable(app_id)
    before, planned = issued.serial(), issued.host()
    assert clock.now() < planned.next_at < planned.expires_at
    issued.work()
    assert issued.serial() == before
    issued.due_now()
    issued.work()
    assert issued.serial() != before
    assert [each.hosts for each in haproxy.router.certificates.all(app_id)] == [("shop.apps.test",), (HOST,)]


def test_an_authority_that_cannot_reach_the_host_is_quoted_and_the_old_certificate_is_served(issued, app_id, haproxy):
    issued.automatic.enable(app_id)
    before = issued.serial()
    issued.pebble.lead(HOST, "127.0.0.2")  # nobody listens there
    issued.due_now()
    issued.work()
    told = issued.host()
    assert told.state is HostState.FAILING
    assert told.reason.startswith("The authority says: Get ")
    assert "connection refused" in told.reason
    assert told.next_at > clock.now()
    assert told.certificate == f"{HOST}-auto"
    assert issued.serial() == before
    issued.pebble.lead(HOST, "127.0.0.1")
    issued.automatic.refresh(app_id)
    assert issued.host().state is HostState.ISSUED
    assert issued.serial() != before


def test_a_worker_that_is_killed_in_the_middle_is_followed_by_one_that_goes_on(issued, haproxy, app_id, monkeypatch):
    """The order at the authority is gone on with: none is begun anew."""

    class Killed(BaseException):
        """As kill -9: nothing after it runs."""

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("router.acme_client.AcmeAuthority.finalize", killed)
        with pytest.raises(Killed):
            issued.automatic.enable(app_id)
    with haproxy.database.read() as session:
        (begun,) = session.query(OrderRow).filter(OrderRow.url.is_not(None)).all()
    with monkeypatch.context() as patch:
        patch.setattr("router.acme_client.AcmeAuthority.begin", killed)
        issued.due_now(begun.host)
        issued.issuing.turn(begun.id)
    assert issued.host(begun.host).state is HostState.ISSUED
    issued.serial(begun.host)


@pytest.mark.parametrize("step", ["accept", "finalize"])
def test_a_worker_that_is_killed_for_real_leaves_an_order_that_the_next_one_ends(
    issued, haproxy, app_id, database, step, until
):
    with database.write() as session:
        session.add(AutomaticRow(app_id=app_id, since=clock.now()))
    issued.issuing.sweep()
    order = issued.order()

    def work(die_after: str = "") -> int:
        """A worker's turn, in a process of its own; how it ended."""
        told = {
            "database": database.url, "home": str(haproxy.home), "router": asdict(haproxy.settings),
            "acme": issued.pebble.settings, "order": order.id, "die_after": die_after, "ttl_s": 1,
        }  # fmt: skip
        return subprocess.run(
            [sys.executable, "-m", "tests.router.order_worker", json.dumps(told)], timeout=60
        ).returncode

    assert work(die_after=step) == -signal.SIGKILL
    left = issued.order()
    assert (left.state, left.failures, issued.pebble.orders()) == ("pending", 1, 1)
    assert left.url is not None
    assert left.next_at > clock.now()
    until(lambda: not Leases(database).is_held(f"certificate {order.id}"), "the dead worker's lease ends")
    assert work() == 0  # its time has not come, so nothing is asked
    assert issued.order().state == "pending"
    issued.due_now()
    assert work() == 0
    assert (issued.order().state, issued.pebble.orders()) == ("issued", 1)
    issued.serial()


def test_a_wildcard_is_proven_by_a_dns_record_that_a_program_sets_and_removes(haproxy, pebble, start_app, app_id):
    haproxy.router.add_domain(app_id, "*.example.com")
    haproxy.deploy(app_id, "g1", start_app("one"))
    issued = Issued(haproxy, pebble, app_id, dns_hook=pebble.hook())
    issued.automatic.enable(app_id)
    assert issued.host("*.example.com").state is HostState.ISSUED, issued.host("*.example.com").reason
    issued.serial("any.example.com")
    (set_, name, value), removed = pebble.hook_calls()
    assert (set_, name, len(value)) == ("set", "_acme-challenge.example.com", 43)
    assert removed == ["remove", name, value]


def test_an_authority_that_has_forgotten_the_account_gets_a_new_one(issued, haproxy, app_id):
    account = Account(haproxy.database, haproxy.home / "secret.key", issued.pebble.settings["directory"])
    account.key_pem()
    account.known_as(f"{issued.pebble.settings['directory'].removesuffix('dir')}my-account/unknown")
    issued.automatic.enable(app_id)
    failed = next(each for each in issued.automatic.hosts(app_id) if each.state is HostState.FAILING)
    assert "my-account/unknown not found" in failed.reason
    issued.automatic.refresh(app_id)
    assert {each.state for each in issued.automatic.hosts(app_id)} == {HostState.ISSUED}
    with haproxy.database.read() as session:
        assert session.query(CertificateRow).count() == 2

"""A real HAProxy lets in whom an app admits, and no more than it takes."""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import threading
from datetime import timedelta

import pytest

from core import clock
from core.ids import AppId, new_id
from router import TrafficLimits, Verdict
from router.config import WRONG_PASSWORDS
from tests.router.conftest import PATIENCE_S
from tests.router.test_requests import Ear

pytestmark = pytest.mark.engine

HERE, THERE = "127.0.0.1", "127.0.0.2"
PASSWORD = "pässword 1"


class Client:
    """Asks one HAProxy; from one of this machine's own addresses."""

    def __init__(self, haproxy):
        self.haproxy = haproxy

    def ask(self, name="shop", address=HERE, **headers):
        """The answer, and its text."""
        where = HERE, self.haproxy.settings.http_port
        client = http.client.HTTPConnection(*where, timeout=PATIENCE_S, source_address=(address, 0))
        with contextlib.closing(client):
            client.request("GET", "/", headers={"Host": f"{name}.apps.test", **headers})
            answer = client.getresponse()
            return answer, answer.read().decode()

    def status(self, name="shop", address=HERE, **headers):
        return self.ask(name, address, **headers)[0].status

    def login(self, user, password, name="shop", address=HERE):
        return self.status(name, address, **basic(user, password))


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.fixture
def client(haproxy):
    return Client(haproxy)


@pytest.fixture
def gate(haproxy):
    return haproxy.router.gate


@pytest.fixture
def app(haproxy, start_app, app_id):
    app = start_app("one")
    haproxy.router.name_app(app_id, "shop")
    haproxy.deploy(app_id, "g1", app)
    return app


@pytest.fixture
def other(haproxy, start_app):
    """An app of somebody else's, with nothing of this."""
    other_id = AppId(new_id())
    haproxy.router.name_app(other_id, "other")
    haproxy.deploy(other_id, "g1", start_app("two"))
    return other_id


@pytest.fixture
def ear(haproxy, app_id):
    ear = Ear(haproxy, app_id)
    yield ear
    ear.pipe.close()


def test_only_the_allowed_get_in_and_the_denied_never(haproxy, client, gate, app, other, app_id, ear, until):
    pids = haproxy.pids()
    gate.add_rules(app_id, Verdict.ALLOW, ["127.0.0.0/8", "2001:db8::/32"])
    assert (client.status(), client.status(address=THERE)) == (200, 200)
    gate.add_rules(app_id, Verdict.DENY, [THERE])
    assert (client.status(), client.status(address=THERE)) == (200, 403)
    gate.add_rules(app_id, Verdict.ALLOW, ["127.0.0.2/31"])
    assert client.status(address=THERE) == 403, "the narrower allowed network changes nothing"
    gate.add_rules(app_id, Verdict.DENY, ["127.0.0.0/16"])
    answer, page = client.ask()
    assert answer.status == 403
    assert "This app is not open to your address" in page
    assert client.status("other") == 200
    gate.clear_rules(app_id)
    gate.add_rules(app_id, Verdict.ALLOW, ["10.0.0.0/8"])
    assert client.status() == 403
    gate.clear_rules(app_id)
    assert client.status(address=THERE) == 200
    lines = [line for line in ear.hears(8, until) if "P10" in line]
    assert lines[0].startswith('at=warning code=P10 desc="Address not allowed" method=GET path="/"')
    assert ' fwd="127.0.0.2" dyno= ' in lines[0]
    assert "status=403" in lines[0]
    assert haproxy.pids() == pids, "nothing was reloaded"


def test_what_a_client_says_of_its_address_is_not_believed(client, gate, app, app_id):
    gate.add_rules(app_id, Verdict.ALLOW, ["10.0.0.0/8"])
    claims = {"X-Forwarded-For": "10.0.0.1", "Forwarded": "for=10.0.0.1", "X-Real-IP": "10.0.0.1"}
    assert client.status(**claims) == 403
    assert app.seen == []


def test_addresses_of_ipv6_have_rules_of_their_own(haproxy, gate, app, app_id):
    """A second port believes what the PROXY protocol says of the client; 7f00:: begins with the digits of 127.0.0.0."""
    with socket.socket() as probe:
        probe.bind((HERE, 0))
        port = probe.getsockname()[1]
    gate.add_rules(app_id, Verdict.ALLOW, ["2001:db8::/33", "127.0.0.0/8"])
    gate.add_rules(app_id, Verdict.DENY, ["2001:db8:0:1::/64"])
    haproxy.router.processes.write_config()
    bind = f"bind {HERE}:{haproxy.settings.http_port}\n"
    haproxy.config.write_text(haproxy.config.read_text().replace(bind, f"{bind}bind {HERE}:{port} accept-proxy\n"))
    haproxy.control.reload()

    def status(client):
        with socket.create_connection((HERE, port), timeout=PATIENCE_S) as connection:
            connection.sendall(f"PROXY TCP6 {client} ::1 40000 80\r\n".encode())
            connection.sendall(b"GET / HTTP/1.0\r\nHost: shop.apps.test\r\n\r\n")
            return int(connection.makefile("rb").readline().split()[1])

    assert status("2001:db8::1") == 200
    assert status("2001:db8:0:1::1") == 403
    assert status("2001:db8:8000::1") == 403
    assert status("7f00::1") == 403


def test_a_password_opens_the_app_and_does_not_reach_it(client, gate, app, other, app_id, ear, until):
    gate.set_login(app_id, "ann", PASSWORD)
    gate.set_login(app_id, "bob", "another password")
    answer, page = client.ask()
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="This app", charset="UTF-8"'
    assert "This app asks for a password" in page
    assert client.login("ann", PASSWORD) == client.login("bob", "another password") == 200
    assert [{"authorization", "Authorization"} & seen.keys() for seen in app.seen] == [set(), set()]
    wrong = [("ann", "another password"), ("eve", PASSWORD), ("ann", ""), ("", ""), ("ann", PASSWORD + "x")]
    assert {client.login(*each) for each in wrong} == {401}
    assert client.status(Authorization="Bearer " + PASSWORD) == 401
    assert client.status(Authorization="Basic ???") == 401
    assert client.status("other", Authorization="Bearer mine") == 200
    lines = ear.hears(10, until)
    assert 'at=warning code=P11 desc="Password needed"' in lines[0]
    assert not any(PASSWORD in line or "ann" in line for line in lines)
    gate.set_login(app_id, "ann", "a new password")
    assert (client.login("ann", PASSWORD), client.login("ann", "a new password")) == (401, 200)
    gate.remove_login(app_id, "bob")
    assert client.login("bob", "another password") == 401
    gate.remove_login(app_id, "ann")
    assert client.status(Authorization="Bearer mine") == 200
    assert app.seen[-1].get("authorization") == "Bearer mine"


def test_a_login_of_one_app_is_none_of_another(client, gate, app, other, app_id):
    gate.set_login(app_id, "ann", PASSWORD)
    gate.set_login(other, "bob", PASSWORD)
    assert client.login("ann", PASSWORD, "other") == client.login("bob", PASSWORD) == 401
    assert client.login("bob", PASSWORD, "other") == 200


def test_who_guesses_passwords_is_slowed_down(client, gate, app, app_id, ear, until):
    gate.set_login(app_id, "ann", PASSWORD)
    guesses = [client.login("ann", f"guess number {number}") for number in range(WRONG_PASSWORDS)]
    assert guesses == [401] * WRONG_PASSWORDS
    answer, page = client.ask(**basic("ann", PASSWORD))
    assert (answer.status, answer.headers["Retry-After"]) == (429, "60")
    assert "Too many wrong passwords" in page
    assert client.login("ann", PASSWORD, address=THERE) == 200, "others are not held up"
    assert "code=P12" in ear.hears(WRONG_PASSWORDS + 2, until)[WRONG_PASSWORDS]


def test_one_client_gets_no_more_in_a_second_than_the_app_gives(client, gate, app, other, app_id, ear, until):
    gate.set_limits(app_id, TrafficLimits(requests_per_s=3))
    gate.set_limits(other, TrafficLimits(requests_per_s=100))
    answers = [client.ask()]
    while answers[-1][0].status == 200 and len(answers) < 200:
        answers.append(client.ask())
    assert [answer.status for answer, _ in answers[:3]] == [200, 200, 200]
    refused, page = answers[-1]
    assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
    assert "Too many requests" in page
    assert {client.status("other") for _ in range(10)} == {200}
    assert client.status(address=THERE) == 200
    until(lambda: client.status() == 200, "it may ask again")
    assert any(
        'at=warning code=P13 desc="Request rate limit reached"' in line for line in ear.hears(len(answers), until)
    )


def test_an_app_has_no_more_requests_at_once_than_it_takes(client, gate, app, other, app_id, ear, until):
    gate.set_limits(app_id, TrafficLimits(connections=1))
    slow = client.haproxy.client()
    slow.request("GET", "/slow", headers={"Host": "shop.apps.test"})
    assert app.slow_started.wait(PATIENCE_S)
    answer, page = client.ask(address=THERE)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert "This app has too many visitors" in page
    assert client.status("other") == 200
    app.release.set()
    assert slow.getresponse().read() == b"one"
    until(lambda: client.status() == 200, "the next one gets in")
    slow.close()
    assert 'at=error code=H22 desc="Connection limit reached"' in ear.hears(1, until)[0]


def test_those_who_may_not_in_see_no_maintenance_page_and_wait_in_no_hold(haproxy, client, gate, app, app_id):
    gate.add_rules(app_id, Verdict.DENY, [THERE])
    gate.set_login(app_id, "ann", PASSWORD)
    haproxy.router.maintenance.turn_on(app_id, "<p>a secret page")
    assert (client.status(), client.status(address=THERE)) == (401, 403)
    assert client.ask(**basic("ann", PASSWORD))[1] == "<p>a secret page"
    haproxy.router.maintenance.turn_off(app_id)
    haproxy.router.hold(app_id, clock.now() + timedelta(seconds=30))
    assert (client.status(), client.status(address=THERE)) == (401, 403)
    waiting = threading.Thread(target=client.login, args=("ann", PASSWORD))
    waiting.start()
    haproxy.router.release(app_id)
    waiting.join(PATIENCE_S)
    assert len(app.seen) == 1


def test_a_certificate_authority_finds_its_proof_whoever_gets_in(haproxy, gate, app, app_id):
    gate.add_rules(app_id, Verdict.DENY, ["0.0.0.0/0"])
    gate.set_login(app_id, "ann", PASSWORD)
    haproxy.control._ask("add map challenges.map token-1 token-1.thumbprint")
    assert haproxy.get("shop.apps.test", "/.well-known/acme-challenge/token-1") == (200, "token-1.thumbprint")
    assert haproxy.get("shop.apps.test", "/.well-known/acme-challenge/other")[0] == 403


def test_a_host_that_redirects_asks_for_nothing_on_the_way(haproxy, client, gate, app, app_id):
    haproxy.router.add_domain(app_id, "example.com")
    haproxy.router.add_domain(app_id, "www.example.com", redirect_to="example.com")
    gate.set_login(app_id, "ann", PASSWORD)
    assert haproxy.get("www.example.com")[0] == 308
    assert haproxy.get("example.com")[0] == 401


def test_all_of_it_is_there_again_after_a_restart(haproxy, client, gate, app, app_id):
    gate.add_rules(app_id, Verdict.DENY, [THERE])
    gate.set_login(app_id, "ann", PASSWORD)
    haproxy.kill()
    haproxy.start()
    assert (client.status(address=THERE), client.status(), client.login("ann", PASSWORD)) == (403, 401, 200)


def test_what_haproxy_lost_is_put_back(haproxy, client, gate, app, app_id):
    gate.add_rules(app_id, Verdict.DENY, [THERE])
    haproxy.control._ask("clear map networks.map")
    assert client.status(address=THERE) == 200
    haproxy.router.reconcile()
    assert client.status(address=THERE) == 403

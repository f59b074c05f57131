"""Certificates from the records to a real client over TLS."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import stat

import pytest

from core.errors import Conflict, NotFound, UserError
from core.ids import AppId, new_id
from core.process import run
from router import Https
from router.front_plan import FrontMap
from tests.router.authority import Authority


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def router(memory_router, app_id):
    memory_router.name_app(app_id, "shop")
    memory_router.add_domain(app_id, "www.example.com")
    return memory_router


def test_a_certificate_is_shown_at_the_domains_that_it_covers(router, memory_front, app_id, authority):
    added = router.certificates.add(app_id, *authority.issue("www.example.com", "other.example.com"))
    assert added.hosts == ("www.example.com",)
    assert [file.rpartition("--")[0] for file in memory_front.certificates] == ["certs/www.example.com"]
    assert memory_front.maps[FrontMap.HTTPS] == {"www.example.com": "on"}
    router.add_domain(app_id, "other.example.com")
    assert len(memory_front.certificates) == 2
    router.certificates.remove(app_id, added.name)
    assert (memory_front.certificates, memory_front.maps[FrontMap.HTTPS]) == ({}, {})


def test_another_apps_certificate_is_never_shown(router, memory_front, authority):
    """Who has a certificate for a name, or says so, does not get the name."""
    other = AppId(new_id())
    assert router.certificates.add(other, *authority.issue("www.example.com", "*.example.com")).hosts == ()
    assert memory_front.certificates == {}


def test_the_certificate_that_lasts_longest_is_shown(router, app_id, authority):
    router.certificates.add(app_id, *authority.issue("www.example.com", days=20))
    longer = router.certificates.add(app_id, *authority.issue("*.example.com", days=40))
    shown = {each.name: each.hosts for each in router.certificates.all(app_id)}
    assert shown[longer.name] == ("www.example.com",)
    assert sorted(shown.values()) == [(), ("www.example.com",)]


def test_a_certificate_is_known_by_its_name_and_replaced_under_it(router, app_id, authority):
    first = authority.issue("*.example.com")
    added = router.certificates.add(app_id, *first)
    assert added.name.startswith("wildcard.example.com-")
    with pytest.raises(Conflict, match="has this certificate already"):
        router.certificates.add(app_id, *first)
    updated = router.certificates.update(app_id, added.name, *authority.issue("*.example.com", days=80))
    assert (updated.name, updated.id) == (added.name, added.id)
    assert updated.expires_at > added.expires_at
    with pytest.raises(NotFound, match="has no certificate"):
        router.certificates.remove(AppId(new_id()), added.name)


def test_the_key_is_sealed_in_the_records(router, database, app_id, authority, tmp_path):
    _, key = pair = authority.issue("www.example.com")
    router.certificates.add(app_id, *pair)
    files = [path.read_bytes() for path in tmp_path.glob("records.db*")]
    line = key.splitlines()[1].encode()
    assert not any(line in content for content in files)
    assert b"BEGIN CERTIFICATE" in b"".join(files)


def test_redirect_and_hsts_are_the_apps_choice(router, memory_front, app_id, authority):
    router.certificates.add(app_id, *authority.issue("www.example.com"))
    assert router.certificates.https(app_id) == Https(redirect=True, hsts_s=0)
    assert router.certificates.set_https(app_id, hsts_s=60) == Https(redirect=True, hsts_s=60)
    assert memory_front.maps[FrontMap.HSTS] == {"www.example.com": "max-age=60"}
    assert router.certificates.set_https(app_id, redirect=False) == Https(redirect=False, hsts_s=60)
    assert memory_front.maps[FrontMap.HTTPS] == {}
    with pytest.raises(UserError, match="hsts is -1 s; it must be 0 to 63072000"):
        router.certificates.set_https(app_id, hsts_s=-1)


def test_an_address_says_https_where_that_is_served(router, app_id, authority):
    assert router.url(app_id) == "http://shop.apps.test:8080"
    router.certificates.add(app_id, *authority.issue("*.apps.test"))
    assert router.url(app_id) == "https://shop.apps.test:8443"
    assert router.urls() == {app_id: "https://shop.apps.test:8443"}


def test_a_forgotten_app_leaves_no_certificate(router, memory_front, app_id, authority):
    router.certificates.add(app_id, *authority.issue("www.example.com"))
    router.forget_app(app_id)
    assert memory_front.certificates == {}
    assert router.certificates.all(app_id) == []


def shown(haproxy, host: str, authority: Authority, alpn: str = "http/1.1") -> ssl.SSLSocket:
    """A TLS connection that trusts the test's authority alone."""
    context = ssl.create_default_context(cadata=authority.root)
    context.set_alpn_protocols([alpn])
    plain = socket.create_connection(("127.0.0.1", haproxy.settings.https_port), timeout=20)
    return context.wrap_socket(plain, server_hostname=host)


def get(haproxy, host: str, authority: Authority) -> tuple[int, str, str | None]:
    with shown(haproxy, host, authority) as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read().decode(), answer.getheader("Strict-Transport-Security")


@pytest.fixture
def served(haproxy, start_app, app_id):
    app = start_app("one")
    haproxy.router.name_app(app_id, "shop")
    haproxy.router.add_domain(app_id, "www.example.com")
    haproxy.deploy(app_id, "g1", app)
    return app


@pytest.mark.engine
def test_a_client_reaches_the_app_over_tls_without_a_reload(haproxy, served, app_id, authority):
    pids = haproxy.pids()
    with pytest.raises(ssl.SSLCertVerificationError):
        get(haproxy, "www.example.com", authority)
    added = haproxy.router.certificates.add(app_id, *authority.issue("www.example.com"))
    assert get(haproxy, "www.example.com", authority) == (200, "one", None)
    assert served.seen[-1]["x-forwarded-proto"] == "https"
    assert served.seen[-1]["x-forwarded-port"] == str(haproxy.settings.https_port)
    haproxy.router.certificates.set_https(app_id, hsts_s=60)
    assert get(haproxy, "www.example.com", authority) == (200, "one", "max-age=60")
    haproxy.router.certificates.update(app_id, added.name, *authority.issue("www.example.com", days=90))
    assert get(haproxy, "www.example.com", authority)[0] == 200
    haproxy.router.certificates.remove(app_id, added.name)
    with pytest.raises(ssl.SSLCertVerificationError):
        get(haproxy, "www.example.com", authority)
    assert haproxy.pids() == pids


@pytest.mark.engine
def test_plain_http_is_sent_on_where_there_is_a_certificate(haproxy, served, app_id, authority):
    assert haproxy.get("www.example.com") == (200, "one")
    haproxy.router.certificates.add(app_id, *authority.issue("*.example.com"))
    client = haproxy.client()
    client.request("GET", "/a?b=c", headers={"Host": "www.example.com"})
    answer = client.getresponse()
    location = f"https://www.example.com:{haproxy.settings.https_port}/a?b=c"
    assert (answer.status, answer.getheader("location")) == (308, location)
    client.close()
    assert haproxy.get("shop.apps.test") == (200, "one")
    haproxy.router.certificates.set_https(app_id, redirect=False)
    assert haproxy.get("www.example.com") == (200, "one")


@pytest.mark.engine
def test_tls_1_2_at_least_and_http_2(haproxy, served, app_id, authority):
    haproxy.router.certificates.add(app_id, *authority.issue("www.example.com"))
    with shown(haproxy, "www.example.com", authority, "h2") as connection:
        assert (connection.selected_alpn_protocol(), connection.version()) == ("h2", "TLSv1.3")
    old = ["openssl", "s_client", "-connect", f"127.0.0.1:{haproxy.settings.https_port}", "-tls1_1", "-cipher"]
    assert run([*old, "ALL:@SECLEVEL=0"], check=False).code != 0


@pytest.mark.engine
def test_certificates_are_there_after_a_restart_and_a_reload(haproxy, served, app_id, authority):
    haproxy.router.certificates.add(app_id, *authority.issue("www.example.com"))
    haproxy.kill()
    haproxy.start()
    assert get(haproxy, "www.example.com", authority)[0] == 200
    haproxy.control.reload()
    haproxy.router.certificates.add(app_id, *authority.issue("www.example.com", days=90))
    haproxy.router.reconcile()
    assert get(haproxy, "www.example.com", authority)[0] == 200
    for path in (haproxy.home / "router" / "certs").iterdir():
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


@pytest.mark.engine
def test_what_a_crash_left_half_done_in_haproxy_is_mended(haproxy, served, app_id, authority):
    ask = haproxy.control._ask
    chain, key = authority.issue("www.example.com")
    ask("new ssl cert certs/stray--1.pem")
    ask(f"set ssl cert certs/stray--1.pem <<\n{chain}{key.strip()}\n")
    haproxy.router.certificates.add(app_id, chain, key)
    assert get(haproxy, "www.example.com", authority)[0] == 200
    assert "stray" not in ask("show ssl cert")

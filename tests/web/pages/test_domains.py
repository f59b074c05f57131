"""The page of an app's domains and certificates."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from core import clock
from releases import App
from router import StoredCertificate
from tests.router.authority import Authority
from tests.web.pages.test_pages import words
from tests.web.pages.world import NOW, Site
from web.pages.domains import dns_record
from web.pages.https import certificate_line

PAGE = "/dashboard/apps/shop/domains"
CERTIFICATES = "/dashboard/apps/shop/certificates"


@pytest.fixture
def shop(site: Site) -> App:
    return site.new_app("shop")


def test_an_app_has_its_own_host_and_is_told_how_to_add_more(site: Site, shop: App) -> None:
    page = site.browser().get(PAGE).text
    text = words(page)
    assert "name · no certificate A name of your own: portside domains:add www.example.com -a shop" in text
    assert "shop.localhost Routed from the app" in text
    assert "own. Bring one: portside certs:add fullchain.pem privkey.pem -a shop" in text
    assert "hx-get" not in page, "where all is routed nothing is asked again"


def test_a_domain_is_added_with_its_dns_record_and_removed(site: Site, shop: App) -> None:
    browser = site.browser()
    answer = browser.send(PAGE, PAGE, host="WWW.example.com")
    assert (answer.status_code, answer.location) == (303, f"{PAGE}?done=added")
    page = browser.get(answer.location).text
    assert "www.example.com Routed leads to the app · no certificate Its DNS record" in words(page)
    assert ">www.example.com. A SERVER-ADDRESS</code>" in page
    assert browser.send(PAGE, PAGE, host="example.com", redirect_to="www.example.com").status_code == 303
    assert "example.com Routed redirects to www.example.com" in words(browser.get(PAGE).text)
    refused = browser.send(PAGE, f"{PAGE}/www.example.com/remove")
    assert refused.status_code == 409
    assert "example.com redirects to www.example.com. Remove that first: portside domains:remove example.com" in words(
        refused.text
    )
    for host in ("example.com", "www.example.com"):
        assert browser.send(PAGE, f"{PAGE}/{host}/remove").location == f"{PAGE}?done=removed"
    assert [domain.host for domain in site.router.domains(shop.id)] == ["shop.localhost"]


def test_a_path_on_a_host_is_added_and_removed(site: Site, shop: App) -> None:
    browser = site.browser()
    browser.send(PAGE, PAGE, host="www.example.com")
    assert browser.send(PAGE, PAGE, host="www.example.com/api", strip_path="1").status_code == 303
    page = browser.get(PAGE).text
    text = "www.example.com/api Routed leads to the app, which does not see the path · its host"
    assert text in words(page)
    assert "<option>www.example.com/api</option>" not in page, "nothing redirects to a path"
    made = next(domain for domain in site.router.domains(shop.id) if domain.path)
    assert browser.send(PAGE, f"{PAGE}/{made.id}/remove").status_code == 303
    assert [domain.name for domain in site.router.domains(shop.id)] == ["shop.localhost", "www.example.com"]
    refused = browser.send(PAGE, PAGE, host="nobody.example.com/api")
    assert refused.status_code == 404
    assert "portside domains:add" in words(refused.text)


def test_what_can_not_be_added_is_explained_beside_what_was_typed(site: Site, shop: App) -> None:
    answer = site.browser().send(PAGE, PAGE, host="http://example.com/")
    assert answer.status_code == 422
    assert "is more than a host name. Leave out the scheme and the port." in words(answer.text)
    assert 'name="host" value="http://example.com/"' in answer.text
    taken = site.new_app("blog")
    site.router.add_domain(taken.id, "www.example.com")
    answer = site.browser().send(PAGE, PAGE, host="www.example.com")
    assert answer.status_code == 409
    assert "www.example.com belongs to another app already." in words(answer.text)


def test_a_name_under_a_wildcard_of_an_app_that_one_manages_too_is_taken(site: Site, shop: App) -> None:
    blog = site.new_app("blog")
    site.router.add_domain(blog.id, "*.example.com")
    assert site.browser().send(PAGE, PAGE, host="www.example.com").status_code == 303


def test_a_domain_that_the_router_lacks_is_watched_until_it_is_routed(site: Site, shop: App) -> None:
    browser = site.browser()
    site.control.down = True
    browser.send(PAGE, PAGE, host="www.example.com")
    assert "www.example.com Router does not answer" in words(browser.get(PAGE).text)
    site.control.down = False
    page = browser.get(PAGE).text
    assert "www.example.com Not routed yet" in words(page)
    assert f'<div id="domains" hx-get="{PAGE}/now" hx-trigger="every 4s" hx-swap="outerHTML" data-poll' in page
    site.router.apply(shop.id)
    now = browser.get(f"{PAGE}/now").text
    assert "Routed" in now
    assert "hx-get" not in now


@pytest.mark.parametrize(
    ("host", "own", "record", "note"),
    [
        ("www.example.com", "shop.apps.test", "www.example.com. CNAME shop.apps.test.", ""),
        ("*.example.com", "shop.apps.test", "*.example.com. CNAME shop.apps.test.", ""),
        ("example.com", "shop.apps.test", "example.com. A SERVER-ADDRESS", "Or an ALIAS record to shop.apps.test"),
        ("www.example.com", "shop.localhost", "www.example.com. A SERVER-ADDRESS", "the server's public IPv4 address"),
    ],
)
def test_the_dns_record_of_a_host(host: str, own: str, record: str, note: str) -> None:
    found, told = dns_record(host, own)
    assert found == record
    assert note in told


@pytest.mark.parametrize(
    ("left", "word"),
    [(timedelta(days=-1), "Expired"), (timedelta(days=1, hours=5), "Expires in 1 day"),
     (timedelta(days=29, hours=23), "Expires in 29 days"), (timedelta(days=31), "Valid")],
)  # fmt: skip
def test_a_certificate_warns_before_it_expires(left: timedelta, word: str) -> None:
    made = StoredCertificate("id", "n", "", ("a.test",), "CN=a", "CN=ca", False, NOW, NOW + left, NOW, NOW, ())
    assert certificate_line(made, NOW).badge.word == word


def test_a_certificate_is_added_its_key_never_shown_and_removed(
    site: Site, shop: App, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    chain, key = Authority().issue("www.example.com")
    site.router.add_domain(shop.id, "www.example.com")
    browser = site.browser()
    answer = browser.send(PAGE, CERTIFICATES, chain=chain, private_key=key)
    assert (answer.status_code, answer.location) == (303, f"{PAGE}?done=certificate")
    page = browser.get(answer.location).text
    [made] = site.router.certificates.all(shop.id)
    assert f"www.example.com Routed leads to the app · certificate {made.name}" in words(page)
    assert "issued by CN=Test Between · shown at www.example.com" in words(page)
    body = "".join(key.splitlines()[1:-1])
    for text in (page, answer.text, caplog.text, str(caplog.records)):
        assert body[:40] not in text
    assert browser.send(PAGE, f"{CERTIFICATES}/{made.name}/remove").location == f"{PAGE}?done=forgotten"
    assert site.router.certificates.all(shop.id) == []
    assert browser.send(PAGE, f"{CERTIFICATES}/{made.name}/remove").status_code == 404


def test_a_pair_that_does_not_fit_is_told_and_its_key_is_not_sent_back(site: Site, shop: App) -> None:
    chain, _ = Authority().issue("www.example.com")
    _, key = Authority().issue("www.example.com")
    answer = site.browser().send(PAGE, CERTIFICATES, chain=chain, private_key=key)
    assert answer.status_code == 422
    assert "The key does not belong to the certificate" in words(answer.text)
    assert chain.splitlines()[1] in answer.text
    assert key.splitlines()[1] not in answer.text


def test_a_certificate_is_replaced_under_its_name(site: Site, shop: App) -> None:
    authority, browser = Authority(), site.browser()
    site.router.add_domain(shop.id, "www.example.com")
    assert 'name="replaces"' not in browser.get(PAGE).text, "there is nothing yet to replace"
    chain, key = authority.issue("www.example.com")
    browser.send(PAGE, CERTIFICATES, chain=chain, private_key=key)
    [before] = site.router.certificates.all(shop.id)
    assert f"<option>{before.name}</option>" in browser.get(PAGE).text
    chain, key = authority.issue("www.example.com", "shop.example.com")
    answer = browser.send(PAGE, CERTIFICATES, chain=chain, private_key=key, replaces=before.name)
    assert answer.location == f"{PAGE}?done=replaced"
    [after] = site.router.certificates.all(shop.id)
    assert (after.name, after.names) == (before.name, ("www.example.com", "shop.example.com"))
    wrong = browser.send(PAGE, CERTIFICATES, chain=chain, private_key="no key", replaces=before.name)
    assert wrong.status_code == 422
    assert f"<option selected>{before.name}</option>" in wrong.text
    assert browser.send(PAGE, CERTIFICATES, chain=chain, private_key=key, replaces="another").status_code == 404


def test_redirect_and_hsts_are_switched(site: Site, shop: App) -> None:
    browser, url = site.browser(), "/dashboard/apps/shop/https"
    assert browser.send(PAGE, url, hsts_s="31536000").location == f"{PAGE}?done=https"
    https = site.router.certificates.https(shop.id)
    assert (https.redirect, https.hsts_s) == (False, 31_536_000)
    page = browser.get(PAGE).text
    assert '<option value="31536000" selected>a year</option>' in page
    assert 'name="redirect" value="1">' in page
    browser.send(PAGE, url, redirect="1", hsts_s="77")
    page = browser.get(PAGE).text
    assert '<option value="77" selected>77 s</option>' in page, "what others have set stays"
    assert 'name="redirect" value="1" checked>' in page
    assert "it must be 0 to 63072000." in words(browser.send(PAGE, url, hsts_s="99999999").text)


def test_the_moment_of_expiry_is_told(site: Site, shop: App) -> None:
    chain, key = Authority().issue("www.example.com")
    made = site.router.certificates.add(shop.id, chain, key)
    assert made.expires_at > clock.now()
    page = site.browser().get(PAGE).text
    assert f'until <time datetime="{clock.iso(made.expires_at)}">' in page
    assert "not shown: no domain of the app is for it" in words(page)

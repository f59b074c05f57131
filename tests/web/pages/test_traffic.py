"""The page of an app's traffic: who gets in, how much, and how it reaches the instances."""

from __future__ import annotations

import logging

import pytest

from accounts import AppRole
from releases import App
from router import ProxyMode, TrafficLimits, TrafficTimeouts, Verdict
from tests.web.pages.test_pages import words
from tests.web.pages.world import PASSWORD, Browser, Site

APP = "/dashboard/apps/shop"
PAGE = f"{APP}/traffic"


@pytest.fixture
def shop(site: Site) -> App:
    return site.new_app("shop")


@pytest.fixture
def browser(site: Site, shop: App) -> Browser:
    return site.browser()


def rules(site: Site, shop: App) -> dict[str, Verdict]:
    return {rule.network: rule.verdict for rule in site.router.gate.rules(shop.id)}


def test_an_app_is_open_to_all_until_its_owner_says_otherwise(browser: Browser) -> None:
    text = words(browser.get(PAGE).text)
    for part in ("Every address reaches the app.", "The app asks for no password.", "Off. Turned on, visitors get"):
        assert part in text
    assert 'placeholder="no limit"' in browser.get(PAGE).text
    assert 'placeholder="55"' in browser.get(PAGE).text
    assert 'aria-current="page">Traffic</a>' in browser.get(PAGE).text


def test_addresses_are_allowed_and_denied_several_at_once(site: Site, shop: App, browser: Browser) -> None:
    url = f"{APP}/access-rules"
    answer = browser.send(PAGE, url, networks="203.0.113.0/24, 2001:db8::/32", verdict="allow")
    assert (answer.status_code, answer.location) == (303, f"{PAGE}?done=rules")
    browser.send(PAGE, url, networks="203.0.113.7", verdict="deny")
    text = words(browser.get(f"{PAGE}?done=rules").text)
    assert "Saved: it holds for new requests." in text
    assert "Only what is allowed here reaches the app, and of that nothing that is denied." in text
    assert "Allowed 203.0.113.0/24" in text
    assert "Denied 203.0.113.7/32" in text
    assert set(rules(site, shop)) == {"203.0.113.0/24", "2001:db8::/32", "203.0.113.7/32"}


def test_taking_the_last_allowed_address_away_opens_the_app(site: Site, shop: App, browser: Browser) -> None:
    site.router.gate.add_rules(shop.id, Verdict.ALLOW, ["203.0.113.0/24", "2001:db8::/32"])
    site.router.gate.add_rules(shop.id, Verdict.DENY, ["203.0.113.7"])
    ids = {rule.network: rule.id for rule in site.router.gate.rules(shop.id)}
    told = [("2001:db8::/32", "rule-removed"), ("203.0.113.0/24", "open"), ("203.0.113.7/32", "rule-removed")]
    for network, done in told:
        assert browser.send(PAGE, f"{APP}/access-rules/{ids[network]}/remove").location == f"{PAGE}?done={done}"
    assert "every address that is not denied gets in now" in words(browser.get(f"{PAGE}?done=open").text)
    assert rules(site, shop) == {}
    assert browser.send(PAGE, f"{APP}/access-rules/{ids[network]}/remove").status_code == 404


def test_a_wrong_address_is_told_beside_what_was_typed(site: Site, shop: App, browser: Browser) -> None:
    answer = browser.send(PAGE, f"{APP}/access-rules", networks="203.0.113.0/24 nowhere", verdict="deny")
    assert answer.status_code == 422
    assert "is neither an address nor a network. Give one such as 203.0.113.7" in words(answer.text)
    assert 'name="networks" value="203.0.113.0/24 nowhere"' in answer.text
    assert '<option value="deny" selected>' in answer.text
    assert rules(site, shop) == {}, "all or none"
    empty = browser.send(PAGE, f"{APP}/access-rules", networks=" , ")
    assert "No address was given. Give one such as 203.0.113.7" in words(empty.text)


def test_a_user_gets_a_password_that_is_never_shown(
    site: Site, shop: App, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = browser.send(PAGE, f"{APP}/basic-auth", user="ann", password="a long password")
    assert answer.location == f"{PAGE}?done=user"
    page = browser.get(answer.location).text
    assert "The app is for these users only. ann password set just now" in words(page)
    short = browser.send(PAGE, f"{APP}/basic-auth", user="bob", password="tiny-pw")
    assert short.status_code == 422
    assert "The password has 7 characters; it needs 8 or more. Choose a longer one." in words(short.text)
    assert 'name="user" value="bob"' in short.text
    for text in (page, short.text, caplog.text):
        assert "a long password" not in text
        assert "tiny-pw" not in text


def test_without_its_last_user_the_app_asks_for_no_password(site: Site, shop: App, browser: Browser) -> None:
    for user in ("ann", ".."):
        site.router.gate.set_login(shop.id, user, "a long password")
    url = f"{APP}/basic-auth/remove"
    assert browser.send(PAGE, url, user="..").location == f"{PAGE}?done=user-removed"
    assert browser.send(PAGE, url, user="ann").location == f"{PAGE}?done=no-password"
    assert "the app asks for no password any more" in words(browser.get(f"{PAGE}?done=no-password").text)
    gone = browser.send(PAGE, url, user="ann")
    assert gone.status_code == 404
    assert "This app has no user ann." in words(gone.text)


def test_limits_are_set_and_taken_away(site: Site, shop: App, browser: Browser) -> None:
    url = f"{APP}/limits"
    assert browser.send(PAGE, url, requests_per_s="20", connections="200").location == f"{PAGE}?done=limits"
    assert site.router.gate.limits(shop.id) == TrafficLimits(20, 200)
    page = browser.get(PAGE).text
    assert 'name="requests_per_s" value="20"' in page
    assert 'name="connections" value="200"' in page
    browser.send(PAGE, url, requests_per_s="", connections="50")
    assert site.router.gate.limits(shop.id) == TrafficLimits(None, 50)
    wrong = browser.send(PAGE, url, requests_per_s="a few", connections="50")
    assert wrong.status_code == 422
    assert "is no number of requests. Give a whole number, such as 3, or leave the field" in words(wrong.text)
    assert 'value="a few"' in wrong.text
    assert "it must be 1 to 100000" in words(browser.send(PAGE, url, requests_per_s="0").text)
    assert site.router.gate.limits(shop.id) == TrafficLimits(None, 50)


def test_timeouts_are_set_and_taken_away(site: Site, shop: App, browser: Browser) -> None:
    url = f"{APP}/timeouts"
    assert browser.send(PAGE, url, idle_s="120", tunnel_s="86400").location == f"{PAGE}?done=timeouts"
    assert site.router.gate.timeouts(shop.id) == TrafficTimeouts(120, 86_400)
    assert 'name="tunnel_s" value="86400"' in browser.get(PAGE).text
    browser.send(PAGE, url, idle_s="", tunnel_s="")
    assert site.router.gate.timeouts(shop.id) == TrafficTimeouts()
    assert browser.send(PAGE, url, idle_s="99999999").status_code == 422


def test_the_protocol_and_sticky_sessions_are_chosen(site: Site, shop: App, browser: Browser) -> None:
    url = f"{APP}/proxy"
    assert browser.send(PAGE, url, protocol="h2c", sticky="1", retry_posts="1").location == f"{PAGE}?done=proxy"
    page = browser.get(PAGE).text
    assert '<option value="h2c" selected>' in page
    assert 'name="sticky" value="1" checked>' in page
    assert 'name="retry_posts" value="1" aria-describedby="retry-note" checked>' in page
    browser.send(PAGE, url, protocol="http1")
    assert site.router.proxies.of(shop.id) == ProxyMode()
    refused = browser.send(PAGE, url, protocol="spdy")
    assert refused.status_code == 422
    assert "an app speaks http1 or h2c. For gRPC: portside proxy:set --protocol h2c" in words(refused.text)


def test_maintenance_has_a_page_of_the_apps_own(site: Site, shop: App, browser: Browser) -> None:
    url, html = f"{APP}/maintenance", "<h1>Back soon</h1>\n"
    on = {"on": "1", "from": "traffic"}
    assert browser.send(PAGE, url, **on, html=html).location == f"{PAGE}?done=maintenance-on"
    mode = site.router.maintenance.of(shop.id)
    assert mode is not None
    assert mode.page == html
    page = browser.get(PAGE).text
    assert "visitors get a page of the app" in words(page)
    assert "&lt;h1&gt;Back soon&lt;/h1&gt;\n</textarea>" in page
    large = browser.send(PAGE, url, **on, html="<p>" * 9000)
    assert large.status_code == 422
    assert "The page takes" in words(large.text)
    browser.send(PAGE, url, **on, html=" \n")
    mode = site.router.maintenance.of(shop.id)
    assert mode is not None
    assert mode.page is None, "an empty one is the router's"
    off = browser.send(PAGE, url, **{"on": "0", "from": "traffic"})
    assert off.location == f"{PAGE}?done=maintenance-off"
    assert site.router.maintenance.of(shop.id) is None


def test_who_may_only_look_is_told_all_but_offered_nothing(site: Site, shop: App) -> None:
    gate = site.router.gate
    gate.add_rules(shop.id, Verdict.ALLOW, ["203.0.113.0/24"])
    gate.set_login(shop.id, "ann", "a long password")
    gate.set_limits(shop.id, TrafficLimits(20, 200))
    gate.set_timeouts(shop.id, TrafficTimeouts(120, None))
    for role, email in ((AppRole.VIEWER, "vic@example.com"), (AppRole.COLLABORATOR, "cod@example.com")):
        site.parts.accounts.grant(shop.id, site.parts.accounts.add_user(email, PASSWORD).user_id, role)
        page = site.browser(email).get(PAGE).text
        text = words(page)
        assert "Allowed 203.0.113.0/24" in text
        assert "ann password set just now" in text
        assert "Limits 20 requests a second for each client; 200 at once, of all clients" in text
        assert "Timeouts 120 s without a byte, 3,600 s for a silent WebSocket" in text
        assert f'action="{APP}' not in page

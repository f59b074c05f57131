"""Automatic certificates on the page of an app's domains."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.ids import new_id
from releases import App
from router import AcmeSettings
from router.acme_tables import OrderRow
from router.automatic import Automatic
from tests.web.pages.test_pages import words
from tests.web.pages.world import NOW, Site

PAGE = "/dashboard/apps/shop/domains"
SWITCH = "/dashboard/apps/shop/certificates/automatic"


@pytest.fixture
def shop(site: Site) -> App:
    """On a server that asks an authority which vouches for any name."""
    settings = AcmeSettings(agree_terms=True, private_hosts=True)
    site.router.automatic = Automatic(site.inner.database, "localhost", settings)
    return site.new_app("shop")


def test_it_is_switched_on_and_off(site: Site, shop: App) -> None:
    browser = site.browser()
    assert "Off. Turned on ( portside certs:auto enable -a shop )" in words(browser.get(PAGE).text)
    assert browser.send(PAGE, f"{SWITCH}/enable").location == f"{PAGE}?done=automatic-on"
    page = browser.get(PAGE).text
    assert "shop.localhost Being asked for" in words(page)
    assert f'<div id="automatic" hx-get="{SWITCH}/now" hx-trigger="every 10s"' in page
    assert browser.send(PAGE, f"{SWITCH}/disable").location == f"{PAGE}?done=automatic-off"
    assert not site.router.automatic.is_on(shop.id)


def test_a_host_that_fails_tells_why_and_when_it_is_tried_again(site: Site, shop: App) -> None:
    browser = site.browser()
    browser.send(PAGE, f"{SWITCH}/enable")
    order = OrderRow(id=new_id(), app_id=shop.id, host="shop.localhost", state="failing", failures=3, created_at=NOW)
    order.next_at, order.reason = NOW + timedelta(hours=1), "shop.localhost does not resolve."
    with site.inner.database.write() as session:
        session.add(order)
    text = words(browser.get(PAGE).text)
    assert "shop.localhost Failing shop.localhost does not resolve. Next attempt at 2 Jan 2026, 04:04:05 UTC" in text
    assert browser.send(PAGE, f"{SWITCH}/refresh").location == f"{PAGE}?done=automatic-refresh"
    assert "04:04:05" not in browser.get(f"{SWITCH}/now").text, "its time has come"


def test_a_server_that_agreed_to_no_terms_says_so(site: Site) -> None:
    site.new_app("shop")
    refused = site.browser().send(PAGE, f"{SWITCH}/enable")
    assert refused.status_code == 422
    assert "This server has not agreed to the terms of a certificate authority" in words(refused.text)
    assert "PORTSIDE_ACME_AGREE_TERMS=yes" in refused.text
    assert site.browser().send(PAGE, f"{SWITCH}/refresh").status_code == 409

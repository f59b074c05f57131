"""The page of an app's config."""

from __future__ import annotations

import pytest

from accounts import AppRole
from releases import App
from tests.web.pages.test_pages import words
from tests.web.pages.world import PASSWORD, Site

PAGE = "/dashboard/apps/shop/config"


@pytest.fixture
def shop(site: Site) -> App:
    shop = site.new_app("shop")
    site.inner.set_config(shop.id, GREETING="hello there", TOKEN="swordfish")
    return shop


def test_an_app_without_config_is_told_what_to_type(site: Site) -> None:
    site.new_app("shop")
    assert "No config yet portside config:set GREETING=hello -a shop" in words(site.browser().get(PAGE).text)


def test_names_are_shown_and_values_only_one_by_one(site: Site, shop: App) -> None:
    browser = site.browser()
    page = browser.get(PAGE).text
    assert "GREETING •••••••• Show GREETING Change GREETING Unset TOKEN ••••••••" in words(page)
    assert "swordfish" not in page
    assert "hello there" not in page
    shown = browser.get(f"{PAGE}/TOKEN/value").text
    assert '<pre class="config-value" tabindex="0" aria-label="Value of TOKEN">swordfish</pre>' in shown
    assert "Hide TOKEN" in words(shown)
    assert "hello there" not in shown


def test_a_viewer_sees_names_and_never_a_value(site: Site, shop: App) -> None:
    viewer = site.parts.accounts.add_user("vic@example.com", PASSWORD)
    site.parts.accounts.grant(shop.id, viewer.user_id, AppRole.VIEWER)
    browser = site.browser("vic@example.com")
    assert "TOKEN ••••••••" in words(browser.get(PAGE).text)
    for path in (PAGE, f"{PAGE}/TOKEN/value", f"{PAGE}?key=TOKEN"):
        assert "swordfish" not in browser.get(path).text
    assert browser.get(f"{PAGE}/TOKEN/value").status_code == 403


def test_a_value_that_is_not_there(site: Site, shop: App) -> None:
    answer = site.browser().get(f"{PAGE}/NOTHING/value")
    assert answer.status_code == 404
    assert "This app has no config var NOTHING." in answer.text


def test_a_value_is_set_as_it_is_and_makes_a_release(site: Site, shop: App) -> None:
    browser = site.browser()
    answer = browser.send(PAGE, PAGE, key=" KEY ", value=" two\r\nlines ")
    assert (answer.status_code, answer.location) == (303, f"{PAGE}?made=2")
    assert site.parts.releases.config(shop.id)["KEY"] == " two\nlines "
    text = words(browser.get(answer.location).text)
    assert "This change makes v2 : Set KEY config var. It is kept once that is live." in text
    assert "Releases that changed it All releases v2 Set KEY config var Waiting" in text


def test_a_name_is_unset(site: Site, shop: App) -> None:
    browser = site.browser()
    assert browser.send(PAGE, f"{PAGE}/TOKEN/unset").location == f"{PAGE}?made=2"
    assert site.parts.releases.config(shop.id) == {"GREETING": "hello there"}
    assert "Remove TOKEN config var" in browser.get(f"{PAGE}/releases").text


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("9LIVES", "'9LIVES' is not a config var name. A name has letters, digits and underscores"),
        ("PORT", "PORT is set by Portside itself and can't be changed. Choose another name."),
    ],
)
def test_what_can_not_be_set_is_explained_beside_what_was_typed(site: Site, shop: App, key: str, told: str) -> None:
    answer = site.browser().send(PAGE, PAGE, key=key, value="nine")
    assert answer.status_code == 422
    assert told in words(answer.text).replace("&#39;", "'")
    assert f'name="key" value="{key}"' in answer.text
    assert "nine</textarea>" in answer.text


def test_a_change_begins_with_the_name_filled_in(site: Site, shop: App) -> None:
    page = site.browser().get(f"{PAGE}?key=TOKEN").text
    assert 'name="key" value="TOKEN"' in page
    assert "swordfish" not in page

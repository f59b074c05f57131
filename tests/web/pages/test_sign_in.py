"""Sign-in, sessions and forged forms."""

from __future__ import annotations

import pytest

from accounts import TokenKind
from tests.web.pages.world import PASSWORD, Site

SIGN_IN = "/dashboard/sign-in"


def test_the_right_password_signs_in_and_leads_home(site: Site) -> None:
    answer = site.browser(None).sign_in("ada@example.com")
    assert (answer.status_code, answer.location) == (303, "/")


def test_a_wrong_password_says_so_and_keeps_the_address(site: Site) -> None:
    answer = site.browser(None).sign_in("ada@example.com", "something else")
    assert answer.status_code == 401
    assert "The e-mail address or the password is wrong." in answer.text
    assert 'value="ada@example.com"' in answer.text


def test_too_many_wrong_passwords_say_how_long_to_wait(site: Site) -> None:
    browser = site.browser(None)
    for _ in range(10):
        browser.sign_in("ada@example.com", "something else")
    answer = browser.sign_in("ada@example.com")
    assert answer.status_code == 429
    assert "Wait 15 minutes" in answer.text


def test_the_session_cookie_is_out_of_reach_for_scripts_and_other_sites(site: Site) -> None:
    cookies = site.browser(None).sign_in("ada@example.com").headers.getlist("Set-Cookie")
    session = next(cookie for cookie in cookies if cookie.startswith("portside_session="))
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(session.split("; "))


def test_over_https_the_session_cookie_is_secure_and_bound_to_the_host(secure_site: Site) -> None:
    cookies = secure_site.browser(None).client.get(SIGN_IN, base_url="https://localhost").headers.getlist("Set-Cookie")
    assert len(cookies) == 1
    assert cookies[0].startswith("__Host-portside_visit=")
    assert "Secure" in cookies[0].split("; ")
    assert "Domain" not in cookies[0]


def test_signing_in_again_makes_a_new_session_and_ends_the_old_one(site: Site) -> None:
    browser = site.browser()
    before = browser.client.get_cookie("portside_session")
    answer = browser.send("/", SIGN_IN, email="ada@example.com", password=PASSWORD)
    after = browser.client.get_cookie("portside_session")
    assert answer.status_code == 303
    assert before is not None
    assert after is not None
    assert before.value != after.value
    assert site.parts.accounts.token_of(before.value) is None


def test_signing_out_ends_the_session_on_the_server_too(site: Site) -> None:
    browser = site.browser()
    cookie = browser.client.get_cookie("portside_session")
    assert cookie is not None
    assert browser.send("/", "/dashboard/sign-out").location == SIGN_IN
    assert site.parts.accounts.token_of(cookie.value) is None
    assert browser.get("/").status_code == 303


def test_a_changed_password_ends_the_sessions(site: Site) -> None:
    browser = site.browser()
    site.parts.accounts.set_password("ada@example.com", "another password")
    assert browser.get("/").status_code == 303


def test_an_api_token_is_not_a_session(site: Site) -> None:
    _, secret = site.parts.accounts.issue_token(site.ada.user_id, "script", kind=TokenKind.MANUAL)
    browser = site.browser(None)
    browser.client.set_cookie("portside_session", secret)
    assert browser.get("/").status_code == 303


def test_after_signing_in_the_page_that_was_asked_for_comes(site: Site) -> None:
    answer = site.browser(None).get("/dashboard/apps/shop?q=1")
    assert answer.location == "/dashboard/sign-in?next=/dashboard/apps/shop?q%3D1"
    assert site.browser(None).sign_in("ada@example.com", next="/dashboard/new").location == "/dashboard/new"


@pytest.mark.parametrize("elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "x", "/\tx"])
def test_signing_in_never_leads_to_another_site(site: Site, elsewhere: str) -> None:
    assert site.browser(None).sign_in("ada@example.com", next=elsewhere).location == "/"


def test_a_form_without_a_token_is_refused_readably(site: Site) -> None:
    answer = site.browser().client.post("/dashboard/new", data={"name": "shop"})
    assert answer.status_code == 400
    assert "This form could not be accepted" in answer.text
    assert "reload the page and try again" in answer.text
    assert site.parts.releases.apps() == []


def test_the_token_of_another_session_is_refused(site: Site) -> None:
    victim, attacker = site.browser(), site.browser()
    found = attacker.get("/dashboard/new").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    assert victim.client.post("/dashboard/new", data={"csrf_token": found, "name": "shop"}).status_code == 400


def test_a_form_from_another_origin_is_refused_even_with_the_token(site: Site) -> None:
    browser = site.browser()
    token = browser.get("/dashboard/new").text.partition('name="csrf_token" value="')[2].partition('"')[0]
    for origin, status in (("http://shop.localhost", 400), ("null", 400), ("http://localhost", 303)):
        data = {"csrf_token": token, "name": f"shop-{status}"}
        assert browser.client.post("/dashboard/new", data=data, headers={"Origin": origin}).status_code == status


def test_signing_in_needs_a_token_too(site: Site) -> None:
    answer = site.browser(None).client.post(SIGN_IN, data={"email": "ada@example.com", "password": PASSWORD})
    assert answer.status_code == 400


def test_a_polling_part_without_a_session_has_the_page_loaded_again(site: Site) -> None:
    answer = site.browser(None).get("/dashboard/apps/shop/now", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Refresh"]) == (401, "true")

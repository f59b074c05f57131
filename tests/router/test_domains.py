"""Domains in the records: wildcards, overlaps between apps, redirects; and a HAProxy that lags behind."""

from __future__ import annotations

import re

import pytest

from core.errors import Conflict, NotFound, UserError
from core.ids import AppId, new_id
from router.front_plan import Command, FrontMap, FrontTable, plan


@pytest.fixture
def router(memory_router):
    return memory_router


@pytest.fixture
def other():
    return AppId(new_id())


def redirects(**entries: str) -> FrontTable:
    return FrontTable({FrontMap.REDIRECTS: entries})


def test_a_name_in_letters_of_its_own_is_kept_as_dns_knows_it(router, app_id):
    assert router.add_domain(app_id, "Bücher.example").host == "xn--bcher-kva.example"
    assert router.domain(app_id, "bücher.example").host == "xn--bcher-kva.example"
    router.remove_domain(app_id, "BÜCHER.example")
    with pytest.raises(NotFound, match=r"This app has no domain bücher\.example\."):
        router.domain(app_id, "bücher.example")


@pytest.mark.parametrize(("first", "second"), [("*.example.com", "a.example.com"), ("a.example.com", "*.example.com")])
def test_a_wildcard_and_a_name_beneath_it_belong_to_one_app(router, app_id, other, first, second):
    router.add_domain(app_id, first)
    with pytest.raises(Conflict) as caught:
        router.add_domain(other, second)
    assert caught.value.message == f"{second} overlaps with {first}, which belongs to another app."
    assert caught.value.hint == "Somebody who may manage both apps can add it."
    router.add_domain(app_id, second)


def test_whoever_manages_both_apps_may_take_a_name_out_of_a_wildcard(router, app_id, other):
    router.add_domain(app_id, "*.example.com")
    router.add_domain(other, "api.example.com", shares=lambda holder: holder == app_id)
    assert router.is_routed("api.example.com")


@pytest.mark.parametrize("name", ["example.com", "a.b.example.com", "a.example.org", "badexample.com"])
def test_a_name_that_a_wildcard_does_not_cover_is_anybodys(router, app_id, other, name):
    router.add_domain(app_id, "*.example.com")
    assert router.add_domain(other, name).host == name


def test_a_redirect_leads_to_another_domain_of_the_app(router, memory_front, app_id):
    router.name_app(app_id, "shop")
    router.add_domain(app_id, "www.example.com")
    assert router.add_domain(app_id, "example.com", redirect_to="WWW.example.com").redirect_to == "www.example.com"
    router.add_domain(app_id, "old.example.com", redirect_to="shop.apps.test")
    entries = {"example.com": "www.example.com", "old.example.com": "shop.apps.test"}
    assert memory_front.maps[FrontMap.REDIRECTS] == entries
    router.remove_domain(app_id, "example.com")
    assert memory_front.maps[FrontMap.REDIRECTS] == {"old.example.com": "shop.apps.test"}
    router.forget_app(app_id)
    assert memory_front.maps[FrontMap.REDIRECTS] == {}


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("nowhere.example.com", "nowhere.example.com is no domain of this app."),
        ("*.example.org", "*.example.org is no domain of this app."),
        ("old.example.com", "old.example.com redirects itself, to www.example.com."),
    ],
)
def test_a_redirect_to_what_does_not_answer_is_refused(router, app_id, target, words):
    router.add_domain(app_id, "www.example.com")
    router.add_domain(app_id, "*.example.org")
    router.add_domain(app_id, "old.example.com", redirect_to="www.example.com")
    with pytest.raises(UserError) as caught:
        router.add_domain(app_id, "example.com", redirect_to=target)
    assert caught.value.message == words


def test_the_target_of_a_redirect_stays(router, app_id):
    router.add_domain(app_id, "www.example.com")
    router.add_domain(app_id, "example.com", redirect_to="www.example.com")
    with pytest.raises(Conflict) as caught:
        router.remove_domain(app_id, "www.example.com")
    assert caught.value.message == "example.com redirects to www.example.com."
    assert caught.value.hint == "Remove that first: portside domains:remove example.com"


def test_what_haproxy_forgot_or_has_wrong_is_mended(router, memory_front, app_id):
    router.add_domain(app_id, "www.example.com")
    router.add_domain(app_id, "example.com", redirect_to="www.example.com")
    memory_front.maps[FrontMap.REDIRECTS] = {"example.com": "wrong.test", "stale.test": "www.example.com"}
    router.reconcile()
    assert memory_front.maps[FrontMap.REDIRECTS] == {"example.com": "www.example.com"}


def test_only_what_differs_is_told():
    assert plan(redirects(a="1", b="2", c="3"), redirects(a="1", b="9", d="4"), str) == [
        Command("set map redirects.map b 2", "b"),
        Command("add map redirects.map c 3", "c"),
        Command("del map redirects.map d", "d"),
    ]
    assert plan(redirects(a="1"), redirects(a="1"), str) == []


@pytest.mark.engine
def test_haproxy_answers_at_every_name_under_a_wildcard(haproxy, start_app, app_id, other):
    one, two = start_app("one"), start_app("two")
    haproxy.deploy(app_id, "g1", one)
    haproxy.deploy(other, "g1", two)
    haproxy.router.add_domain(app_id, "*.example.com")
    haproxy.router.add_domain(other, "two.example.com", shares=lambda holder: True)
    assert haproxy.get("a.example.com") == (200, "one")
    assert haproxy.get("B.Example.com.:8080") == (200, "one")
    assert haproxy.get("two.example.com") == (200, "two")
    assert haproxy.get("a.b.example.com")[0] == 404
    assert haproxy.get("example.com")[0] == 404


@pytest.mark.engine
@pytest.mark.parametrize(
    ("host", "location"),
    [
        ("example.com", "http://www.example.com/a?b=c"),
        ("Example.com:8080", "http://www.example.com:8080/a?b=c"),
    ],
)
def test_haproxy_sends_people_on_with_path_query_and_port(haproxy, app_id, host, location):
    haproxy.router.add_domain(app_id, "www.example.com")
    haproxy.router.add_domain(app_id, "example.com", redirect_to="www.example.com")
    client = haproxy.client()
    client.request("POST", "/a?b=c", headers={"Host": host})
    answer = client.getresponse()
    assert (answer.status, answer.getheader("location")) == (308, location)
    client.close()


@pytest.mark.engine
def test_a_haproxy_of_an_earlier_version_gets_todays_configuration_without_a_restart(haproxy, start_app, app_id):
    """As after an upgrade, which never restarts the router."""
    haproxy.router.name_app(app_id, "shop")
    haproxy.deploy(app_id, "g1", start_app("one"))
    text = re.sub("(setenv PORTSIDE_CONFIG) .*", '\\1 "earlier"', haproxy.config.read_text())
    haproxy.config.write_text("".join(line for line in text.splitlines(True) if "redirects.map" not in line))
    haproxy.control.reload()
    masters = haproxy.pids()[:1]
    haproxy.router.reconcile()
    haproxy.router.add_domain(app_id, "example.com", redirect_to="shop.apps.test")
    assert haproxy.get("example.com")[0] == 308
    assert haproxy.get("shop.apps.test") == (200, "one")
    assert haproxy.pids()[:1] == masters

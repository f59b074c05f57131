"""Sticky apps through a real HAProxy: a visitor comes back to one instance for as long as it is there."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie

import pytest

from core.ids import AppId, new_id
from router.front_plan import FrontMap
from tests.router.authority import Authority
from tests.router.test_certificates import shown

COOKIE = re.compile(r"portside-([0-9a-f]{8})=([A-Za-z0-9]+); Path=/; HttpOnly; SameSite=Lax")


class Visitor:
    """Somebody who keeps the cookies of one host."""

    def __init__(self, haproxy, host: str) -> None:
        self._haproxy = haproxy
        self._host = host
        self.cookies: dict[str, str] = {"theme": "dark"}
        self.set: list[str] = []

    def ask(self, path: str = "/") -> str:
        """Who answers."""
        client = self._haproxy.client()
        cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        client.request("GET", path, headers={"Host": self._host, "Cookie": cookie})
        answer = client.getresponse()
        self.set = [value for name, value in answer.getheaders() if name.lower() == "set-cookie"]
        for text in self.set:
            self.cookies |= {name: morsel.value for name, morsel in SimpleCookie(text).items()}
        body = answer.read().decode()
        client.close()
        assert answer.status == 200
        return body


@pytest.fixture
def sticky(haproxy, start_app, app_id):
    """An app with two instances whose visitors stick."""
    apps = [start_app("one"), start_app("two")]
    haproxy.router.name_app(app_id, "shop")
    haproxy.deploy(app_id, "g1", *apps)
    haproxy.router.proxies.set(app_id, sticky=True)
    return apps


def others(haproxy, host: str, count: int = 6) -> list[str]:
    """Who answers people without a cookie."""
    return [Visitor(haproxy, host).ask() for _ in range(count)]


def test_haproxy_is_told_of_the_apps_that_stick_and_of_no_other(memory_router, memory_front, app_id):
    memory_router.proxies.set(AppId(new_id()), protocol="h2c")
    memory_router.proxies.set(app_id, sticky=True)
    assert memory_front.maps[FrontMap.STICKY] == {app_id: "on"}
    memory_router.proxies.set(app_id, sticky=False)
    assert memory_front.maps[FrontMap.STICKY] == {}


@pytest.mark.engine
def test_a_visitor_comes_back_to_the_instance_that_served_first(haproxy, sticky, app_id):
    visitor = Visitor(haproxy, "shop.apps.test")
    first = visitor.ask()
    found = COOKIE.fullmatch(visitor.set[0])
    assert found is not None
    assert found.groups() == (app_id[:8], first)
    assert len(set(others(haproxy, "shop.apps.test"))) == 2
    for _ in range(6):
        assert visitor.ask() == first
        assert visitor.set == []  # once is enough, and an answer without a cookie can be cached


@pytest.mark.engine
def test_a_visitor_stays_through_scaling_a_reload_and_a_restart_of_the_router(haproxy, sticky, start_app, app_id):
    visitor = Visitor(haproxy, "shop.apps.test")
    first = visitor.ask()
    haproxy.deploy(app_id, "g1", *sticky, start_app("three"), start_app("four"))
    assert [visitor.ask() for _ in range(8)] == [first] * 8
    haproxy.router.processes.write_config()
    haproxy.control.reload()
    assert [visitor.ask() for _ in range(4)] == [first] * 4
    haproxy.kill()
    haproxy.start()
    assert [visitor.ask() for _ in range(4)] == [first] * 4


@pytest.mark.engine
def test_a_visitor_whose_instance_is_gone_sticks_to_another(haproxy, sticky, app_id):
    visitor = Visitor(haproxy, "shop.apps.test")
    first = visitor.ask()
    rest = [app for app in sticky if app.name != first]
    haproxy.deploy(app_id, "g1", *rest)
    assert visitor.ask() == rest[0].name
    assert COOKIE.fullmatch(visitor.set[0])
    assert (visitor.ask(), visitor.set) == (rest[0].name, [])


@pytest.mark.engine
def test_a_visitor_whose_instance_died_is_served_by_another_at_once(haproxy, sticky):
    visitor = Visitor(haproxy, "shop.apps.test")
    first = visitor.ask()
    next(app for app in sticky if app.name == first).stop()
    second = visitor.ask()
    assert second != first
    assert visitor.cookies.keys() > {"theme"}
    assert visitor.ask() == second


@pytest.mark.engine
def test_a_new_release_takes_its_visitors_over(haproxy, sticky, start_app, app_id):
    visitor = Visitor(haproxy, "shop.apps.test")
    visitor.ask()
    haproxy.deploy(app_id, "g2", start_app("three"), start_app("four"))
    first = visitor.ask()
    assert first in ("three", "four")
    assert [visitor.ask() for _ in range(4)] == [first] * 4


@pytest.mark.engine
@pytest.mark.parametrize("value", ["", "nobody", "two two", "%00", "slot_0000/two", "x" * 3000, '"two"'])
def test_a_made_up_cookie_leads_to_an_instance_of_the_app(haproxy, sticky, start_app, app_id, value):
    other = AppId(new_id())
    haproxy.router.name_app(other, "other")
    haproxy.deploy(other, "g1", start_app("nobody"))
    visitor = Visitor(haproxy, "shop.apps.test")
    visitor.cookies[f"portside-{app_id[:8]}"] = value
    assert visitor.ask() in ("one", "two")
    assert COOKIE.fullmatch(visitor.set[0])


@pytest.mark.engine
def test_two_sticky_apps_on_one_host_do_not_disturb_each_other(haproxy, sticky, start_app, app_id):
    other = AppId(new_id())
    haproxy.router.proxies.set(other, sticky=True)
    haproxy.deploy(other, "g1", start_app("three"), start_app("four"))
    haproxy.router.add_domain(other, "shop.apps.test/api", shares=lambda app: True)
    visitor = Visitor(haproxy, "shop.apps.test")
    first, second = visitor.ask(), visitor.ask("/api")
    for _ in range(4):
        assert (visitor.ask(), visitor.ask("/api")) == (first, second)


@pytest.mark.engine
def test_an_app_that_does_not_stick_sets_no_cookie(haproxy, sticky, app_id):
    haproxy.router.proxies.set(app_id, sticky=False)
    visitor = Visitor(haproxy, "shop.apps.test")
    assert {visitor.ask() for _ in range(6)} == {"one", "two"}
    assert visitor.set == []


@pytest.mark.engine
def test_over_https_the_cookie_is_for_https_alone(haproxy, sticky, app_id):
    authority = Authority()
    haproxy.router.certificates.add(app_id, *authority.issue("shop.apps.test"))
    with shown(haproxy, "shop.apps.test", authority) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: shop.apps.test\r\nConnection: close\r\n\r\n")
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert re.search(rb"(?i)set-cookie: portside-\w+=\w+; Path=/; HttpOnly; SameSite=Lax; Secure\r\n", answer)

"""What is on an instance that dies, through a real HAProxy: what is sent to another one, and what is not."""

from __future__ import annotations

import http.client

import pytest

from router import TrafficLimits
from router.front_plan import FrontMap

KEY = {"Idempotency-Key": '"8e03978e"'}
LONG = b"x" * 1_000_000


@pytest.fixture
def two(haproxy, start_app, app_id):
    """An app with two instances."""
    apps = start_app("one"), start_app("two")
    haproxy.router.name_app(app_id, "shop")
    haproxy.deploy(app_id, "g1", *apps)
    return apps


def sent(haproxy, method, body=b"x", **headers) -> http.client.HTTPConnection:
    """A request that is not answered before its instance is let go."""
    client = haproxy.client()
    client.request(method, "/slow", body=body, headers={"Host": "shop.apps.test", **headers})
    return client


def half_sent(haproxy, path):
    """A POST of which five bytes are still to come."""
    client = haproxy.client()
    client.putrequest("POST", path, skip_host=True)
    for name, value in {"Host": "shop.apps.test", "Content-Length": "10"}.items():
        client.putheader(name, value)
    client.endheaders()
    client.send(b"first")
    return client


def one_dies(until, two):
    """The instance that has the request ends without a byte of an answer, and the other is let go; gives that one."""
    one, other = two
    until(lambda: one.slow_started.is_set() or other.slow_started.is_set(), "an instance has the request")
    died, lives = (one, other) if one.slow_started.is_set() else (other, one)
    lives.release.set()
    died.die()
    return lives


def answered(client: http.client.HTTPConnection) -> tuple[int, str]:
    answer = client.getresponse()
    text = answer.read().decode()
    client.close()
    return answer.status, text


def test_haproxy_is_told_of_the_apps_that_retry_posts_and_of_no_other(memory_router, memory_front, app_id):
    memory_router.proxies.set(app_id, sticky=True, retry_posts=False)
    assert memory_front.maps[FrontMap.OPTIONS] == {}
    memory_router.proxies.set(app_id, retry_posts=True)
    assert memory_front.maps[FrontMap.OPTIONS] == {app_id: "all:0:0:0:0:0:retries"}
    memory_router.gate.set_limits(app_id, TrafficLimits(20))
    assert memory_front.maps[FrontMap.OPTIONS] == {app_id: "all:0:20:0:0:0:retries"}
    memory_router.forget_app(app_id)
    assert memory_front.maps[FrontMap.OPTIONS] == {}


@pytest.mark.engine
@pytest.mark.parametrize(("method", "body", "headers"), [("GET", None, {}), ("POST", b"x", KEY), ("PUT", b"x", KEY)])
def test_what_may_be_repeated_is_answered_by_the_other_instance(haproxy, until, two, method, body, headers):
    client = sent(haproxy, method, body, **headers)
    lives = one_dies(until, two)
    assert answered(client) == (200, lives.name)


@pytest.mark.engine
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_post_without_a_key_is_never_sent_twice(haproxy, until, two, app_id, method):
    haproxy.router.gate.set_limits(app_id, TrafficLimits(1000))  # with options, but not this one
    client = sent(haproxy, method)
    lives = one_dies(until, two)
    assert answered(client)[0] == 502
    assert lives.bodies == []


@pytest.mark.engine
@pytest.mark.parametrize("body", [None, b"", b"x" * 100, b"x" * 12_000])
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_every_post_is_sent_again_if_the_app_wants_it(haproxy, until, two, app_id, method, body):
    haproxy.router.proxies.set(app_id, retry_posts=True)
    client = sent(haproxy, method, body)
    lives = one_dies(until, two)
    assert answered(client) == (200, lives.name)
    assert lives.bodies == [body or b""]


@pytest.mark.engine
def test_a_body_that_comes_in_pieces_is_sent_on_and_again_as_a_whole(haproxy, until, two, app_id):
    haproxy.router.proxies.set(app_id, retry_posts=True)
    client = half_sent(haproxy, "/slow")
    assert not any(app.bodies for app in two)
    client.send(b"later")
    lives = one_dies(until, two)
    assert answered(client) == (200, lives.name)
    assert lives.bodies == [b"firstlater"]


@pytest.mark.engine
def test_it_holds_no_more_once_the_app_does_not_want_it(haproxy, until, two, app_id):
    haproxy.router.proxies.set(app_id, retry_posts=True)
    haproxy.router.proxies.set(app_id, retry_posts=False)
    client = sent(haproxy, "POST")
    one_dies(until, two)
    assert answered(client)[0] == 502


@pytest.mark.engine
def test_a_body_over_the_buffer_goes_through_and_is_not_sent_twice(haproxy, until, two, app_id):
    haproxy.router.proxies.set(app_id, retry_posts=True)
    client = sent(haproxy, "POST", LONG)
    lives = one_dies(until, two)
    assert answered(client)[0] == 502
    assert lives.bodies == []


@pytest.mark.engine
def test_a_long_request_with_a_key_goes_through(haproxy, two):
    """It is too long to be repeated, and waits for nothing."""
    client = haproxy.client()
    client.request("POST", "/", body=LONG, headers={"Host": "shop.apps.test", **KEY})
    assert answered(client)[0] == 200


@pytest.mark.engine
def test_a_body_that_does_not_come_gets_a_408(start_haproxy, start_app, app_id):
    haproxy, app = start_haproxy(request_timeout_s=1), start_app("one")
    haproxy.router.name_app(app_id, "shop")
    haproxy.deploy(app_id, "g1", app)
    haproxy.router.proxies.set(app_id, retry_posts=True)
    client = half_sent(haproxy, "/")
    assert answered(client)[0] == 408
    assert app.bodies == []

"""Requests that are held at a real HAProxy: they wait, in bounds of time and number, and go on to what is new."""

from __future__ import annotations

import http.client
import threading

import pytest

from core import clock
from core.ids import AppId, new_id
from router.plan import MapName

HOST = "shop.apps.test"
A_WHILE_S = 30.0


class Held(threading.Thread):
    """One request on its way; `answer` is (status, text) once it has come."""

    def __init__(self, haproxy, method="GET", host=HOST):
        super().__init__(daemon=True)
        self.answer = None
        self._client = haproxy.client()
        body = b"x" * 1000 if method == "POST" else None
        self._client.request(method, "/", body=body, headers={"Host": host})
        self.start()

    def run(self):
        try:
            answer = self._client.getresponse()
            self.retry_after = answer.getheader("Retry-After")
            self.answer = (answer.status, answer.read().decode())
        except (OSError, http.client.HTTPException) as error:
            self.answer = (0, repr(error))

    def give_up(self):
        self._client.sock.close()

    def wait(self):
        self.join(20)
        assert self.answer is not None, "it was never answered"
        return self.answer


@pytest.fixture
def shop(haproxy, app_id, start_app):
    haproxy.router.name_app(app_id, "shop")
    haproxy.deploy(app_id, "old", start_app("old"))
    return app_id


def hold(haproxy, app_id, seconds=A_WHILE_S):
    haproxy.router.hold(app_id, clock.after(seconds))


def waiting(haproxy):
    """How many requests HAProxy has that no backend has yet."""
    [line] = [line for line in haproxy.control._ask("show stat http 1 -1").splitlines() if line.startswith("http,")]
    return int(line.split(",")[4])


@pytest.mark.engine
def test_get_and_post_wait_and_go_to_the_new_release(haproxy, shop, start_app, until):
    hold(haproxy, shop)
    held = [Held(haproxy, method) for method in ("GET", "POST", "GET", "POST")]
    until(lambda: waiting(haproxy) == 4, "all four wait")
    assert [each.answer for each in held] == [None] * 4
    haproxy.deploy(shop, "new", start_app("new"))
    assert [each.wait() for each in held] == [(200, "new")] * 4
    assert haproxy.get(HOST) == (200, "new"), "the switch has ended the hold"


@pytest.mark.engine
def test_a_hold_that_is_released_goes_on_with_the_old(haproxy, shop, until):
    hold(haproxy, shop)
    held = Held(haproxy, "POST")
    until(lambda: waiting(haproxy) == 1, "it waits")
    haproxy.router.release(shop)
    assert held.wait() == (200, "old")


@pytest.mark.engine
def test_an_app_that_is_counted_is_held_no_longer_than_another(haproxy, shop, until):
    """It has an entry in the same map before the hold and after it."""
    haproxy.router.traffic.count(shop, True)
    assert haproxy.control.observe(None).holds == {shop: "0"}
    assert haproxy.get(HOST) == (200, "old")
    hold(haproxy, shop)
    held = Held(haproxy)
    until(lambda: waiting(haproxy) == 1, "it waits")
    haproxy.router.release(shop)
    assert held.wait() == (200, "old")
    assert haproxy.router.traffic.seen(shop).requests == 2
    haproxy.router.traffic.count(shop, False)
    assert haproxy.control.observe(None).holds == {}


@pytest.mark.engine
def test_a_hold_ends_by_itself_at_its_deadline(haproxy, shop):
    hold(haproxy, shop, seconds=1)
    held = Held(haproxy)
    status, page = held.wait()
    assert (status, held.retry_after) == (503, "5")
    assert "This app is being updated" in page
    assert haproxy.control.observe(None).holds, "nobody has taken the entry away"
    assert haproxy.get(HOST) == (200, "old")
    haproxy.router.reconcile()
    assert haproxy.control.observe(None).holds == {}


@pytest.mark.engine
def test_those_beyond_the_number_are_refused_at_once(start_haproxy, app_id, start_app, until):
    haproxy = start_haproxy(hold_requests=2)
    haproxy.router.name_app(app_id, "shop")
    haproxy.deploy(app_id, "old", start_app("old"))
    hold(haproxy, app_id)
    held = [Held(haproxy), Held(haproxy)]
    until(lambda: waiting(haproxy) == 2, "two wait")
    assert haproxy.get(HOST)[0] == 503
    haproxy.router.release(app_id)
    assert [each.wait() for each in held] == [(200, "old")] * 2


@pytest.mark.engine
def test_other_apps_do_not_wait(haproxy, shop, start_app):
    other = AppId(new_id())
    haproxy.router.name_app(other, "other")
    haproxy.deploy(other, "g1", start_app("other"))
    hold(haproxy, shop)
    assert haproxy.get("other.apps.test") == (200, "other")


@pytest.mark.engine
def test_clients_that_leave_take_no_room_in_the_next_hold(start_haproxy, app_id, start_app, until):
    haproxy = start_haproxy(hold_requests=1)
    haproxy.router.name_app(app_id, "shop")
    haproxy.deploy(app_id, "old", start_app("old"))
    hold(haproxy, app_id)
    gone = Held(haproxy)
    until(lambda: waiting(haproxy) == 1, "it waits")
    gone.give_up()
    haproxy.router.release(app_id)
    hold(haproxy, app_id)
    held = Held(haproxy)
    haproxy.router.release(app_id)
    assert held.wait() == (200, "old")


@pytest.mark.engine
def test_a_hold_outlives_a_reload_and_a_restart(haproxy, shop, start_app, until):
    hold(haproxy, shop)
    haproxy.control.reload()
    haproxy.kill()
    haproxy.start()
    held = Held(haproxy)
    until(lambda: waiting(haproxy) == 1, "it waits")
    haproxy.deploy(shop, "new", start_app("new"))
    assert held.wait() == (200, "new")


def test_a_hold_is_recorded_in_its_bounds_and_ends_with_the_next_generation(memory_router, memory, database, app_id):
    memory_router.hold(app_id, clock.after(3600))
    [until] = memory.maps[MapName.HOLDS].values()
    assert float(until) <= clock.after(61).timestamp()
    with database.write() as session:
        memory_router.point(session, app_id, "g1", [])
    memory_router.apply(app_id)
    assert memory.maps[MapName.HOLDS] == {}

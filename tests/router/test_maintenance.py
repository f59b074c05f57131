"""Maintenance mode: in the records, and through a real HAProxy."""

from __future__ import annotations

import pytest

from core.errors import UserError
from router.codes import MAINTENANCE
from router.front_plan import FrontMap
from router.maintenance import encoded

PAGE = (
    "<!doctype html>\n<title>Später; \\ %20 + \"100 %\"</title>\r\n<p class='a'>we're back <<soon>> #1; show info</p>\n"
)


def test_haproxy_is_told_as_it_changes_and_only_then(memory_router, memory_front, app_id):
    memory_router.maintenance.turn_on(app_id)
    assert memory_front.maps[FrontMap.MAINTENANCE] == {app_id: "standard"}
    memory_router.maintenance.turn_on(app_id, PAGE)
    assert memory_front.maps[FrontMap.MAINTENANCE] == {app_id: encoded(PAGE)}
    memory_router.maintenance.turn_off(app_id)
    memory_router.maintenance.turn_off(app_id)
    assert memory_front.maps[FrontMap.MAINTENANCE] == {}


def test_what_is_recorded_can_be_asked_for_and_is_forgotten(memory_router, app_id):
    assert memory_router.maintenance.of(app_id) is None
    memory_router.maintenance.turn_on(app_id, PAGE)
    assert memory_router.maintenance.of(app_id).page == PAGE
    assert memory_router.maintenance.apps() == {app_id}
    memory_router.forget_app(app_id)
    assert memory_router.maintenance.apps() == frozenset()


def test_an_encoded_page_is_one_word_of_haproxys_commands():
    assert not set(encoded(PAGE)) & set(" \t\r\n;\\<#\"'")


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("  \n", "The page is empty."),
        ("x" * 20_000, "The page takes 20,000 bytes as the router keeps it; there is room for 14,000."),
    ],
)
def test_a_page_that_cannot_be_shown_is_refused(memory_router, app_id, page, message):
    with pytest.raises(UserError) as caught:
        memory_router.maintenance.turn_on(app_id, page)
    assert caught.value.message == message
    assert memory_router.maintenance.of(app_id) is None


@pytest.mark.engine
def test_visitors_get_the_page_and_then_the_app_again_without_a_reload(haproxy, start_app, app_id):
    app = start_app("one")
    haproxy.router.name_app(app_id, "shop")
    haproxy.deploy(app_id, "g1", app)
    pids = haproxy.pids()

    haproxy.router.maintenance.turn_on(app_id)
    status, page = haproxy.get("shop.apps.test")
    assert status == 503
    assert "This app is in maintenance" in page
    assert MAINTENANCE.name in page

    haproxy.router.maintenance.turn_on(app_id, PAGE)
    assert haproxy.get("shop.apps.test") == (503, PAGE.replace("\r\n", " ").replace("\n", " "))
    largest = "<p>" + "ä" * 2_300
    haproxy.router.maintenance.turn_on(app_id, largest)
    assert haproxy.get("shop.apps.test") == (503, largest)
    assert app.seen == []
    haproxy.router.reconcile()
    haproxy.router.processes.write_config()
    haproxy.control.reload()
    assert haproxy.get("shop.apps.test") == (503, largest), "also what reads it from the file"

    pids = haproxy.pids()
    haproxy.router.maintenance.turn_off(app_id)
    assert haproxy.get("shop.apps.test") == (200, "one")
    assert set(haproxy.pids()) <= set(pids)

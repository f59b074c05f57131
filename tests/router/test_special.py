"""Which apps want something of the rules of HAProxy, so that their requests pass them all; others go the short way."""

from __future__ import annotations

import pytest

from core.ids import AppId, new_id
from router import Router, TrafficLimits, TrafficTimeouts, Verdict
from router.front_plan import FrontMap

WANTS = {
    "a rule of access": lambda router, app: router.gate.add_rules(app, Verdict.DENY, ["10.0.0.0/8"]),
    "a password": lambda router, app: router.gate.set_login(app, "ann", "correct horse"),
    "a limit": lambda router, app: router.gate.set_limits(app, TrafficLimits(connections=5)),
    "a timeout": lambda router, app: router.gate.set_timeouts(app, TrafficTimeouts(idle_s=120)),
    "maintenance": lambda router, app: router.maintenance.turn_on(app),
    "sticky visitors": lambda router, app: router.proxies.set(app, sticky=True),
    "POSTs sent again": lambda router, app: router.proxies.set(app, retry_posts=True),
    "a redirect": lambda router, app: router.add_domain(app, "www.example.com", redirect_to="example.com"),
    "a path on its host": lambda router, app: router.add_domain(app, "example.com/api"),
    "a path on a wildcard": lambda router, app: router.add_domain(app, "*.example.org/api"),
    "a path on the platform's name": lambda router, app: router.add_domain(app, "shop.apps.test/api"),
}


@pytest.fixture
def shop(memory_router: Router, app_id: AppId) -> AppId:
    """An app with a host of each kind, and nothing else."""
    memory_router.name_app(app_id, "shop")
    memory_router.add_domain(app_id, "example.com")
    memory_router.add_domain(app_id, "*.example.org")
    return app_id


def test_an_app_that_only_has_hosts_goes_the_short_way(memory_front, shop):
    assert memory_front.maps[FrontMap.SPECIAL] == {}


@pytest.mark.parametrize("want", WANTS)
def test_an_app_that_wants_something_passes_every_rule(memory_router, memory_front, shop, want):
    WANTS[want](memory_router, shop)
    assert memory_front.maps[FrontMap.SPECIAL] == {shop: "on"}
    memory_router.forget_app(shop)
    assert memory_front.maps[FrontMap.SPECIAL] == {}


def test_it_is_the_app_of_the_host_whose_requests_may_lead_elsewhere(memory_router, memory_front, shop):
    api = AppId(new_id())
    memory_router.add_domain(api, "example.com/api", shares=lambda _: True)
    assert memory_front.maps[FrontMap.SPECIAL] == {shop: "on"}
    memory_router.remove_domain(api, "example.com/api")
    assert memory_front.maps[FrontMap.SPECIAL] == {}


def test_an_app_is_marked_after_all_its_entries_and_unmarked_before_them():
    assert list(FrontMap)[-1] is FrontMap.SPECIAL

"""What people meet at the front door, through a real HAProxy."""

from __future__ import annotations

import pytest

from core.ids import AppId, new_id

pytestmark = pytest.mark.engine


@pytest.fixture
def served(haproxy, start_app, app_id):
    app = start_app("one")
    haproxy.router.name_app(app_id, "shop")
    haproxy.deploy(app_id, "g1", app)
    return app


def test_an_app_answers_at_its_own_host(haproxy, served):
    assert haproxy.get("shop.apps.test") == (200, "one")


@pytest.mark.parametrize("host", ["SHOP.apps.test", "shop.apps.test:8080", "shop.apps.test.", "Shop.Apps.Test.:80"])
def test_case_port_and_final_dot_of_the_host_do_not_matter(haproxy, served, host):
    assert haproxy.get(host) == (200, "one")


def test_an_unknown_host_gets_a_404_page_of_ours(haproxy, served):
    status, page = haproxy.get("nobody.apps.test")
    assert status == 404
    assert "There is no app here" in page


def test_an_app_without_backends_gets_a_503_page_of_ours(haproxy, served, app_id):
    haproxy.deploy(app_id, "g1")
    status, page = haproxy.get("shop.apps.test")
    assert status == 503
    assert "This app is not running" in page
    haproxy.deploy(app_id, "g1", served)
    assert haproxy.get("shop.apps.test") == (200, "one")


def test_an_app_that_never_had_a_release_gets_a_503_page(haproxy):
    haproxy.router.name_app(AppId(new_id()), "fresh")
    assert haproxy.get("fresh.apps.test")[0] == 503


def test_an_app_whose_servers_all_refuse_gets_a_503_page_of_ours(haproxy, served):
    served.stop()
    status, page = haproxy.get("shop.apps.test")
    assert status == 503
    assert "The app does not answer" in page


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_other_instance_answers_when_one_is_dead(haproxy, served, start_app, app_id, method):
    other = start_app("two")
    haproxy.deploy(app_id, "g1", served, other)
    served.stop()
    assert {haproxy.get("shop.apps.test", method=method) for _ in range(10)} == {(200, "two")}


def test_the_app_is_told_about_the_client_by_the_router_alone(haproxy, served):
    lies = {"X-Forwarded-For": "9.9.9.9", "X-Forwarded-Proto": "https", "Forwarded": "for=9.9.9.9", "X-Request-Id": "a"}
    haproxy.get("shop.apps.test", headers=lies)
    seen = served.seen[-1]
    assert seen["x-forwarded-for"] == "127.0.0.1"
    assert seen["x-forwarded-proto"] == "http"
    assert seen["x-forwarded-port"] == str(haproxy.settings.http_port)
    assert len(seen["x-request-id"]) == 36
    assert seen["forwarded"] == 'for=127.0.0.1;host="shop.apps.test";proto=http'


def test_a_custom_domain_leads_to_the_app_until_it_is_removed(haproxy, served, app_id):
    haproxy.router.add_domain(app_id, "WWW.Example.com")
    assert haproxy.get("www.example.com") == (200, "one")
    haproxy.router.remove_domain(app_id, "www.example.com")
    assert haproxy.get("www.example.com")[0] == 404


def test_a_renamed_app_answers_at_its_new_host_only(haproxy, served, app_id):
    haproxy.router.name_app(app_id, "store")
    assert haproxy.get("store.apps.test") == (200, "one")
    assert haproxy.get("shop.apps.test")[0] == 404


def test_a_forgotten_app_is_unknown_and_its_slot_free(haproxy, served, app_id):
    haproxy.router.forget_app(app_id)
    haproxy.router.forget_app(app_id)
    assert haproxy.get("shop.apps.test")[0] == 404
    assert haproxy.router.listed_addresses() == frozenset()

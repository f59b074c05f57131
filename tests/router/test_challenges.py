"""What an authority finds at a token: HAProxy's own answer, whatever else the host does."""

from __future__ import annotations

import secrets

import pytest

from core import clock
from core.ids import new_id
from router.acme_tables import OrderRow
from tests.router.authority import Authority

pytestmark = pytest.mark.engine
PLACE = "/.well-known/acme-challenge/"


@pytest.fixture
def challenged(haproxy, start_app, app_id):
    """A host with an app and a challenge; gives its token and answer."""
    haproxy.router.add_domain(app_id, "www.example.com")
    haproxy.deploy(app_id, "g1", start_app("one"))
    token = secrets.token_urlsafe(32)
    answer = f"{token}.{secrets.token_urlsafe(32)}"
    moment = clock.now()
    with haproxy.database.write() as session:
        row = OrderRow(id=new_id(), app_id=app_id, host="www.example.com", state="pending", token=token, answer=answer)
        row.next_at = row.created_at = moment
        session.add(row)
    haproxy.router.agreement.front_changed()
    return token, answer


def test_a_token_is_answered_before_redirects_maintenance_and_unknown_hosts(haproxy, challenged, app_id):
    token, answer = challenged
    assert haproxy.get("www.example.com", PLACE + token) == (200, answer)
    haproxy.router.certificates.add(app_id, *Authority().issue("www.example.com"))
    haproxy.router.maintenance.turn_on(app_id)
    assert haproxy.get("www.example.com")[0] == 308
    assert haproxy.get("www.example.com", PLACE + token) == (200, answer)
    assert haproxy.get("nobody.example.com")[0] == 404
    assert haproxy.get("nobody.example.com", PLACE + token) == (200, answer)


def test_what_is_no_token_of_ours_is_the_apps(haproxy, challenged):
    token, _ = challenged
    for path in (PLACE, f"{PLACE}{token}x", f"{PLACE}{token}/more", f"/a{PLACE}{token}", f"{PLACE}%2e%2e"):
        assert haproxy.get("www.example.com", path) == (200, "one"), path


def test_a_token_is_there_after_a_restart(haproxy, challenged):
    token, answer = challenged
    haproxy.kill()
    haproxy.start()
    assert haproxy.get("www.example.com", PLACE + token) == (200, answer)

"""Automatic certificates: Heroku's switch, what domains tell, and how each host stands."""

from __future__ import annotations

import pytest

from core import clock
from core.ids import new_id
from releases import App
from router import AcmeSettings
from router.acme_tables import OrderRow
from router.automatic import Automatic
from router.tables import DomainRow


@pytest.fixture
def private(stage) -> None:
    """An authority that vouches for any name."""
    settings = AcmeSettings(agree_terms=True, private_hosts=True)
    stage.router.automatic = Automatic(stage.database, "localhost", settings)


def test_certificates_are_switched_on_and_off_as_on_heroku(api, app: App) -> None:
    assert api.get("/apps/shop").json["acm"] is False
    switched = api.post("/apps/shop/acm", content_type="application/json")
    assert (switched.status_code, switched.json["name"], switched.json["acm"]) == (201, "shop", True)
    assert [each["acm"] for each in api.get("/apps").json] == [True]
    assert api.patch("/apps/shop/acm", json={}).status_code == 202
    assert api.delete("/apps/shop/acm").json["acm"] is False
    assert api.get("/apps/shop/acm").json == {"enabled": False, "hosts": []}


def test_a_server_that_agreed_to_no_terms_asks_for_nothing(stage, api, app: App) -> None:
    stage.router.automatic = Automatic(stage.database, "localhost", AcmeSettings())
    refused = api.post("/apps/shop/acm", json={})
    assert refused.status_code == 422
    assert refused.json["message"].startswith("This server has not agreed to the terms of a certificate authority")
    assert "PORTSIDE_ACME_AGREE_TERMS=yes" in refused.json["message"]


def test_a_server_without_https_asks_for_nothing(stage, api, app: App) -> None:
    stage.router.automatic = Automatic(stage.database, "localhost", AcmeSettings(agree_terms=True), serves_https=False)
    assert api.post("/apps/shop/acm", json={}).json["message"].startswith("This server serves no HTTPS.")


def test_refreshing_needs_it_switched_on(api, app: App) -> None:
    refused = api.patch("/apps/shop/acm", json={})
    assert refused.status_code == 409
    assert refused.json["message"].startswith("This app has no automatic certificates.")


@pytest.mark.usefixtures("private")
def test_each_host_tells_how_it_stands(stage, api, app: App) -> None:
    moment = clock.now()
    with stage.database.write() as session:
        for host in ("www.example.com", "*.example.com", "new.example.com"):
            session.add(DomainRow(id=new_id(), app_id=app.id, host=host, created_at=moment))
        values = {"next_at": moment, "created_at": moment, "failures": 3, "reason": "no such host"}
        session.add(OrderRow(id=new_id(), app_id=app.id, host="www.example.com", state="failing", **values))
    api.post("/apps/shop/acm", json={})
    told = {each["hostname"]: (each["state"], each["reason"]) for each in api.get("/apps/shop/acm").json["hosts"]}
    assert told == {
        "*.example.com": (
            "excluded",
            "a wildcard is proven by DNS, for which this server has no program (PORTSIDE_ACME_DNS_HOOK)",
        ),
        "new.example.com": ("pending", None),
        "www.example.com": ("failing", "no such host"),
    }


@pytest.mark.usefixtures("private")
def test_a_domain_tells_its_acm_status(stage, api, app: App) -> None:
    moment = clock.now()
    api.post("/apps/shop/domains", json={"hostname": "www.example.com"})
    assert [each["acm_status"] for each in api.get("/apps/shop/domains").json] == [None, None]
    api.post("/apps/shop/acm", json={})
    with stage.database.write() as session:
        session.add(DomainRow(id=new_id(), app_id=app.id, host="www.example.com", created_at=moment))
        values = {"next_at": moment, "created_at": moment, "failures": 3, "reason": "no such host"}
        session.add(OrderRow(id=new_id(), app_id=app.id, host="www.example.com", state="failing", **values))
    told = next(each for each in api.get("/apps/shop/domains").json if each["hostname"] == "www.example.com")
    assert (told["acm_status"], told["acm_status_reason"]) == ("failing", "no such host")

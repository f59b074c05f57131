"""Certificates as Heroku's SNI endpoints, and what an app wants of HTTPS."""

from __future__ import annotations

from releases import App
from tests.router.authority import Authority


def test_a_certificate_is_added_shown_and_removed(api, app: App) -> None:
    chain, key = Authority().issue("www.example.com")
    added = api.post("/apps/shop/sni-endpoints", json={"certificate_chain": chain, "private_key": key})
    assert added.status_code == 201
    name = added.json["name"]
    shown = api.get(f"/apps/shop/sni-endpoints/{name}").json
    assert shown == added.json
    assert shown["ssl_cert"]["cert_domains"] == ["www.example.com"]
    assert shown["ssl_cert"]["issuer"] == "CN=Test Between"
    assert shown["ssl_cert"]["expires_at"].endswith("Z")
    assert "PRIVATE KEY" not in str(shown)
    again = {"certificate_chain": chain, "private_key": key}
    assert api.patch(f"/apps/shop/sni-endpoints/{name}", json=again).json["name"] == name
    assert [each["name"] for each in api.get("/apps/shop/sni-endpoints").json] == [name]
    assert api.delete(f"/apps/shop/sni-endpoints/{name}").status_code == 200
    assert api.get(f"/apps/shop/sni-endpoints/{name}").status_code == 404


def test_a_pair_that_does_not_belong_together_is_refused(api, app: App) -> None:
    chain, _ = Authority().issue("www.example.com")
    _, key = Authority().issue("www.example.com")
    refused = api.post("/apps/shop/sni-endpoints", json={"certificate_chain": chain, "private_key": key})
    assert refused.status_code == 422
    assert "The key does not belong to the certificate" in refused.json["message"]


def test_https_is_shown_and_set(api, app: App) -> None:
    assert api.get("/apps/shop/https").json == {"redirect": True, "hsts_s": 0}
    assert api.patch("/apps/shop/https", json={"hsts_s": 60}).json == {"redirect": True, "hsts_s": 60}
    assert api.patch("/apps/shop/https", json={"redirect": False}).json == {"redirect": False, "hsts_s": 60}

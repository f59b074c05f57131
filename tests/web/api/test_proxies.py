"""How requests are passed on to an app."""

from __future__ import annotations

from releases import App


def test_it_is_shown_and_set(api, app: App) -> None:
    usual = {"protocol": "http1", "sticky": False, "retry_posts": False}
    assert api.get("/apps/shop/proxy").json == usual
    assert api.patch("/apps/shop/proxy", json={"sticky": True}).json == usual | {"sticky": True}
    body = {"protocol": "h2c", "sticky": None, "retry_posts": True}
    now = {"protocol": "h2c", "sticky": True, "retry_posts": True}
    assert api.patch("/apps/shop/proxy", json=body).json == api.get("/apps/shop/proxy").json == now


def test_a_protocol_that_there_is_not_is_refused(api, app: App) -> None:
    answer = api.patch("/apps/shop/proxy", json={"protocol": "spdy"})
    assert answer.status_code == 422
    assert "There is no protocol 'spdy': an app speaks http1 or h2c." in answer.json["message"]

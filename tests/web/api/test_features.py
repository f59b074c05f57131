"""Heroku's switches of what an app may have."""

from __future__ import annotations

from releases import App

PATH = "/apps/shop/features/http-session-affinity"


def test_session_affinity_is_sticky_sessions(api, app: App) -> None:
    [listed] = api.get("/apps/shop/features").json
    assert (listed["name"], listed["state"], listed["enabled"]) == ("http-session-affinity", "general", False)
    assert api.patch(PATH, json={"enabled": True}).json == {**listed, "enabled": True}
    assert api.get("/apps/shop/proxy").json["sticky"] is True
    assert api.get(PATH).json["enabled"] is True
    assert api.patch(f"/apps/shop/features/{listed['id']}", json={"enabled": False}).json == listed
    assert api.get("/apps/shop/proxy").json["sticky"] is False


def test_the_rest_of_how_requests_are_passed_on_stays(api, app: App) -> None:
    before = api.patch("/apps/shop/proxy", json={"protocol": "h2c", "retry_posts": True}).json
    api.patch(PATH, json={"enabled": True})
    assert api.get("/apps/shop/proxy").json == before | {"sticky": True}


def test_a_feature_that_there_is_not_is_not_found(api, app: App) -> None:
    for verb in ("GET", "PATCH"):
        answer = api.open("/apps/shop/features/preboot", method=verb, json={"enabled": True})
        assert answer.status_code == 404
        assert answer.json["message"] == "There is no feature preboot.\nThere is: http-session-affinity."


def test_it_has_to_be_said_which_way(api, app: App) -> None:
    assert api.patch(PATH, json={}).status_code == 422
    answer = api.patch(PATH, json={"enabled": "yes"})
    assert answer.json["message"].startswith("The field enabled must be true or false.")
    assert api.get(PATH).json["enabled"] is False

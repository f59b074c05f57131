"""Who gets to an app and how much: networks, users, limits, timeouts."""

from __future__ import annotations

import pytest

from accounts import AppRole
from releases import App

PASSWORD = "correct horse"


def test_networks_are_allowed_denied_shown_and_cleared(api, app: App) -> None:
    assert api.get("/apps/shop/access-rules").json == []
    added = api.post("/apps/shop/access-rules", json={"verdict": "allow", "networks": ["10.0.0.0/8", "::1"]})
    assert added.status_code == 201
    denied = api.post("/apps/shop/access-rules", json={"verdict": "deny", "networks": ["10.66.0.0/16"]})
    assert [(each["verdict"], each["network"]) for each in denied.json["rules"]] == [
        ("allow", "10.0.0.0/8"),
        ("allow", "::1/128"),
        ("deny", "10.66.0.0/16"),
    ]
    assert api.get("/apps/shop/access-rules").json == denied.json["rules"]
    rule = denied.json["rules"][0]
    assert rule["created_at"].endswith("Z")
    assert api.delete(f"/apps/shop/access-rules/{rule['id']}").json == rule
    assert api.delete(f"/apps/shop/access-rules/{rule['id']}").status_code == 404
    assert api.delete("/apps/shop/access-rules").json == {"rules": []}
    assert api.get("/apps/shop/access-rules").json == []


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"verdict": "allow"}, "The field networks must be a list of strings."),
        ({"verdict": "allow", "networks": []}, "The field networks must be a list of strings."),
        ({"verdict": "allow", "networks": [1]}, "The field networks must be a list of strings."),
        ({"verdict": "maybe", "networks": ["::1"]}, "The verdict is 'maybe'; it must be allow or deny."),
        ({"networks": ["::1"]}, "The field verdict is missing."),
        ({"verdict": "deny", "networks": ["x"]}, "'x' is neither an address nor a network."),
    ],
)
def test_rules_that_are_none_are_refused(api, app: App, body, message) -> None:
    answer = api.post("/apps/shop/access-rules", json=body)
    assert answer.status_code == 422
    assert answer.json["message"].startswith(message)


def test_users_get_passwords_that_nobody_sees(api, app: App) -> None:
    put = api.put("/apps/shop/basic-auth/ann", json={"password": PASSWORD})
    assert put.status_code == 200
    assert put.json["user"] == "ann"
    shown = api.get("/apps/shop/basic-auth")
    assert shown.json == [put.json]
    assert shown.json[0].keys() == {"user", "created_at", "updated_at"}
    assert api.put("/apps/shop/basic-auth/ann", json={}).json["message"].startswith("The field password is missing.")
    short = api.put("/apps/shop/basic-auth/ann", json={"password": "geheim"})
    assert short.status_code == 422
    assert "geheim" not in short.text
    assert api.delete("/apps/shop/basic-auth/ann").json == put.json
    assert api.delete("/apps/shop/basic-auth/ann").status_code == 404
    assert api.get("/apps/shop/basic-auth").json == []


def test_limits_change_one_by_one_and_null_takes_one_away(api, app: App) -> None:
    assert api.get("/apps/shop/limits").json == {"requests_per_second": None, "connections": None}
    both = api.patch("/apps/shop/limits", json={"requests_per_second": 20, "connections": 100}).json
    assert both == {"requests_per_second": 20, "connections": 100}
    one = api.patch("/apps/shop/limits", json={"requests_per_second": None}).json
    assert one == {"requests_per_second": None, "connections": 100} == api.get("/apps/shop/limits").json
    refused = api.patch("/apps/shop/limits", json={"connections": 0})
    assert refused.status_code == 422
    assert refused.json["message"].startswith("connections is 0; it must be 1 to 100000.")
    assert api.get("/apps/shop/limits").json == one


def test_timeouts_are_shown_beside_the_usual_ones(api, app: App) -> None:
    usual = {"idle_s": 55.0, "tunnel_s": 3600.0}
    assert api.get("/apps/shop/timeouts").json == {"idle_s": None, "tunnel_s": None, "usual": usual}
    changed = api.patch("/apps/shop/timeouts", json={"idle_s": 120}).json
    assert changed == {"idle_s": 120, "tunnel_s": None, "usual": usual} == api.get("/apps/shop/timeouts").json
    assert api.patch("/apps/shop/timeouts", json={"idle_s": None}).json["idle_s"] is None
    assert api.patch("/apps/shop/timeouts", json={"tunnel_s": 700_000}).status_code == 422


@pytest.mark.parametrize("role", [AppRole.COLLABORATOR, AppRole.VIEWER])
def test_only_who_may_change_the_app_changes_any_of_it(stage, app: App, role: AppRole) -> None:
    stage.user("bob@example.com")
    stage.accounts.grant(app.id, "bob@example.com", role)
    bob = stage.client("bob@example.com")
    changes = [
        ("POST", "access-rules", {"verdict": "deny", "networks": ["::1"]}),
        ("DELETE", "access-rules", None),
        ("DELETE", "access-rules/any", None),
        ("PUT", "basic-auth/bob", {"password": PASSWORD}),
        ("DELETE", "basic-auth/ann", None),
        ("PATCH", "limits", {"connections": 1}),
        ("PATCH", "timeouts", {"idle_s": 1}),
    ]
    for verb, path, body in changes:
        assert bob.open(f"/apps/shop/{path}", method=verb, json=body).status_code == 403, f"{verb} {path}"
    for path in ("access-rules", "basic-auth", "limits", "timeouts"):
        assert bob.get(f"/apps/shop/{path}").status_code == 200, path

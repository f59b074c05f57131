"""Every endpoint, by walking the URL map: nobody gets in without a token, and no stranger to an app."""

from __future__ import annotations

import re

import pytest

from accounts import AppRole, Identity, Permission
from releases import App
from web.api.routing import Access

PUBLIC = {
    "POST /oauth/authorizations",  # asks for e-mail and password, or a token, itself
    "GET /streams/logs/<ticket>",  # the address is signed and expires
    "GET /streams/output/<ticket>",
}
RIGHTS = {
    AppRole.OWNER: set(Permission),
    AppRole.COLLABORATOR: {Permission.VIEW, Permission.DEPLOY},
    AppRole.VIEWER: {Permission.VIEW},
}

OWNERS = {
    "PATCH /apps/<app>", "DELETE /apps/<app>",
    "POST /apps/<app>/collaborators", "DELETE /apps/<app>/collaborators/<user>",
    "POST /apps/<app>/domains", "DELETE /apps/<app>/domains/<path:domain>",
    "POST /apps/<app>/sni-endpoints", "PATCH /apps/<app>/sni-endpoints/<name>",
    "DELETE /apps/<app>/sni-endpoints/<name>", "PATCH /apps/<app>/https",
    "POST /apps/<app>/acm", "DELETE /apps/<app>/acm", "PATCH /apps/<app>/acm",
    "POST /apps/<app>/access-rules", "DELETE /apps/<app>/access-rules", "DELETE /apps/<app>/access-rules/<rule>",
    "PUT /apps/<app>/basic-auth/<user>", "DELETE /apps/<app>/basic-auth/<user>",
    "PATCH /apps/<app>/limits", "PATCH /apps/<app>/timeouts", "PATCH /apps/<app>/proxy",
    "PATCH /apps/<app>/features/<feature>",
}  # fmt: skip
"""What only an owner may do: docs/roles.md."""
SECRET = {"GET /apps/<app>/config-vars", "GET /apps/<app>/releases/<release>/config-vars"}
FREE = {"POST /apps/<app>/log-sessions"}
"""What changes nothing, whatever its verb."""


def endpoints(stage) -> list[tuple[str, str, object]]:
    """(verb, path with something in each place, access rule) of every endpoint that is not a page."""
    found = []
    for rule in stage.app.url_map.iter_rules():
        blueprint, _, name = rule.endpoint.partition(".")
        assert blueprint in ("api", "pages"), f"{rule.endpoint} belongs to neither"
        if blueprint == "api":
            verb, path = name.split(" ", 1)
            found.append((verb, path, stage.app.view_functions[rule.endpoint].portside_rule))
    return found


def address(path: str, app: str) -> str:
    return re.sub(r"<[^>]+>", "something", path.replace("<app>", app))


def test_the_public_endpoints_are_these_and_no_others(stage) -> None:
    assert {f"{verb} {path}" for verb, path, rule in endpoints(stage) if rule is Access.PUBLIC} == PUBLIC


def test_every_other_endpoint_refuses_a_request_without_token(stage, app: App) -> None:
    asked = 0
    for verb, path, rule in endpoints(stage):
        if rule is not Access.PUBLIC:
            answer = stage.client(None).open(address(path, app.name), method=verb, json={})
            assert (answer.status_code, answer.json["id"]) == (401, "unauthorized"), f"{verb} {path}"
            asked += 1
    assert asked > 50


def test_every_other_endpoint_refuses_a_made_up_token(stage, app: App) -> None:
    headers = {"Authorization": "Bearer made-up"}
    for verb, path, rule in endpoints(stage):
        if rule is not Access.PUBLIC:
            answer = stage.client(None).open(address(path, app.name), method=verb, headers=headers)
            assert answer.status_code == 401, f"{verb} {path}"


def test_an_app_does_not_exist_for_a_stranger(stage, app: App) -> None:
    """The words are those for a name that nobody has, so that nothing tells which apps there are."""
    stage.user("stranger@example.com")
    client = stage.client("stranger@example.com")
    unknown = client.get("/apps/never-made").json
    for verb, path, rule in endpoints(stage):
        if isinstance(rule, Permission):
            for name in (app.name, app.id):
                answer = client.open(address(path, name), method=verb, json={})
                assert (answer.status_code, answer.json) == (404, unknown), f"{verb} {path}"


def test_every_path_with_an_app_needs_a_permission_for_it(stage) -> None:
    for verb, path, rule in endpoints(stage):
        assert isinstance(rule, Permission) == ("<app>" in path), f"{verb} {path}"


def test_every_change_to_an_app_needs_more_than_viewing(stage) -> None:
    for verb, path, rule in endpoints(stage):
        if isinstance(rule, Permission) and verb != "GET" and f"{verb} {path}" not in FREE:
            assert rule is not Permission.VIEW, f"{verb} {path}"


def test_every_endpoint_of_an_app_needs_the_permission_that_the_roles_promise(stage) -> None:
    """A new one is for collaborators, runs too, unless it is told of here."""
    rules = {f"{verb} {path}": rule for verb, path, rule in endpoints(stage) if isinstance(rule, Permission)}
    assert rules.keys() > OWNERS | SECRET | FREE
    for name, rule in rules.items():
        looks = (name.startswith("GET ") and name not in SECRET) or name in FREE
        assert rule is (Permission.MANAGE if name in OWNERS else Permission.VIEW if looks else Permission.DEPLOY), name


@pytest.mark.parametrize("role", list(AppRole))
def test_each_role_is_refused_exactly_what_it_may_not_do(stage, app: App, role: AppRole) -> None:
    stage.user("bob@example.com")
    stage.accounts.grant(app.id, "bob@example.com", role)
    client = stage.client("bob@example.com")
    for verb, path, rule in endpoints(stage):
        if isinstance(rule, Permission) and rule not in RIGHTS[role]:
            answer = client.open(address(path, app.name), method=verb, json={})
            assert (answer.status_code, answer.json["id"]) == (403, "forbidden"), f"{verb} {path}"
        elif isinstance(rule, Permission) and verb == "GET":
            answer = client.open(address(path, app.name), method=verb)
            assert answer.status_code != 403, f"{verb} {path}"


def test_a_viewer_reads_no_config_value(stage, app: App, ada: Identity) -> None:
    stage.deploy(app, ada)
    stage.set_config(app, ada, SECRET="swordfish-value")
    stage.user("viewer@example.com")
    stage.accounts.grant(app.id, "viewer@example.com", AppRole.VIEWER)
    client = stage.client("viewer@example.com")
    for verb, path, _ in endpoints(stage):
        if verb == "GET" and "<ticket>" not in path:
            for place in ("something", "1", "2"):
                answer = client.get(re.sub(r"<[^>]+>", place, path.replace("<app>", app.name)))
                assert "swordfish-value" not in answer.text, path


def test_an_admin_sees_every_app(stage, app: App) -> None:
    stage.user("root@example.com", admin=True)
    assert [shown["name"] for shown in stage.client("root@example.com").get("/apps").json] == ["shop"]


def test_a_browser_session_in_a_cookie_opens_no_api(stage, ada: Identity) -> None:
    client = stage.client(None)
    client.set_cookie("portside_session", stage.tokens[ada.email])
    assert client.get("/account").status_code == 401

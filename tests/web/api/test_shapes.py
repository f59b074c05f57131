"""The fields that Heroku's clients fail without, or print (the Platform API's schema, and what its clients read)."""

from __future__ import annotations

from typing import Any

import pytest

from accounts import Identity
from releases import App

NEEDED = {
    "/account": "id email",
    "/account/rate-limits": "remaining",
    "/account/keys": "public_key comment id email fingerprint",
    "/oauth/authorizations": "id description scope access_token access_token.token user user.email",
    "/oauth/authorizations/~": "id access_token user.email",
    "/apps": "id name owner owner.email region.name web_url git_url stack.name",
    "/users/~/apps": "id name owner owner.email region.name locked internal_routing",
    "/apps/shop": "build_stack build_stack.name owner owner.email region region.name repo_size slug_size stack"
    " stack.name acm git_url name web_url maintenance team space created_at updated_at released_at",
    "/apps/shop/releases": "version eligible_for_rollback id created_at current description status user user.email"
    " commit output_stream_url app.id app.name slug addon_plan_names updated_at",
    "/apps/shop/releases/1": "version id created_at description eligible_for_rollback user user.email"
    " output_stream_url status addon_plan_names",
    "/apps/shop/formation": "type quantity size id command app.name",
    "/apps/shop/dynos": "name release release.version release.id state type command size updated_at id app.name",
    "/apps/shop/dynos/web.1": "name release release.version state type command size updated_at",
    "/apps/shop/builds": "id status source_blob.version created_at output_stream_url user.email release buildpacks",
    "/apps/shop/domains": "hostname cname kind status id sni_endpoint app.name created_at updated_at",
    "/apps/shop/domains/www.example.com": "hostname cname kind status id app app.name created_at updated_at",
    "/apps/shop/collaborators": "user user.email role id app.name created_at",
    "/regions": "name description private_capable id",
    "/stacks": "name id",
}


@pytest.fixture
def full(stage, app: App, ada: Identity) -> App:
    """`shop` with one of everything."""
    release = stage.deploy(app, ada)
    stage.runs(app, "web.1", release.version)
    stage.router.add_domain(app.id, "www.example.com")
    stage.pushes.redeploy(app.id, "3f2a", ada)
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMOq7EV4kgbhjGJZjnyD9c2u0u1LRdTVJvpG3yCzVBNA ada@laptop"
    stage.accounts.add_key(ada.user_id, key)
    return app


@pytest.mark.parametrize("path", NEEDED)
def test_the_answer_has_the_fields_that_clients_need(full: App, api, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 200
    assert answer.mimetype == "application/json"
    items = answer.json if isinstance(answer.json, list) else [answer.json]
    assert items
    for item in items:
        for field in NEEDED[path].split():
            assert has(item, field), f"{path} lacks {field}"


def has(item: Any, field: str) -> bool:
    for part in field.split("."):
        if not isinstance(item, dict) or part not in item:
            return False
        item = item[part]
    return True


@pytest.mark.parametrize(
    "path",
    ["/addons", "/addon-attachments", "/pipelines", "/teams", "/account/features"]
    + [f"/apps/shop/{kind}" for kind in ("addons", "sni-endpoints", "log-drains", "buildpack-installations")],
)
def test_what_there_is_not_is_an_empty_list(full: App, api, path: str) -> None:
    answer = api.get(path)
    assert (answer.status_code, answer.json) == (200, [])


def test_an_app_is_in_no_pipeline(full: App, api) -> None:
    assert api.get("/apps/shop/pipeline-couplings").status_code == 404


def test_an_app_says_where_it_answers_and_where_to_push(full: App, api) -> None:
    shown = api.get("/apps/shop", headers={"Host": "paas.example.com:5000"}).json
    assert shown["web_url"] == "http://shop.localhost:8080/"
    assert shown["git_url"] == "http://paas.example.com:5000/shop.git"

"""Apps."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from accounts import AppRole, Identity
from releases import App
from tests.web.api.conftest import Stage


def test_an_app_is_made_with_its_name_and_owned_by_who_asked(stage, api, ada: Identity) -> None:
    made = api.post("/apps", json={"name": "tea-house", "stack": "cedar", "region": "us"})
    assert made.status_code == 201
    assert made.json["owner"] == {"id": ada.user_id, "email": "ada@example.com"}
    assert made.json["web_url"] == "http://tea-house.localhost:8080/"
    assert stage.accounts.collaborators(made.json["id"])[0].role is AppRole.OWNER


def test_an_app_gets_a_name_when_none_is_given(api) -> None:
    name = api.post("/apps").json["name"]
    assert api.get(f"/apps/{name}").status_code == 200


def test_a_taken_name_is_refused_in_herokus_words(api, app: App) -> None:
    answer = api.post("/apps", json={"name": "shop"})
    assert (answer.status_code, answer.json["id"]) == (422, "invalid_params")
    assert answer.json["message"].startswith("Name shop is already taken")


@pytest.mark.parametrize("name", ["ab", "Shop", "1shop", "shop-", "a" * 31, "sh op", "../etc"])
def test_a_name_that_cannot_be_is_refused(api, name: str) -> None:
    assert api.post("/apps", json={"name": name}).status_code == 422


def test_an_app_is_found_by_name_and_by_id(api, app: App) -> None:
    assert api.get("/apps/shop").json == api.get(f"/apps/{app.id}").json


def test_only_ones_own_apps_are_listed_by_name(stage, api, ada: Identity) -> None:
    bob = stage.user("bob@example.com")
    stage.create("bobs", bob)
    for name in ("zebra", "apple"):
        stage.create(name, ada)
    assert [shown["name"] for shown in api.get("/apps").json] == ["apple", "zebra"]
    assert api.get("/users/~/apps").json == api.get("/apps").json


def test_a_long_list_comes_in_pages(stage, api, ada: Identity) -> None:
    for number in range(5):
        stage.create(f"app-{number}", ada)
    first = api.get("/apps", headers={"Range": "name ..; max=2"})
    assert first.status_code == 206
    assert first.headers["Content-Range"] == "name app-0..app-1"
    assert first.headers["Accept-Ranges"] == "name, id"
    second = api.get("/apps", headers={"Range": first.headers["Next-Range"]})
    last = api.get("/apps", headers={"Range": second.headers["Next-Range"]})
    assert [shown["name"] for shown in last.json] == ["app-4"]
    assert (last.status_code, "Next-Range" in last.headers) == (200, False)


def test_an_app_is_renamed_with_its_address(stage, api, app: App) -> None:
    answer = api.patch("/apps/shop", json={"name": "store"})
    assert answer.json["web_url"] == "http://store.localhost:8080/"
    assert api.get("/apps/shop").status_code == 404
    assert api.get("/apps/store").json["id"] == app.id


@pytest.mark.parametrize("body", [{}, {"name": "shop"}, {"build_stack": "debian-13"}, {"maintenance": 0}])
def test_a_change_of_nothing_is_fine(api, app: App, body: dict[str, object]) -> None:
    assert api.patch("/apps/shop", json=body).status_code == 200


def test_a_stack_is_chosen_for_the_next_build(api, app: App) -> None:
    assert api.get("/apps/shop").json["build_stack"]["name"] == "debian-13"
    assert api.patch("/apps/shop", json={"build_stack": "debian-14"}).json["build_stack"]["name"] == "debian-14"
    assert [(shown["name"], shown["stack"]["name"]) for shown in api.get("/apps").json] == [("shop", "debian-14")]
    answer = api.patch("/apps/shop", json={"build_stack": "heroku-24"})
    assert (answer.status_code, answer.json["hint"]) == (
        422,
        "Choose debian-13 or debian-14: portside stack:set debian-13",
    )


def test_an_app_is_made_on_a_stack(api) -> None:
    assert api.post("/apps", json={"name": "next", "stack": "debian-14"}).json["stack"]["name"] == "debian-14"


def test_the_stacks_are_listed_with_their_default(api) -> None:
    shown = [(stack["name"], stack["default"]) for stack in api.get("/stacks").json]
    assert shown == [("debian-13", True), ("debian-14", False)]


def test_maintenance_is_turned_on_and_off(stage, api, app: App) -> None:
    assert api.patch("/apps/shop", json={"maintenance": True, "maintenance_page": "<p>"}).json["maintenance"] is True
    assert stage.router.maintenance.of(app.id).page == "<p>"
    assert api.patch("/apps/shop", json={"build_stack": "debian-13"}).json["maintenance"] is True
    assert [shown["maintenance"] for shown in api.get("/apps").json] == [True]
    assert api.patch("/apps/shop", json={"maintenance": 0}).json["maintenance"] is False
    assert api.get("/apps/shop").json["maintenance"] is False


def test_a_destroyed_app_is_gone_and_its_name_free(api, app: App) -> None:
    assert api.delete("/apps/shop").json["id"] == app.id
    assert api.get("/apps/shop").status_code == 404
    assert api.get("/apps").json == []
    assert api.post("/apps", json={"name": "shop"}).json["id"] != app.id


def test_destroying_an_app_cancels_its_deploy(stage, api, app: App, ada: Identity) -> None:
    push = stage.pushes.redeploy(app.id, "3f2a", ada)
    api.delete("/apps/shop")
    assert stage.pushes.push(push.id).is_final


def test_collaborators_are_added_listed_and_removed(stage, api, app: App) -> None:
    bob = stage.user("bob@example.com")
    added = api.post("/apps/shop/collaborators", json={"user": "bob@example.com", "silent": True})
    assert (added.status_code, added.json["role"]) == (201, "collaborator")
    listed = {part["user"]["email"]: part["role"] for part in api.get("/apps/shop/collaborators").json}
    assert listed == {"ada@example.com": "owner", "bob@example.com": "collaborator"}
    assert stage.client("bob@example.com").get("/apps/shop").status_code == 200
    assert api.get(f"/apps/shop/collaborators/{bob.user_id}").json["user"]["email"] == "bob@example.com"
    assert api.delete("/apps/shop/collaborators/bob@example.com").status_code == 200
    assert stage.client("bob@example.com").get("/apps/shop").status_code == 404


def test_a_viewer_is_a_role_of_our_own(stage, api, app: App) -> None:
    stage.user("bob@example.com")
    assert (
        api.post("/apps/shop/collaborators", json={"user": "bob@example.com", "role": "viewer"}).json["role"]
        == "viewer"
    )


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 422), ({"user": "nobody@example.com"}, 404), ({"user": "ada@example.com", "role": "king"}, 422)],
)
def test_an_impossible_collaborator_is_refused(api, app: App, body: dict[str, str], status: int) -> None:
    assert api.post("/apps/shop/collaborators", json=body).status_code == status


def test_the_only_owner_stays(api, app: App) -> None:
    assert api.delete("/apps/shop/collaborators/ada@example.com").status_code == 422
    assert api.delete("/apps/shop/collaborators/nobody@example.com").status_code == 404


def test_domains_are_added_shown_and_removed(api, app: App) -> None:
    added = api.post("/apps/shop/domains", json={"hostname": "www.example.com", "sni_endpoint": None})
    assert (added.status_code, added.json["cname"]) == (201, "shop.localhost")
    kinds = {domain["hostname"]: domain["kind"] for domain in api.get("/apps/shop/domains").json}
    assert kinds == {"shop.localhost": "heroku", "www.example.com": "custom"}
    assert api.get("/apps/shop/domains/WWW.example.com.").json["id"] == added.json["id"]
    assert api.delete("/apps/shop/domains/www.example.com").status_code == 200
    assert api.get("/apps/shop/domains/www.example.com").status_code == 404


def test_a_domain_can_send_people_on_to_another(api, app: App) -> None:
    added = api.post("/apps/shop/domains", json={"hostname": "example.com", "redirect_to": "www.example.com"})
    assert added.json["redirect_to"] == "www.example.com"


def test_a_path_of_a_domain_can_lead_to_an_app(api, app: App) -> None:
    added = api.post("/apps/shop/domains", json={"hostname": "www.example.com/api", "strip_path": True})
    assert (added.status_code, added.json["hostname"], added.json["strip_path"]) == (201, "www.example.com/api", True)
    for spelt in ("www.example.com/api", "www.example.com%2Fapi", added.json["id"]):
        assert api.get(f"/apps/shop/domains/{spelt}").json["id"] == added.json["id"]
    assert api.delete("/apps/shop/domains/www.example.com%2Fapi").status_code == 200
    assert api.get("/apps/shop/domains/www.example.com/api").status_code == 404


def test_a_domain_is_pending_until_the_router_has_it(api, stage: Stage, app: App) -> None:
    api.post("/apps/shop/domains", json={"hostname": "www.example.com"})
    stage.router.waiting.add("www.example.com")
    assert api.get("/apps/shop/domains/www.example.com").json["status"] == "pending"
    stage.router.waiting.clear()
    assert api.get("/apps/shop/domains/www.example.com").json["status"] == "succeeded"


def test_names_may_overlap_with_those_of_apps_that_the_same_person_manages(api, stage: Stage, app: App) -> None:
    stage.router.labels["somebody-elses"] = "theirs"
    api.post("/apps/shop/domains", json={"hostname": "*.example.com"})
    assert stage.router.shared == {app.id}


@pytest.mark.parametrize("body", [{}, {"hostname": "not a host"}])
def test_an_impossible_domain_is_refused(api, app: App, body: dict[str, str]) -> None:
    assert api.post("/apps/shop/domains", json=body).status_code == 422


def test_a_list_of_many_apps_takes_no_more_queries_than_one_of_few(stage, api, ada: Identity) -> None:
    def queries() -> int:
        counted: list[str] = []
        listener = lambda *args: counted.append(args[2])  # noqa: E731
        event.listen(stage.database.engine, "before_cursor_execute", listener)
        assert api.get("/apps").status_code == 200
        event.remove(stage.database.engine, "before_cursor_execute", listener)
        return len(counted)

    stage.create("first", ada)
    few = queries()
    for number in range(20):
        stage.create(f"app-{number}", ada)
    assert queries() == few

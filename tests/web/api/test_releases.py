"""Config, releases, rollback, builds, and their output."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest

from accounts import Identity
from core.ids import new_id
from core.timing import Step
from gitreceiver.waterfall import Built
from releases import App
from tests.web.api.conftest import KeepsAllImages


def path_of(url: str) -> str:
    return urlsplit(url).path


def test_config_is_set_read_and_unset(stage, api, app: App) -> None:
    answer = api.patch("/apps/shop/config-vars", json={"B": "2", "A": "one"})
    assert (answer.status_code, answer.json) == (200, {"A": "one", "B": "2"})
    assert api.patch("/apps/shop/config-vars", json={"A": None}).json == {"B": "2"}
    assert api.get("/apps/shop/config-vars").json == {"B": "2"}


def test_a_change_of_config_is_the_newest_release(api, app: App) -> None:
    api.patch("/apps/shop/config-vars", json={"A": "1"})
    api.patch("/apps/shop/config-vars", json={"A": "2"})
    newest = api.get("/apps/shop/releases", headers={"Range": "version ..; order=desc,max=1"})
    assert [release["version"] for release in newest.json] == [2]
    assert newest.status_code == 206
    assert newest.headers["Next-Range"] == "version ]2..; order=desc, max=1"


@pytest.mark.parametrize("body", [{}, {"A": 1}, {"A": ["x"]}, {"1A": "x"}, {"PORT": "1"}])
def test_impossible_config_is_refused(api, app: App, body: dict[str, object]) -> None:
    assert api.patch("/apps/shop/config-vars", json=body).status_code == 422


def test_the_config_of_a_release_is_kept(stage, api, app: App, ada: Identity) -> None:
    stage.deploy(app, ada)
    stage.set_config(app, ada, COLOR="red")
    stage.set_config(app, ada, COLOR="blue")
    assert api.get("/apps/shop/releases/2/config-vars").json == {"COLOR": "red"}


def test_releases_come_oldest_first_unless_asked_otherwise(stage, api, app: App, ada: Identity) -> None:
    for _ in range(3):
        stage.deploy(app, ada)
    assert [release["version"] for release in api.get("/apps/shop/releases").json] == [1, 2, 3]
    newest = api.get("/apps/shop/releases", headers={"Range": "version ..; max=2, order=desc"})
    assert [release["version"] for release in newest.json] == [3, 2]
    rest = api.get("/apps/shop/releases", headers={"Range": newest.headers["Next-Range"]})
    assert [release["version"] for release in rest.json] == [1]


def test_exactly_one_release_is_current_and_it_is_eligible_too(stage, api, app: App, ada: Identity) -> None:
    stage.deploy(app, ada)
    stage.set_config(app, ada, A="1")
    shown = api.get("/apps/shop/releases").json
    assert [release["current"] for release in shown] == [False, True]
    assert [release["eligible_for_rollback"] for release in shown] == [True, True]
    assert [release["status"] for release in shown] == ["succeeded", "succeeded"]


def test_a_release_whose_image_the_registry_lost_is_not_eligible(
    stage, api, app: App, ada: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.deploy(app, ada)
    monkeypatch.setattr(KeepsAllImages, "has", lambda self, ref, closely=False: False)
    stage.releases.check_images(app.id)
    shown = api.get("/apps/shop/releases/1").json
    assert shown["eligible_for_rollback"] is False
    assert shown["not_eligible_reason"] == "the registry has lost its image, and the engine has no copy of it"


def test_a_release_is_found_by_number_by_name_and_by_id(stage, api, app: App, ada: Identity) -> None:
    release = stage.deploy(app, ada)
    by_id = api.get(f"/apps/shop/releases/{release.id}").json
    assert by_id["version"] == 1
    for name in ("1", "v1"):
        assert api.get(f"/apps/shop/releases/{name}").json["id"] == by_id["id"]
    for name in ("9", "v9", "x", new_id()):
        assert api.get(f"/apps/shop/releases/{name}").status_code == 404


def test_a_release_of_another_app_is_not_found(stage, api, app: App, ada: Identity) -> None:
    other = stage.create("other", ada)
    release = stage.deploy(other, ada)
    assert api.get(f"/apps/shop/releases/{release.id}").status_code == 404
    assert api.post("/apps/shop/releases", json={"release": release.id}).status_code == 404


@pytest.mark.parametrize("form", ["id", "number", "v", "digits"])
def test_a_rollback_takes_every_form_of_a_release(stage, api, app: App, ada: Identity, form: str) -> None:
    first = stage.deploy(app, ada)
    stage.deploy(app, ada)
    wanted = {"id": first.id, "number": 1, "v": "v1", "digits": "1"}[form]
    answer = api.post("/apps/shop/releases", json={"release": wanted})
    assert answer.status_code == 201
    assert (answer.json["version"], answer.json["status"]) == (3, "pending")
    assert answer.json["description"] == "Rollback to v1"
    assert answer.json["output_stream_url"].startswith("http://localhost/streams/output/")


@pytest.mark.parametrize("wanted", [None, "previous"])
def test_a_rollback_without_number_goes_to_the_one_before(stage, api, app: App, ada: Identity, wanted) -> None:
    for _ in range(3):
        stage.deploy(app, ada)
    assert api.post("/apps/shop/releases", json={"release": wanted}).json["description"] == "Rollback to v2"


def test_a_rollback_of_the_code_only_says_so(stage, api, app: App, ada: Identity) -> None:
    stage.deploy(app, ada)
    stage.deploy(app, ada)
    answer = api.post("/apps/shop/releases", json={"release": "v1", "code_only": True})
    assert answer.json["description"] == "Rollback to v1 (code only)"


def test_a_rollback_may_run_the_release_phase_again(stage, api, app: App, ada: Identity) -> None:
    stage.deploy(app, ada)
    stage.deploy(app, ada)
    answer = api.post("/apps/shop/releases", json={"release": "v1", "release_phase": True})
    assert answer.json["message"].startswith("v1 has no release phase: there was no `release:` in its Procfile.")


@pytest.mark.parametrize(
    "body", [{}, {"slug": "x"}, {"release": True}, {"release": ["v1"]}, {"release": 1, "code_only": 7}]
)
def test_an_impossible_rollback_is_refused(stage, api, app: App, ada: Identity, body: dict[str, object]) -> None:
    stage.deploy(app, ada)
    stage.deploy(app, ada)
    assert api.post("/apps/shop/releases", json=body).status_code == 422
    assert len(api.get("/apps/shop/releases").json) == 2


def test_a_preview_names_the_keys_that_would_change_and_no_value(stage, api, app: App, ada: Identity) -> None:
    stage.deploy(app, ada, commit="a" * 40)
    stage.deploy(app, ada, commit="b" * 40)
    stage.set_config(app, ada, COLOR="swordfish-value")
    answer = api.get("/apps/shop/releases/v1/preview")
    assert answer.json["config"] == {"added": [], "removed": ["COLOR"], "changed": []}
    assert (answer.json["version"], answer.json["current_version"], answer.json["code_changes"]) == (1, 3, True)
    assert answer.json["lines"] == ["code: bbbbbbb -> aaaaaaa", "config: removes COLOR"]
    assert "swordfish-value" not in answer.text
    assert api.get("/apps/shop/releases/v1/preview?code_only=true").json["config"]["removed"] == []
    assert api.get("/apps/shop/releases/previous/preview").json["version"] == 2


def test_a_commit_is_deployed_again(stage, api, app: App) -> None:
    made = api.post("/apps/shop/builds", json={"commit": "3f2a91c0"})
    assert (made.status_code, made.json["status"]) == (201, "pending")
    assert api.get(f"/apps/shop/builds/{made.json['id']}").json == {**made.json, "output_stream_url": Anything()}
    assert [build["id"] for build in api.get("/apps/shop/builds").json] == [made.json["id"]]


class Anything:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("body", "status"), [({}, 422), ({"commit": "ffff"}, 404), ({"source_blob": {"url": "http://x/y.tgz"}}, 422)]
)
def test_an_impossible_build_is_refused(api, app: App, body: dict[str, object], status: int) -> None:
    assert api.post("/apps/shop/builds", json=body).status_code == status


@pytest.mark.parametrize("named", [True, False])
def test_a_build_under_way_is_cancelled(stage, api, app: App, ada: Identity, named: bool) -> None:
    push = stage.pushes.redeploy(app.id, "3f2a", ada)
    answer = api.delete(f"/apps/shop/builds/{push.id}" if named else "/apps/shop/builds")
    assert (answer.status_code, answer.json["status"]) == (200, "failed")
    assert api.delete("/apps/shop/builds").status_code == 409


def test_a_build_shows_what_took_how_long(stage, api, app: App, ada: Identity) -> None:
    push = stage.pushes.redeploy(app.id, "3f2a91c0", ada)
    stage.pushes.known = [replace(push, total_ms=900, steps=(Step("build", 20, 500),))]
    shown = api.get(f"/apps/shop/builds/{push.id}").json
    assert shown["total_ms"] == 900
    assert shown["steps"] == [{"name": "build", "began_ms": 20, "took_ms": 500}]


def test_builds_of_the_same_second_stand_in_their_order(stage, api, app: App, ada: Identity) -> None:
    push, second = stage.pushes.redeploy(app.id, "3f2a91c0", ada), datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
    made = [replace(push, id=new_id(), created_at=second + timedelta(milliseconds=100 * place)) for place in range(9)]
    stage.pushes.known = made
    newest_first = api.get("/apps/shop/builds", headers={"Range": "created_at ..; order=desc, max=4"})
    assert [build["id"] for build in newest_first.json] == [one.id for one in reversed(made)][:4]
    rest = api.get("/apps/shop/builds", headers={"Range": newest_first.headers["Next-Range"]})
    assert [build["id"] for build in rest.json] == [one.id for one in reversed(made)][4:8]


def test_a_build_tells_its_stack_or_while_it_has_none_that_of_the_app(stage, api, app: App, ada: Identity) -> None:
    push = stage.pushes.redeploy(app.id, "3f2a91c0", ada)
    assert api.get(f"/apps/shop/builds/{push.id}").json["stack"] == "debian-13"
    stage.pushes.known = [replace(push, stack="debian-14", built=Built.WARM)]
    shown = api.get("/apps/shop/builds").json[0]
    assert (shown["stack"], shown["built"]) == ("debian-14", "warm")


def test_the_build_caches_of_an_app_are_purged(stage, api, app: App) -> None:
    assert api.delete("/apps/shop/build-cache").status_code == 202
    assert stage.pushes.purged == [app.id]


def test_a_build_of_another_app_is_not_found(stage, api, app: App, ada: Identity) -> None:
    push = stage.pushes.redeploy(stage.create("other", ada).id, "3f2a", ada)
    assert api.get(f"/apps/shop/builds/{push.id}").status_code == 404
    assert api.delete(f"/apps/shop/builds/{push.id}").status_code == 404


def test_the_output_of_a_release_is_read_without_a_token(stage, api, app: App, ada: Identity) -> None:
    release = stage.set_config(app, ada, A="1")
    writer = stage.parts.logs.writer(release.log_id)
    url = api.get("/apps/shop/releases/1").json["output_stream_url"]
    answer = stage.client(None).get(path_of(url))
    assert answer.status_code == 200
    assert answer.mimetype == "text/plain"
    assert answer.text == stage.parts.logs.text(writer.log_id)


def test_the_output_of_a_build_is_its_log(stage, api, app: App, ada: Identity) -> None:
    push = stage.pushes.redeploy(app.id, "3f2a", ada)
    log = stage.parts.logs.writer(push.log_id)
    log.step("Python app detected")
    log.close()
    url = api.get(f"/apps/shop/builds/{push.id}").json["output_stream_url"]
    assert stage.client(None).get(path_of(url)).text == "-----> Python app detected\n"


def test_the_output_ends_when_the_record_is_final_though_nobody_closed_its_log(
    stage, api, app: App, ada: Identity
) -> None:
    push = stage.pushes.redeploy(app.id, "3f2a", ada)
    url = api.get(f"/apps/shop/builds/{push.id}").json["output_stream_url"]
    stage.pushes.cancel(app.id)
    assert stage.client(None).get(path_of(url)).text == ""


@pytest.mark.parametrize("kind", ["output", "logs"])
def test_a_made_up_stream_address_leads_nowhere(stage, kind: str) -> None:
    assert stage.client(None).get(f"/streams/{kind}/eyJhcHAiOiJ4In0.aaaa.bbbb").status_code == 404


def test_one_streams_ticket_opens_no_other(stage, api, app: App, ada: Identity) -> None:
    stage.deploy(app, ada)
    output = path_of(api.get("/apps/shop/releases/1").json["output_stream_url"])
    logs = path_of(api.post("/apps/shop/log-sessions", json={}).json["logplex_url"])
    assert stage.client(None).get(output.replace("/output/", "/logs/")).status_code == 404
    assert stage.client(None).get(logs.replace("/logs/", "/output/")).status_code == 404

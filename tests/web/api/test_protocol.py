"""What holds for every request: credentials, errors, headers, limits."""

from __future__ import annotations

import base64

import pytest

from accounts import Identity
from core.queue import undelivered
from releases import App


def basic(user: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()}


@pytest.mark.parametrize("form", ["bearer", "basic without user", "basic with user"])
def test_a_token_is_taken_in_each_form_that_clients_send(stage, ada: Identity, form: str) -> None:
    token = stage.tokens[ada.email]
    headers = {
        "bearer": {"Authorization": f"Bearer {token}"},
        "basic without user": basic("", token),
        "basic with user": basic("heroku", token),
    }[form]
    assert stage.client(None).get("/account", headers=headers).json["email"] == "ada@example.com"


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic", "Basic !!!", "Basic Og==", "Digest x", "Basic /w=="]
)
def test_a_broken_authorization_header_is_no_token(stage, header: str) -> None:
    answer = stage.client(None).get("/account", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="Portside"'


def test_a_password_is_no_token(stage, ada: Identity) -> None:
    assert stage.client(None).get("/account", headers=basic(ada.email, "correct horse battery")).status_code == 401


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "*/*",
        "application/json",
        "application/vnd.heroku+json; version=3",
        "application/vnd.heroku+json; version=3.sdk",
    ],
)
def test_any_accept_header_gets_json(api, accept: str | None) -> None:
    answer = api.get("/account", headers={"Accept": accept} if accept else {})
    assert (answer.status_code, answer.mimetype) == (200, "application/json")


def test_every_answer_has_an_id_and_says_how_many_requests_are_left(api) -> None:
    first, second = api.get("/account"), api.get("/apps/nothing")
    assert first.headers["Request-Id"] != second.headers["Request-Id"]
    assert first.headers["RateLimit-Remaining"] == second.headers["RateLimit-Remaining"] == "4500"
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    assert first.headers["Cache-Control"] == second.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("verb", "path", "status", "name"),
    [
        ("GET", "/nothing/here", 404, "not_found"),
        ("GET", "/apps/shop/webhooks", 404, "not_found"),
        ("POST", "/apps/shop/addons", 405, "method_not_allowed"),
        ("PUT", "/account", 405, "method_not_allowed"),
    ],
)
def test_what_is_not_served_is_told_in_json(api, app: App, verb: str, path: str, status: int, name: str) -> None:
    answer = api.open(path, method=verb)
    assert (answer.status_code, answer.json["id"]) == (status, name)
    assert answer.json["message"]


def test_an_error_tells_the_hint_in_the_message_and_by_itself(api) -> None:
    answer = api.get("/apps/nothing-here")
    assert answer.status_code == 404
    assert answer.json == {
        "id": "not_found",
        "message": "Couldn't find that app.\nSee your apps: portside apps",
        "hint": "See your apps: portside apps",
    }


def test_a_bug_is_told_by_its_id_only(stage, api, app: App, caplog: pytest.LogCaptureFixture) -> None:
    def breaks(_: str) -> None:
        raise RuntimeError("secret detail")

    stage.router.url = breaks
    answer = api.get("/apps/shop")
    assert answer.status_code == 500
    assert answer.json["id"] == "internal_server_error"
    assert "secret detail" not in answer.text
    assert answer.json["error_id"] in caplog.text
    assert "secret detail" in caplog.text


@pytest.mark.parametrize("body", ["{", "[]", '"x"', "nonsense", "\xff"])
def test_a_body_that_is_no_object_is_refused(api, app: App, body: str) -> None:
    answer = api.patch("/apps/shop", data=body, content_type="application/json")
    assert (answer.status_code, answer.json["id"]) == (400, "bad_request")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", None])
def test_an_empty_body_is_an_empty_object_whatever_its_type(api, app: App, content_type: str | None) -> None:
    assert api.patch("/apps/shop", data="", content_type=content_type).status_code == 200


def test_a_huge_body_is_refused(api) -> None:
    answer = api.post("/apps", data=b"x" * 1_000_001, content_type="application/json")
    assert (answer.status_code, answer.json["id"]) == (413, "payload_too_large")


def test_a_field_of_the_wrong_kind_is_named(api) -> None:
    answer = api.post("/apps", json={"name": 7})
    assert (answer.status_code, answer.json["id"]) == (422, "invalid_params")
    assert answer.json["message"].startswith("The field name must be a string.")


def test_git_paths_go_to_git_and_not_to_the_api(stage) -> None:
    answer = stage.client(None).post("/shop.git/git-receive-pack", data=b"x" * 2_000_000)
    assert answer.text == "git /shop.git/git-receive-pack"


def test_a_configured_address_stands_in_every_link(stage, api, app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    object.__setattr__(stage.parts.settings, "public_url", "https://paas.example.com/")
    assert api.get("/apps/shop").json["git_url"] == "https://paas.example.com/shop.git"
    session = api.post("/apps/shop/log-sessions", json={}).json
    assert session["logplex_url"].startswith("https://paas.example.com/streams/logs/")


def test_an_answer_says_once_that_the_queue_did_not_take_what_was_asked_for(api) -> None:
    undelivered.set(True)
    told = api.get("/account").headers["Portside-Notice"]
    assert (
        told == "The server's queue does not answer. What was asked for is recorded, and begins when the queue is back."
    )
    assert "Portside-Notice" not in api.get("/account").headers

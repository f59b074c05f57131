"""The account, its keys, logging in and out."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from accounts import Identity, TokenKind

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMOq7EV4kgbhjGJZjnyD9c2u0u1LRdTVJvpG3yCzVBNA ada@laptop\n"


def password(email: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{email}:{secret}".encode()).decode()}


def log_in(stage, email: str = "ada@example.com", secret: str = "correct horse battery", **body: object):
    return stage.client(None).post("/oauth/authorizations", json=body, headers=password(email, secret))


def test_logging_in_gives_a_token_that_works(stage, ada: Identity) -> None:
    answer = log_in(stage, description="Heroku CLI login from HOST", expires_in=2592000, scope=["global"])
    assert answer.status_code == 201
    assert answer.json["user"]["email"] == "ada@example.com"
    assert 2591990 <= answer.json["access_token"]["expires_in"] <= 2592000
    token = answer.json["access_token"]["token"]
    assert stage.accounts.identify(token) == ada
    assert stage.accounts.token_of(token).kind is TokenKind.LOGIN


def test_a_login_expires_even_if_not_asked_to(stage, ada: Identity) -> None:
    assert 0 < log_in(stage).json["access_token"]["expires_in"] <= 30 * 86_400


def test_a_wrong_password_is_refused(stage, ada: Identity) -> None:
    answer = log_in(stage, secret="wrong password")
    assert (answer.status_code, answer.json["id"]) == (401, "unauthorized")


def test_guessing_passwords_is_stopped(stage, ada: Identity) -> None:
    for _ in range(10):
        log_in(stage, secret="wrong password")
    answer = log_in(stage)
    assert (answer.status_code, answer.json["id"]) == (429, "rate_limit")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer made-up"}])
def test_no_authorization_without_credentials(stage, headers: dict[str, str]) -> None:
    assert stage.client(None).post("/oauth/authorizations", json={}, headers=headers).status_code == 401


def test_a_token_makes_a_further_token_that_outlives_a_new_password(stage, api, ada: Identity) -> None:
    made = api.post("/oauth/authorizations", json={"description": "ci"}).json
    assert made["access_token"]["expires_in"] is None
    stage.accounts.set_password(ada.email, "another long password")
    assert stage.accounts.identify(made["access_token"]["token"]) == ada


def test_an_impossible_expiry_is_refused(api) -> None:
    assert api.post("/oauth/authorizations", json={"expires_in": 0}).status_code == 422


def test_the_list_shows_no_secret_but_the_one_in_use(stage, api, ada: Identity) -> None:
    other = api.post("/oauth/authorizations", json={"description": "other"}).json["access_token"]["token"]
    listed = api.get("/oauth/authorizations")
    assert other not in listed.text
    assert [entry["access_token"]["token"] for entry in listed.json].count(stage.tokens[ada.email]) == 1
    assert api.get("/oauth/authorizations/~").json["access_token"]["token"] is None


def test_browser_sessions_are_not_in_the_list(stage, api, ada: Identity) -> None:
    record, _ = stage.accounts.issue_token(ada.user_id, "Browser", kind=TokenKind.SESSION)
    assert record.id not in [entry["id"] for entry in api.get("/oauth/authorizations").json]
    assert api.delete(f"/oauth/authorizations/{record.id}").status_code == 404


def test_logging_out_as_herokus_client_does_ends_the_token(stage, ada: Identity) -> None:
    token = log_in(stage).json["access_token"]["token"]
    client = stage.client(None)
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    session = client.delete("/oauth/sessions/~")
    assert (session.status_code, session.json["id"], session.json["resource"]) == (404, "not_found", "session")
    default = client.get("/oauth/authorizations/~").json["access_token"]["token"]
    for entry in client.get("/oauth/authorizations").json:
        if entry["access_token"]["token"] == token != default:
            assert client.delete(f"/oauth/authorizations/{entry['id']}").status_code == 200
    assert stage.accounts.identify(token) is None
    assert client.get("/account").status_code == 401


def test_the_authorization_in_use_is_ended_by_its_short_name(stage, ada: Identity) -> None:
    token = log_in(stage).json["access_token"]["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert stage.client(None).delete("/oauth/authorizations/~", headers=headers).status_code == 200
    assert stage.accounts.identify(token) is None


def test_nobody_sees_or_ends_anothers_token(stage, api, ada: Identity) -> None:
    stage.user("bob@example.com")
    ours = api.get("/oauth/authorizations").json[0]["id"]
    bob = stage.client("bob@example.com")
    assert ours not in bob.get("/oauth/authorizations").text
    assert bob.get(f"/oauth/authorizations/{ours}").status_code == 404
    assert bob.delete(f"/oauth/authorizations/{ours}").status_code == 404


def test_a_key_is_added_listed_and_removed(stage, api, ada: Identity) -> None:
    made = api.post("/account/keys", json={"public_key": KEY})
    assert made.status_code == 201
    assert made.json["comment"] == "ada@laptop"
    assert [key["id"] for key in api.get("/account/keys").json] == [made.json["id"]]
    assert stage.accounts.identify_key(made.json["fingerprint"]) == ada
    assert api.delete(f"/account/keys/{made.json['id']}").status_code == 200
    assert api.get("/account/keys").json == []


@pytest.mark.parametrize("encode", [lambda text: text, lambda text: quote(text, safe="")])
def test_a_key_is_found_by_its_fingerprint_encoded_or_not(api, encode) -> None:
    fingerprint = api.post("/account/keys", json={"public_key": KEY}).json["fingerprint"]
    assert api.get(f"/account/keys/{encode(fingerprint)}").json["fingerprint"] == fingerprint
    assert api.delete(f"/account/keys/{encode(fingerprint)}").status_code == 200


@pytest.mark.parametrize("body", [{}, {"public_key": ""}, {"public_key": "hello"}, {"public_key": 5}])
def test_a_bad_key_is_refused(api, body: dict[str, object]) -> None:
    answer = api.post("/account/keys", json=body)
    assert (answer.status_code, answer.json["id"]) == (422, "invalid_params")


def test_an_unknown_key_is_not_found(api) -> None:
    assert api.delete("/account/keys/nothing").status_code == 404

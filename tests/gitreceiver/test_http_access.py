"""Cloning and fetching over HTTP with the real git command, and who is let in."""

from __future__ import annotations

import os

import pytest

from core.ids import AppId, new_id

pytestmark = pytest.mark.programs


def test_an_empty_repository_can_be_cloned(accepting, serve_http, new_client):
    other = new_client("other")
    done = other.git("clone", f"{serve_http(accepting)}/shop.git", ".")
    assert "You appear to have cloned an empty repository" in done.stderr


def test_clone_fetch_and_shallow_clone(accepting, serve_http, client, new_client):
    url = f"{serve_http(accepting)}/shop.git"
    client.commit()
    client.commit("second.py")
    client.push(url, "main")
    other, shallow = new_client("other"), new_client("shallow")
    other.git("clone", "--quiet", url, ".")
    shallow.git("clone", "--quiet", "--depth=1", url, ".")
    assert other.head() == shallow.head() == client.head()
    assert shallow.git("rev-list", "--count", "HEAD").stdout.strip() == "1"
    client.commit("third.py")
    client.push(url, "main")
    other.git("pull", "--quiet")
    shallow.git("fetch", "--quiet", "--unshallow")
    assert other.head() == client.head()
    assert shallow.git("rev-list", "--count", "origin/main").stdout.strip() == "3"


def test_clients_of_every_protocol_version_can_clone(accepting, serve_http, client, new_client):
    url = f"{serve_http(accepting)}/shop.git"
    commit = client.commit()
    client.push(url, "main")
    for version in ("0", "1", "2"):
        other = new_client(f"v{version}")
        other.git("-c", f"protocol.version={version}", "clone", "--quiet", url, ".")
        assert other.head() == commit


def test_the_history_of_many_small_pushes_survives_a_prune(hall, accepting, serve_http, client, new_client):
    url = f"{serve_http(accepting)}/shop.git"
    for number in range(4):
        client.commit(content=f"print({number})\n")
        client.push(url, "main")
    hall.repositories.prune(hall.app_id)
    assert len(list(hall.repositories.path(hall.app_id).glob("objects/pack/*.pack"))) == 1
    other = new_client("other")
    other.git("clone", "--quiet", url, ".")
    assert other.git("rev-list", "--count", "HEAD").stdout.strip() == "4"


def test_no_token_and_a_wrong_token_are_refused(hall, accepting, serve_http, client):
    client.commit()
    url = f"{serve_http(accepting)}/shop.git"
    none = client.push(url.replace(f"ada:{hall.token}@", ""), "main")
    wrong = client.push(url.replace(hall.token, "wrong"), "main")
    assert "could not read Username" in none.stderr
    assert "remote: That token is not valid." in wrong.stderr
    assert "Authentication failed" in wrong.stderr


def test_a_bearer_token_is_taken_too(hall, accepting, serve_http, client):
    client.commit()
    url = f"{serve_http(accepting)}/shop.git".replace(f"ada:{hall.token}@", "")
    client.git("config", "http.extraHeader", f"Authorization: Bearer {hall.token}")
    assert client.push(url, "main").returncode == 0


def test_another_users_app_is_not_told_from_none(hall, accepting, serve_http, client):
    hall.apps["hidden"] = AppId(new_id())
    client.commit()
    base = serve_http(accepting)
    hidden, missing = (client.push(f"{base}/{name}.git", "main").stderr for name in ("hidden", "nothing"))
    assert "remote: There is no app hidden that ada@example.com may see." in hidden
    assert hidden.replace("hidden", "NAME") == missing.replace("nothing", "NAME")


def test_who_may_only_see_an_app_may_clone_but_not_push_it(hall, accepting, serve_http, client, new_client):
    bob = hall.accounts.add_user("bob@example.com", "correct horse battery")
    hall.accounts.grant(hall.app_id, bob.user_id, "viewer")
    _, token = hall.accounts.issue_token(bob.user_id, "test")
    commit = client.commit()
    url = f"{serve_http(accepting)}/shop.git"
    client.push(url, "main")
    other = new_client("other")
    other.git("clone", "--quiet", url.replace(hall.token, token), ".")
    assert other.head() == commit
    other.commit("mine.py")
    done = other.push("origin", "main")
    assert "remote: bob@example.com may see shop but not deploy it." in done.stderr
    assert "403" in done.stderr


def test_a_big_clone_streams(accepting, serve_http, client, new_client, noise):
    url = f"{serve_http(accepting)}/shop.git"
    client.commit("a.bin", noise(1.5))
    client.commit("b.bin", noise(1.5))
    client.push(url, "main")
    other = new_client("other")
    other.git("clone", "--quiet", url, ".")
    assert (other.path / "b.bin").read_bytes() == (client.path / "b.bin").read_bytes()
    assert os.stat(other.path / "a.bin").st_size == int(1.5 * 1024 * 1024)

"""Pushing over HTTP with the real git command."""

from __future__ import annotations


def test_a_push_streams_the_log_and_moves_the_branch(hall, accepting, serve_http, client):
    commit = client.commit()
    done = client.push(f"{serve_http(accepting)}/shop.git", "main")
    assert done.returncode == 0, done.stderr
    assert "remote: -----> Python app detected" in done.stderr
    assert "remote: -----> Released v1" in done.stderr
    assert "* [new branch]      main -> main" in done.stderr
    assert hall.branch() == commit
    (app_id, identity, update, options) = accepting.received[0]
    assert (app_id, identity, options) == (hall.app_id, hall.ada, ())
    assert (update.ref, update.old, update.new, update.forced) == ("refs/heads/main", None, commit, False)

"""Asking a git server which commit a buildpack's address means."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder import BuildFailed
from builder.problems import (
    BuildpackEmpty,
    BuildpackNotGit,
    BuildpackPrivate,
    BuildpackRefUnknown,
    BuildpackUnreachable,
)
from builder.remotes import commit_of
from tests.builder.git_site import LOGIN, GitSite, git_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitSite]:
    with git_site(tmp_path_factory.mktemp("site")) as site:
        yield site


def problem(*arguments: object, **more: float) -> object:
    with pytest.raises(BuildFailed) as raised:
        commit_of(*arguments, **more)
    return raised.value.problem


def test_a_branch_a_tag_and_the_head_are_found(site: GitSite) -> None:
    first = site.commit("own.git", {"bin/compile": "1"}, "v1")
    second = site.commit("own.git", {"bin/compile": "2"})
    url = site.url("own.git")
    assert (commit_of(url), commit_of(url, "main"), commit_of(url, "v1")) == (second, second, first)


def test_a_commit_is_itself_and_nobody_is_asked() -> None:
    assert commit_of("http://127.0.0.1:1/own.git", "a" * 40) == "a" * 40


def test_the_beginning_of_a_commit_is_left_to_git(site: GitSite) -> None:
    commit = site.commit("short.git", {"x": "1"})
    assert commit_of(site.url("short.git"), commit[:8]) == commit[:8]


def test_an_unknown_branch_is_told_with_those_that_there_are(site: GitSite) -> None:
    site.commit("tags.git", {"x": "1"}, "v1", "v2")
    assert problem(site.url("tags.git"), "v3") == BuildpackRefUnknown(site.url("tags.git"), "v3", ("main", "v1", "v2"))


def test_an_empty_repository_is_told(site: GitSite) -> None:
    site.empty("empty.git")
    assert problem(site.url("empty.git")) == BuildpackEmpty(site.url("empty.git"))


def test_a_page_that_is_not_git_is_told(site: GitSite) -> None:
    assert problem(site.url("none.git")) == BuildpackNotGit(site.url("none.git"))


def test_a_private_repository_wants_credentials_for_its_own_place(site: GitSite) -> None:
    commit = site.commit("private/own.git", {"x": "1"})
    url = site.url("private/own.git")
    assert problem(url) == BuildpackPrivate(url)
    assert problem(url, "", "http://reader:wrong@" + site.place) == BuildpackPrivate(url)
    assert problem(url, "", f"http://{':'.join(LOGIN)}@example.com") == BuildpackPrivate(url)
    lines = f"https://a:b@example.com\nhttp://{':'.join(LOGIN)}@{site.place}\n"
    assert commit_of(url, "", lines) == commit


def test_a_server_that_is_not_there_is_told() -> None:
    with socket.socket() as taken:  # bound, not listening: refused
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/own.git"
        found = problem(url)
    assert isinstance(found, BuildpackUnreachable)
    assert found.said.startswith("Failed to connect to 127.0.0.1 port")


def test_a_server_that_is_silent_is_told() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/own.git"
        assert problem(url, timeout_s=0.5) == BuildpackUnreachable(url, "no answer within 0.5 s")


@pytest.mark.parametrize("url", ["ssh://127.0.0.1/own.git", "ext::sh -c id", "/etc"])
def test_no_other_protocol_is_spoken(url: str, tmp_path: Path) -> None:
    assert isinstance(problem(url), (BuildpackUnreachable, BuildpackNotGit))

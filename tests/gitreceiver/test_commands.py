"""The judging of ref commands."""

from __future__ import annotations

import subprocess

import pytest
from dulwich.errors import GitProtocolError
from hypothesis import given, settings
from hypothesis import strategies as st

from gitreceiver.commands import Command, is_good_name, judge, parse

A, B = "a" * 40, "b" * 40
PIECES = st.sampled_from(
    ["a", "main", ".", "..", "/", "@", "@{", "~", "^", ":", "?", "*", "[", "\\", " ", ".lock", "é"]
)
NAMES = st.lists(PIECES, max_size=6).map("".join).map(lambda rest: f"refs/heads/{rest}")


@settings(max_examples=150, deadline=None)
@given(NAMES)
def test_a_name_is_good_when_git_says_so(name):
    git = subprocess.run(["git", "check-ref-format", name], check=False)
    assert is_good_name(name) == (git.returncode == 0)


@given(st.text(max_size=40))
def test_no_name_outside_branches_and_tags_is_taken(name):
    refusals = judge([Command(name, None, A)])
    assert (name in refusals) or name.startswith(("refs/heads/", "refs/tags/"))


@given(st.text(alphabet=st.characters(exclude_characters="\n"), min_size=1, max_size=40))
def test_parse_keeps_every_name(name):
    line = f"{A} {B} ".encode() + name.encode(errors="surrogateescape") if name.isascii() else None
    if line is not None:
        assert parse(line) == Command(name, A, B)


@pytest.mark.parametrize(
    "line", [b"", b"x", f"{A} {B}".encode(), f"{A[:39]} {B} refs/heads/x".encode(), b" ".join([b"g" * 40] * 3)]
)
def test_parse_refuses_what_is_no_command(line):
    with pytest.raises(GitProtocolError, match="not a ref update"):
        parse(line)


def test_zeros_mean_that_there_is_none():
    assert parse(f"{'0' * 40} {A} refs/heads/x\n".encode()) == Command("refs/heads/x", None, A)
    assert parse(f"{A} {'0' * 40} refs/heads/x\n".encode()) == Command("refs/heads/x", A, None)


def test_one_deploy_branch_with_other_refs_is_fine():
    assert (
        judge([Command("refs/heads/main", A, B), Command("refs/heads/x", A, B), Command("refs/tags/v1", None, A)]) == {}
    )


def test_deleting_master_while_pushing_main_is_refused_for_both():
    refusals = judge([Command("refs/heads/main", A, B), Command("refs/heads/master", A, None)])
    assert set(refusals) == {"refs/heads/main", "refs/heads/master"}

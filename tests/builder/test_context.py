"""The tar stream that a build is given."""

from __future__ import annotations

import io
import tarfile

from builder.context import HIDDEN_DOCKERFILE, Extra, tar_stream
from builder.dockerignore import Ignore, parse


def unpacked(chunks) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
        return {member.name: member for member in archive.getmembers()}


def test_modes_links_and_folders_are_right(memory_source):
    source = memory_source({"bin/run!x": "#!/bin/sh", "a.txt": "a"}, {"bin/link": "../a.txt"})
    members = unpacked(tar_stream(source, Ignore()))
    assert list(members) == ["bin", "a.txt", "bin/link", "bin/run"]
    assert members["bin"].isdir()
    assert (members["bin/run"].mode, members["a.txt"].mode) == (0o755, 0o644)
    assert (members["bin/link"].issym(), members["bin/link"].linkname) == (True, "../a.txt")


def test_the_same_files_give_the_same_bytes_and_other_content_another_time(memory_source):
    one, other = memory_source({"a": "1", "b": "1"}), memory_source({"a": "2", "b": "1"})
    assert b"".join(tar_stream(one, Ignore())) == b"".join(tar_stream(one, Ignore()))
    before, after = unpacked(tar_stream(one, Ignore())), unpacked(tar_stream(other, Ignore()))
    assert before["a"].mtime != after["a"].mtime
    assert before["b"].mtime == after["b"].mtime


def test_long_and_odd_names_survive(memory_source):
    names = ["d/" * 80 + "x" * 120, "caf\u00e9", b"latin-\xe9".decode(errors="surrogateescape")]
    members = unpacked(tar_stream(memory_source(dict.fromkeys(names, "x")), Ignore()))
    assert {name for name, member in members.items() if member.isfile()} == set(names)


def test_a_file_is_read_only_when_its_turn_comes(memory_source):
    class Watched(memory_source):
        asked: list[str] = []

        def entries(self):
            for entry in super().entries():
                self.asked.append(entry.path)
                yield entry

    stream = tar_stream(Watched({"a": "1", "b": "2"}), Ignore())
    assert Watched.asked == []
    next(stream)
    assert Watched.asked == ["a"]


def test_the_apps_files_stand_under_a_folder_where_none_meets_the_packs_dockerfile(memory_source):
    source = memory_source({"Dockerfile": "theirs", "a": ""})
    members = unpacked(tar_stream(source, Ignore(), (Extra("Dockerfile", b"ours"),), "source"))
    assert list(members) == ["Dockerfile", "source", "source/Dockerfile", "source/a"]
    assert members["Dockerfile"].size == 4


def test_what_dockerignore_leaves_out_is_not_sent_and_folders_go_as_docker_sends_them(memory_source):
    paths = dict.fromkeys(["d/e/keep", "d/e/x", "d/f/x", "g/x", "h/x"], "")
    members = unpacked(tar_stream(memory_source(paths), parse(b"d\n!d/e/keep\ng\nh/*\n")))
    assert list(members) == ["d", "d/e", "h", "d/e/keep"]


def test_a_hidden_dockerfile_has_a_path_that_git_allows_no_tree(memory_source):
    members = unpacked(tar_stream(memory_source({"a": ""}), Ignore(), (Extra(HIDDEN_DOCKERFILE, b"FROM x"),)))
    assert list(members) == [".git", ".git/portside", ".git/portside/Dockerfile", "a"]

"""The same tree through `docker build .` and through our tar stream gives the same files in the image."""

from __future__ import annotations

import os
import subprocess

import pytest

pytestmark = pytest.mark.engine

DOCKER = "/usr/bin/docker"
TREE = {
    "Dockerfile": "FROM portside/base:debian-13\nCOPY . /c\nCMD x",
    "a.txt": "a",
    "b.md": "b",
    "run.sh!x": "#!/bin/sh",
    "d/a.txt": "a",
    "d/keep.txt": "k",
    "d/e/keep.txt": "k",
    "d/e/b.md": "b",
    "k/x[1].log": "x",
    "k/.hidden": "h",
}
CASES = [
    "",
    "*.md\n",
    "**/*.md\n",
    "d\n!d/keep.txt\n",
    "/d/\n",
    "d/*\n",
    "*\n!d/e/keep.txt\n",
    "*\n!d\nd/e\n",
    "# no\n\n  **/keep.txt  \r\n!d/e/keep.txt",
    "\ufeffk\n",
    "?.txt\n[b-d].md\n",
    "k/x\\[1\\].log\n.dockerignore\n",
    "**\n!k\n",
    "**/e\n",
    "d/../k\n./a.txt\n",
    "k/.*\n",
]


@pytest.mark.parametrize("patterns", CASES)
def test_as_docker_build_does(bench, log, memory_source, tmp_path, patterns):
    source = memory_source(TREE | {".dockerignore": patterns}, {"link": "d/a.txt"})
    source.write_to(tmp_path / "tree")
    built = [line for line in ours(bench, log, source) if "./.git" not in line]
    assert built == dockers(tmp_path / "tree")


def test_a_dockerfile_that_is_left_out_is_still_built_and_its_own_path_stays_empty(bench, log, memory_source, tmp_path):
    source = memory_source(TREE | {".dockerignore": "Dockerfile\n.dockerignore\n"})
    source.write_to(tmp_path / "tree")
    built = ours(bench, log, source)
    extra = [line for line in built if "/.git" in line]
    assert [line for line in built if line not in extra] == dockers(tmp_path / "tree")
    assert [line.split()[-1] for line in extra] == ["./.git", "./.git/portside", "./.git/portside/Dockerfile"]


def ours(bench, log, source) -> list[str]:
    return listed(bench.builder.build(bench.request(source), log).image_id)


def dockers(folder) -> list[str]:
    argv = [DOCKER, "build", "-q", "."]
    image_id = subprocess.run(
        argv, cwd=folder, env={**os.environ, "DOCKER_BUILDKIT": "1"}, check=True, capture_output=True, text=True
    ).stdout.strip()
    try:
        return listed(image_id)
    finally:
        subprocess.run([DOCKER, "rmi", image_id], check=False, capture_output=True)


def listed(image_id: str) -> list[str]:
    find = "cd /c && find . -printf '%y %m %l %p\\n' | LC_ALL=C sort"
    argv = [DOCKER, "run", "--rm", "--network=none", image_id, "sh", "-c", find]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.splitlines()

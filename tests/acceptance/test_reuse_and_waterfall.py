"""What a push costs: nothing is built twice, and a push that took longer says where."""

from __future__ import annotations

import json
import re

import docker
import pytest

from tests.acceptance.site import Site

pytestmark = pytest.mark.platform


def newest(site: Site) -> dict[str, object]:
    found: dict[str, object] = json.loads(site.cli("builds:info", "--json").output)
    return found


def steps(site: Site) -> list[str]:
    return [step["name"] for step in newest(site)["steps"]]  # type: ignore[attr-defined]


def layers(site: Site, version: int) -> list[str]:
    """The layers of the image that the only instance of a release runs."""
    engine = docker.from_env()
    try:
        (only,) = [one.id for one in site.containers() if one.version == version]
        found: list[str] = engine.containers.get(only).image.attrs["RootFS"]["Layers"]
        return found
    finally:
        engine.close()


def test_a_reverted_commit_goes_live_without_a_build(live_site: Site) -> None:
    first = layers(live_site, 1)
    assert newest(live_site)["built"] == "cold"
    live_site.write("two")
    assert live_site.push().code == 0
    assert live_site.answer()["words"] == "two"
    assert live_site.git("revert", "--no-edit", "HEAD").code == 0

    reverted = live_site.push()

    assert reverted.code == 0, reverted.output
    assert re.search(r"Nothing changed since build [0-9a-f]{8}: reusing its image", reverted.output)
    answer = live_site.answer()
    assert (answer["words"], answer["release"]) == ("one", "v3")
    assert answer["commit"] == live_site.git("rev-parse", "HEAD").output.strip()
    assert newest(live_site)["built"] == "reused"
    assert [name for name in steps(live_site) if name.startswith("build") or name == "export"] == []
    assert layers(live_site, 3) == first


def test_a_push_that_took_longer_names_the_step_that_did(live_site: Site) -> None:
    live_site.write("two")
    quick = live_site.push()
    assert quick.code == 0, quick.output
    assert "the last one took" not in quick.output, "a first build with caches has no like yet"
    live_site.build_also("RUN sleep 5")
    slow = live_site.push()
    assert slow.code == 0, slow.output
    told = r"done in \d+\.\d s \(build .*\); the last one took \d+\.\d s: build \+\d\.\d s: sleep 5 ran anew"
    assert re.search(told, slow.output), slow.output
    found = newest(live_site)
    assert (found["built"], found["stack"]) == ("warm", "debian-13")
    names = steps(live_site)
    assert [name for name in names if re.fullmatch(r"build \[\d/\d\] RUN sleep 5", name)]
    in_order = [name for name in names if name in ("receive", "queue", "detect", "build", "export", "start", "switch")]
    assert in_order == ["receive", "queue", "detect", "build", "export", "start", "switch"]
    shown = live_site.cli("builds:info").output
    assert re.search(r"^  \[\d/\d\] RUN sleep 5 +\d+ ms +5\d{3} ms +█+$", shown, re.MULTILINE), shown

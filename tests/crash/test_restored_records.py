"""Records from an old backup meet what runs: it serves on, is adopted, and no number is given twice."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.site import Site
from tests.background import eventually
from tests.crash.steady import Steady
from tests.live import LivePlatform

pytestmark = pytest.mark.platform


def back_up(platform: LivePlatform, to: Path) -> None:
    with closing(sqlite3.connect(platform.home / "portside.db")) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


def restore(platform: LivePlatform, copy: Path) -> None:
    """As people do it: stop, put the file back, start."""
    assert platform.server("stop").code == 0
    for path in platform.home.glob("portside.db*"):
        path.unlink()
    copy.rename(platform.home / "portside.db")
    started = platform.server("up")
    assert started.code == 0, started.output


def test_a_release_that_is_newer_than_the_records_serves_on(site: Site, platform: LivePlatform, tmp_path: Path) -> None:
    back_up(platform, tmp_path / "yesterday.db")
    site.write("two")
    assert site.push().code == 0
    platform.cli("config:set", "-a", site.name, "WORD=kept")
    with Steady(site) as visitor:
        restore(platform, tmp_path / "yesterday.db")
        eventually(lambda: platform.releases(site.name)[0]["version"] == 3, "v3 is adopted")
    assert visitor.failures == []
    found = platform.releases(site.name)[0]
    assert (found["current"], found["description"]) == (True, "Found running; the records knew v1")
    assert platform.cli("config:get", "-a", site.name, "WORD").output.strip() == "kept"
    site.write("three")
    pushed = site.push("--force", "portside", "main")
    assert pushed.code == 0, pushed.output
    assert platform.releases(site.name)[0]["version"] == 4

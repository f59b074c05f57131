"""Records come from a backup that is older than what runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.site import Site
from tests.background import eventually

pytestmark = [pytest.mark.platform, pytest.mark.full]


def test_a_newer_release_is_taken_over_and_no_number_comes_twice(site: Site, tmp_path: Path) -> None:
    platform, file = site.platform, tmp_path / "backup.tar.gz"
    backup = platform.server("backup", str(file))
    assert backup.code == 0, backup.output
    site.write("two")
    assert site.push().code == 0
    running = platform.server("restore", str(file), "--replace")
    assert running.code == 1
    assert "The platform runs: " in running.output
    assert platform.server("stop").code == 0
    restored = platform.server("restore", str(file), "--replace")
    assert restored.code == 0, restored.output
    assert "What was done later is not in the records." in restored.output
    up = platform.server("up")
    assert up.code == 0, up.output
    eventually(lambda: site.answer()["release"] == "v2", "the newer release is taken over")
    site.write("three")
    pushed = site.push()
    assert pushed.code == 0, pushed.output
    assert site.answer()["release"] == "v3", "v2 was given out before"

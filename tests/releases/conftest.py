"""One world per test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.releases.world import World, build_world


@pytest.fixture
def world(tmp_path: Path) -> World:
    return build_world(tmp_path)

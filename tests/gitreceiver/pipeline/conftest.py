"""One desk per test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gitreceiver import Journal, Pushes, ReceiverSettings, Repositories, Room, Workshop
from tests.gitreceiver.pipeline.desk import Desk, InstantBuilder
from tests.releases.world import build_world


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    world = build_world(tmp_path)
    repositories = Repositories(tmp_path / "repos")
    parts: Any = {
        "journal": Journal(world.database),
        "leases": world.leases,
        "repositories": repositories,
        "builder": InstantBuilder(),
        "releases": world.releases,
        "logs": world.logs,
        "queue": world.queue,
        "settings": ReceiverSettings(),
        "url_of": lambda _: "http://shop.localhost:8080",
    }
    parts["room"] = Room(world.database, parts["builder"], repositories.root, parts["settings"])
    workshop = Workshop(**parts)
    return Desk(Pushes(workshop), world, repositories, world.new_app("shop"), workshop)

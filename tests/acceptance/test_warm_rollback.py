"""Back to the containers that served before, under load. A platform of its own: the session's keeps none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest

import bench
from bench.load import Load, Target
from tests.acceptance.site import Site
from tests.background import eventually
from tests.live import Done, LivePlatform
from tests.traces import LABEL

pytestmark = pytest.mark.platform

PER_S = 100
HUNDRED_MS = Path(bench.__file__).parent / "apps" / "hundred_ms"
"""Answers `hello RELEASE_VERSION` after 100 ms and exits on SIGTERM at once."""


@pytest.fixture
def site() -> Iterator[Site]:
    platform = LivePlatform(SCHEDULER_WARM_S=300)
    try:
        platform.start()
        yield Site(platform, *platform.app(HUNDRED_MS))
    finally:
        platform.end()


def test_a_rollback_wakes_the_very_same_container_and_fails_no_request(site: Site) -> None:
    _did(site.push())
    [(first, _)] = _containers(site)
    with Load(Target(site.platform.http, f"{site.name}.localhost"), PER_S) as load:
        (site.folder / "words.txt").write_text("second")
        site.platform.commit(site.folder, "second")
        _did(site.push())
        eventually(lambda: (first, "paused") in _containers(site), "v1's container is frozen")
        [second] = [one for one, state in _containers(site) if state == "running"]
        back = _did(site.cli("rollback"))
        assert "Waking what was kept for v3: web=1" in back.output
        eventually(lambda: set(_containers(site)) == {(first, "running"), (second, "paused")}, "they changed places")
        assert site.platform.get(site.name).text.strip() == "hello v1", (
            "a process keeps the number that it was started with"
        )
        _did(site.cli("rollback"))
        eventually(lambda: set(_containers(site)) == {(first, "paused"), (second, "running")}, "and back again")
    assert load.tally.failed == 0, load.tally
    assert set(load.tally.answers) == {"hello v1", "hello v2"}

    _did(site.cli("config:set", "GREETING=hello"))
    eventually(lambda: len(_containers(site)) == 1, "none is kept after a change of config")
    assert site.platform.get(site.name).text.strip() == "hello v5"


def _containers(site: Site) -> list[tuple[str, str]]:
    """The app's containers, (id, state)."""
    engine = docker.from_env()
    try:
        found: list[Any] = engine.containers.list(
            all=True, ignore_removed=True, filters={"label": f"{LABEL}={site.platform.name}"}
        )
        return [(str(one.id), str(one.status)) for one in found if str(one.name).startswith(f"{site.name}.")]
    finally:
        engine.close()


def _did(command: Done) -> Done:
    assert command.code == 0, command.output
    return command

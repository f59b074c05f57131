"""A release on trial behind a real HAProxy: its 500s are counted there, and it is taken back."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import rmtree
from typing import Any

import pytest

from core.ids import AppId
from core.leases import Lease
from core.logs import LogWriter
from releases import BakePolicy, BakeState
from scheduler import RunSpec
from tests.databases import new_database
from tests.releases.world import ObedientScheduler, World, build_world
from tests.router.conftest import App, Haproxy

pytestmark = pytest.mark.engine

HOST = "shop.apps.test"


class RoutingScheduler(ObedientScheduler):
    """Each image is a tiny server in this process; a deploy points the route at it."""

    def __init__(self, haproxy: Haproxy, servers: dict[str, App]) -> None:
        super().__init__()
        self._haproxy = haproxy
        self._servers = servers

    def deploy(self, spec: RunSpec, lease: Lease, log: LogWriter, publish: Callable[[], str], stopped: Any) -> None:
        super().deploy(spec, lease, log, publish, stopped)
        self._haproxy.deploy(spec.app_id, spec.release_id, self._servers[spec.image_id])


@pytest.fixture
def servers() -> Iterator[dict[str, App]]:
    made = {f"sha256:{name}": App(name) for name in ("good", "bad")}
    made["sha256:bad"].status = 500
    yield made
    for server in made.values():
        server.stop()


@pytest.fixture
def routed(servers: dict[str, App]) -> Iterator[tuple[World, Haproxy]]:
    home = Path(tempfile.mkdtemp(prefix="psr-", dir="/tmp"))
    database = new_database(home / "portside.db")
    haproxy = Haproxy(home, database)
    haproxy.start()
    scheduler = RoutingScheduler(haproxy, servers)
    yield build_world(home, scheduler=scheduler, traffic=haproxy.router.traffic, database=database), haproxy
    haproxy.kill()
    rmtree(home)


def test_a_release_that_answers_with_errors_is_taken_back(routed: tuple[World, Haproxy]) -> None:
    world, haproxy = routed
    app_id: AppId = world.new_app("shop")
    haproxy.router.name_app(app_id, "shop")
    world.push(app_id, "good")
    world.releases.bakes.set(app_id, BakePolicy(least_requests=20))
    ask(haproxy, 30)
    bad = world.push(app_id, "bad")
    ask(haproxy, 19)
    world.releases.look_at_bakes()
    assert world.releases.releases(app_id, 1)[0].version == 2, "too few to judge"
    ask(haproxy, 1)
    world.releases.look_at_bakes()
    bake = world.releases.bakes.of([bad.id])[bad.id]
    assert (bake.state, bake.now.errors, bake.before.requests) == (BakeState.WORSE, 20, 30)
    assert bake.words == "5xx 100.0 % of 20 requests (before: 0.0 % of 30)"
    world.releases.deliver(world.releases.releases(app_id, 1)[0].id)
    assert haproxy.get(HOST) == (200, "good")


def ask(haproxy: Haproxy, times: int) -> None:
    for _ in range(times):
        haproxy.get(HOST)

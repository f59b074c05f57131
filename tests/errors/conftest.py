"""What tells a case: detection, BuildKit's output, a build and a boot on the real engine."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import docker
import pytest

from builder import BuildFailed
from builder.buildkit import failure
from builder.explain import explain
from builder.manifest import read_manifest
from builder.progress import Progress
from core.ids import AppId, new_id
from gitreceiver.disk import Disks, Forecast, Need, judge_room, refusal
from gitreceiver.settings import MIB
from scheduler import BootFailed, HealthCheck, ProcessType, SchedulerSettings, read_checks
from scheduler.docker_runtime import DockerRuntime
from tests.builder.conftest import Bench, Lines
from tests.databases import new_database
from tests.errors.cases import Case
from tests.scheduler.conftest import BASE_IMAGE, FAST, build, within
from tests.scheduler.fakes import IDLE

Tell = Callable[[Case], str]
NOWHERE = "127.0.0.1:1"  # a build that fails asks no registry


def detection_tells(case: Case) -> str:
    """What is said before any engine is asked."""
    with pytest.raises(BuildFailed) as raised:
        explain(case.source)
    return str(raised.value)


def receiving_tells(case: Case) -> str:
    """What git is told before it sends anything."""
    room, home_free_bytes = case.room, case.room["home_free"] * MIB
    engine, engine_free_bytes = room.get("engine", room["home"]), room.get("engine_free", room["home_free"]) * MIB
    place = Disks(room["home"], home_free_bytes, engine, engine_free_bytes, is_one="engine" not in room)
    running = [_need(one) for one in room["running"]]
    wanted = Forecast(_need(room["wanted"]), room["builds"])
    problem = judge_room(wanted, running, place, room["reserve"] * MIB, uploads_here=True)
    assert problem is not None
    return str(refusal(replace(problem, freeable_bytes=room["freeable"] * MIB)))


def _need(sizes_mb: Mapping[str, int]) -> Need:
    return Need(*(sizes_mb[name] * MIB for name in ("source", "build", "upload")))


def output_tells(case: Case) -> str:
    """What is said of recorded output."""
    progress = Progress()
    for line in (case.folder / "output.txt").read_text().splitlines():
        progress.feed(line)
    return str(failure(progress))


@pytest.fixture
def build_tells(tmp_path: Path) -> Iterator[Tell]:
    """What is said of a real build."""
    database = new_database(tmp_path / "builds.db")
    bench = Bench(database, NOWHERE)

    def tell(case: Case) -> str:
        with pytest.raises(BuildFailed) as raised:
            bench.builder.build(bench.request(case.source), Lines())
        return str(raised.value)

    yield tell
    bench.builder.forget_app(bench.app_id)
    database.close()


@pytest.fixture(scope="module")
def boot_tells(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tell]:
    """What is said of a real boot: one image and one network for all cases, only commands and health paths differ."""
    name = f"portside-test-{secrets.token_hex(4)}"
    subnet = f"10.89.{secrets.randbelow(256)}.0/24"
    settings = SchedulerSettings(**{**FAST, "network": name, "platform": name, "subnet": subnet, "grace_s": 1.0})
    runtime = DockerRuntime(settings)
    client = docker.from_env()
    runtime.prepare()
    image_id = str(client.images.get(BASE_IMAGE).id)
    platform = build(tmp_path_factory.mktemp("boots"), runtime, settings, image_id)

    def tell(case: Case) -> str:
        manifest = read_manifest(case.source)
        types = tuple(ProcessType(name, command) for name, command in manifest.processes or ())
        said = {one.name: read_checks(manifest.healthchecks.get(one.name, "[]")) for one in types}
        health = {
            name: tuple(within(case.timeout_s, check) for check in checks or (HealthCheck(),))
            for name, checks in said.items()
        }
        app_id = AppId(new_id())
        spec = platform.spec(app_id, version=2, processes=types, health=health)
        if types[0].name != "web":  # only web runs by itself, so a release that works comes first
            idle = tuple(ProcessType(one.name, IDLE) for one in types)
            platform.deploy(platform.spec(app_id, processes=idle))
            platform.scheduler.scale(app_id, {one.name: 1 for one in types})
        with pytest.raises(BootFailed) as raised:
            platform.deploy(spec)
        return str(raised.value)

    yield tell
    for container in runtime.containers():
        runtime.remove(container.id)
    for network in client.networks.list(names=[name]):
        network.remove()
    client.close()
    platform.database.close()

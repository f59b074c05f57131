"""When the nightly run begins, and what a whole run does on a real platform."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import docker
import pytest

from builder import REGISTRY_RESTS, Registry
from core.errors import NotFound
from server import readiness
from server.gc import is_due
from server.platform import compose
from server.registry_cleaning import drop_dead_links, size_bytes, wake_registry
from server.site import read_site
from server.supervision import Supervisor
from tests.live import LivePlatform

GENEROUS_S = 60.0
NIGHT = datetime(2026, 5, 1, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "age", "due"),
    [
        (NIGHT, timedelta(hours=24), True),
        (NIGHT, timedelta(minutes=10), False),
        (NIGHT + timedelta(hours=6), timedelta(hours=20), False),
        (NIGHT + timedelta(hours=6), timedelta(hours=40), True),
    ],
    ids=["its hour", "done tonight already", "by day", "the machine was off at night"],
)
def test_the_nightly_run_begins_in_its_hour(now: datetime, age: timedelta, due: bool) -> None:
    assert is_due(now, now - age, hour=3) is due


def test_the_size_of_a_folder_is_that_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"x" * 100_000)
    assert 100_000 <= size_bytes(tmp_path) < 150_000


def names_of(app_id: str) -> str:
    argv = ["/usr/bin/docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]
    lines = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
    return " ".join(sorted(line.rpartition(":")[2] for line in lines if app_id in line))


def instances_of(app_id: str, version: int) -> str:
    labels = (f"label=portside.app={app_id}", f"label=portside.version={version}")
    argv = ["/usr/bin/docker", "ps", "--all", "--quiet", *(word for label in labels for word in ("--filter", label))]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def eventually(question: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + GENEROUS_S
    while not (answer := question()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return answer


def blobs_of(registry: Registry, app_id: str, reference: str) -> list[str]:
    content = registry.manifest(f"apps/{app_id}", reference).content
    return [part["digest"] for part in (content["config"], *content["layers"])]


@pytest.mark.engine
@pytest.mark.platform
def test_gc_frees_what_was_given_up_and_nothing_that_is_kept(platform: LivePlatform) -> None:
    name, folder = platform.app("accept_site")
    assert platform.push(folder).code == 0
    app_id = json.loads(platform.cli("info", "--json", "-a", name).output)["id"]
    registry = Registry(f"127.0.0.1:{platform.registry}")
    first = blobs_of(registry, app_id, "v1")
    (folder / "words").write_text("other words\n")
    platform.commit(folder)
    assert platform.push(folder).code == 0

    assert eventually(lambda: not instances_of(app_id, 1)), "v1 is drained"
    done = platform.server("gc", RELEASES_KEEP=1, BUILDER_KEPT_BUILDS=1, BUILDER_CACHE_QUOTA_MB=10_000_000)

    assert done.code == 0, done.output
    assert "left alone" not in done.output
    assert platform.server("status").code == 0
    assert names_of(app_id) == "v2"
    second = blobs_of(registry, app_id, "v2")
    assert all(registry.blob(f"apps/{app_id}", digest) for digest in second)
    for digest in set(first) - set(second):
        with pytest.raises(NotFound):
            registry.blob(f"apps/{app_id}", digest)
    assert "words=other words" in platform.get(name).text
    with_v1 = platform.cli("rollback", "v1", "-a", name)
    assert "no longer in the registry" in with_v1.output


@pytest.mark.engine
@pytest.mark.platform
def test_while_a_deploy_is_under_way_the_registry_is_left_alone(platform: LivePlatform) -> None:
    leases = compose(platform.environ).leases
    with leases.held("line:an-app"):
        done = platform.server("gc", BUILDER_CACHE_QUOTA_MB=10_000_000)
    assert done.code == 0
    assert "left alone: a deploy is under way. Try again later." in done.output


@pytest.mark.engine
@pytest.mark.platform
def test_a_registry_that_a_killed_run_left_stopped_is_started_again(platform: LivePlatform) -> None:
    site, leases = read_site(platform.environ), compose(platform.environ).leases
    with leases.held(REGISTRY_RESTS):
        Supervisor(site).stop_part("registry")
        wake_registry(site, leases)
        assert not readiness.is_ready(site, "registry"), "it rests for somebody who is still there"
    wake_registry(site, leases)
    assert eventually(lambda: readiness.is_ready(site, "registry"))


@pytest.mark.engine
@pytest.mark.platform
def test_no_volume_is_collected_and_one_that_no_record_knows_is_named(platform: LivePlatform) -> None:
    name, folder = platform.app("accept_site")
    assert platform.push(folder).code == 0
    for command in (("storage:mount", "data:/data"), ("storage:unmount", "data")):
        assert platform.cli(*command, "-a", name).code == 0
    app_id = json.loads(platform.cli("info", "--json", "-a", name).output)["id"]
    lost = f"portside-{platform.name}-lost"
    engine = docker.from_env()
    unknown = engine.volumes.create(lost, labels={"portside.platform": platform.name})
    try:
        done = platform.server("gc", BUILDER_CACHE_QUOTA_MB=10_000_000)
        assert done.code == 0, done.output
        assert (
            f"The volume {lost} is in no record and was left alone: docker volume rm {lost} deletes it." in done.output
        )
        assert f"portside-{app_id}-data" not in done.output
        assert {one.name for one in engine.volumes.list()} >= {lost, f"portside-{app_id}-data"}
    finally:
        unknown.remove()
        engine.close()


def test_a_repository_forgets_the_layers_that_are_gone(tmp_path: Path) -> None:
    root = tmp_path / "docker" / "registry" / "v2"
    kept, gone = "ab" + "0" * 62, "cd" + "1" * 62
    blob = root / "blobs" / "sha256" / "ab" / kept / "data"
    links = [root / "repositories" / "apps" / "one" / "_layers" / "sha256" / digest / "link" for digest in (kept, gone)]
    for path, text in ((blob, "layer"), (links[0], f"sha256:{kept}"), (links[1], f"sha256:{gone}")):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    assert drop_dead_links(tmp_path) == 1
    assert [link.parent.exists() for link in links] == [True, False]
    assert drop_dead_links(tmp_path) == 0

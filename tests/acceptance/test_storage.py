"""Data that stays: a volume outlives releases, rollbacks and instances, and belongs to one app."""

from __future__ import annotations

import json
from collections.abc import Callable

import docker
import pytest

from tests.acceptance.site import Site
from tests.background import eventually

pytestmark = pytest.mark.platform

# Each start of an instance leaves its release's number in /data, if there is one, and the app answers with all of them.
KEEPS = 'echo "$RELEASE_VERSION" >> /data/kept; exec env GREETING="$(cat /data/kept | xargs)" perl /app/server.pl'


@pytest.fixture
def keeper(site: Site) -> Site:
    site.start_with(KEEPS)
    return site


def id_of(site: Site) -> str:
    return str(json.loads(site.cli("info", "--json").output)["id"])


def volumes_of(app_id: str) -> list[str]:
    """The engine's volumes of an app."""
    engine = docker.from_env()
    try:
        return [str(one.name) for one in engine.volumes.list(filters={"label": f"portside.app={app_id}"})]
    finally:
        engine.close()


def test_what_an_app_writes_to_a_volume_outlives_its_releases_and_instances(keeper: Site) -> None:
    first = keeper.push()
    assert "To keep files: portside storage:mount data:/data" in first.output
    assert keeper.answer()["greeting"] == ""

    mounted = keeper.cli("storage:mount", "data:/data")
    assert mounted.code == 0, mounted.output
    assert "-----> Starting v1: web=1" in mounted.output
    assert "Portside does not back it up" in mounted.output
    assert keeper.answer()["greeting"] == "v1"

    keeper.write("two")
    assert keeper.push().code == 0
    assert keeper.answer()["greeting"] == "v1 v2"
    assert keeper.cli("rollback").code == 0
    assert (keeper.answer()["greeting"], keeper.answer()["words"]) == ("v1 v2 v3", "one")
    assert keeper.cli("ps:scale", "web=2").code == 0
    eventually(lambda: keeper.answer()["greeting"] == "v1 v2 v3 v3", "the second instance answers")
    listed = keeper.cli("storage")
    assert [line.split()[:3] for line in listed.output.splitlines() if line.startswith("data")] == [
        ["data", "/data", "all"]
    ]
    assert "A volume lives on one host" in listed.output

    assert keeper.cli("storage:destroy", "data", "--confirm", "data").code != 0, "it is mounted"
    unmounted = keeper.cli("storage:unmount", "data")
    assert unmounted.code == 0, unmounted.output
    assert keeper.answer()["greeting"] == ""
    app_id = id_of(keeper)
    assert volumes_of(app_id) == [f"portside-{app_id}-data"]
    eventually(
        lambda: keeper.cli("storage:destroy", "data", "--confirm", "data").code == 0, "the old instances have ended"
    )
    assert volumes_of(app_id) == []


def test_a_volume_is_its_apps_own_and_goes_with_it(keeper: Site, new_site: Callable[..., Site]) -> None:
    assert keeper.cli("storage:mount", "data:/data").code == 0, "before the first push"
    pushed = keeper.push()
    assert "ephemeral" not in pushed.output
    assert keeper.answer()["greeting"] == "v1"

    other = new_site()
    other.start_with(KEEPS)
    assert other.push().code == 0
    app_id = id_of(keeper)
    for theirs in (f"portside-{app_id}-data:/data", "/var/lib/docker/volumes:/data"):
        assert other.cli("storage:mount", theirs).code != 0
    assert other.cli("storage:mount", "data:/data").code == 0
    assert other.answer()["greeting"] == "v1", "its own, and not the v1 of the first"
    assert keeper.answer()["greeting"] == "v1"

    assert keeper.platform.cli("destroy", "--confirm", keeper.name).code == 0
    eventually(lambda: volumes_of(app_id) == [], "its volume is gone")
    assert volumes_of(id_of(other)) == [f"portside-{id_of(other)}-data"]


def test_a_mount_that_keeps_the_app_from_starting_is_not_kept(live_site: Site) -> None:
    live_site.start_with("test ! -d /data && exec perl /app/server.pl")
    assert live_site.push().code == 0
    refused = live_site.cli("storage:mount", "data:/data")
    assert refused.code == 1
    assert "The mount of data failed: web.1 exited with code 1 before it was healthy." in refused.output
    assert live_site.answer()["release"] == "v2"
    assert "not mounted" in live_site.cli("storage").output

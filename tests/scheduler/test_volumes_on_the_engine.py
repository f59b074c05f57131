"""Volumes on the real engine: who may write there, and what outlives what."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, replace

import docker
import pytest

from core.ids import AppId, new_id
from scheduler import ProcessType
from scheduler.mounts import volume_name
from scheduler.runtime import Image
from tests.scheduler.conftest import Platform, eventually
from tests.scheduler.fakes import SERVE

pytestmark = pytest.mark.engine

WHOSE = "stat -c '%u:%g %a' /data"


@dataclass(frozen=True)
class Shelf:
    """What runs beside the volume of an app, and what it says."""

    engine: Platform
    app_id: AppId

    def says(self, command: str) -> list[str]:
        """The output of a one-off run of a new release."""
        told = len(self.engine.lines)
        with self.engine.line(self.app_id) as lease:
            spec = self.engine.spec(self.app_id, version=9)
            self.engine.scheduler.run_once(spec, "run", command, lease, self.engine.log(), lambda: None, 30)
        return [line.strip() for line in self.engine.lines[told:]]


@pytest.fixture
def shelf(engine: Platform, app_id: AppId) -> Shelf:
    return Shelf(engine, app_id)


@pytest.fixture
def bare_image() -> Iterator[str]:
    """An image with no program in it at all, whose user has a name."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for path, text in (("etc/passwd", "app:x:4321:8765::/:/none\n"), ("etc/group", "app:x:8765:\n")):
            info = tarfile.TarInfo(path)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    client = docker.APIClient()
    name = f"portside-test-{new_id()[:8]}:bare"
    client.import_image_from_data(packed.getvalue(), *name.split(":"), changes=["USER app"])
    yield str(client.inspect_image(name)["Id"])
    client.remove_image(name)
    client.close()


def test_what_an_app_writes_outlives_deploys_crashes_and_a_remount(shelf: Shelf) -> None:
    engine, app_id = shelf.engine, shelf.app_id
    writes = ProcessType("web", f"echo $RELEASE_VERSION >> /data/starts && {SERVE}")
    engine.deploy(engine.spec(app_id))
    assert engine.mount(app_id, "data", "/data").status == "succeeded", engine.lines
    engine.deploy(engine.spec(app_id, version=2, processes=(writes,)))
    with engine.looping():
        engine.deploy(engine.spec(app_id, version=3, processes=(writes,)))
        eventually(lambda: engine.settled(app_id, ["web.1"], version=3), "v3 alone")
        [instance] = engine.scheduler.instances(app_id)
        engine.runtime.signal(str(instance.container_id), "SIGKILL")
        eventually(lambda: shelf_starts(shelf) == ["v2", "v3", "v3"], "web.1 has started again")
        assert engine.unmount(app_id, "data").status == "failed", "v3 can't start without it"
        engine.deploy(engine.spec(app_id, version=4))
        assert engine.unmount(app_id, "data").status == "succeeded"
        eventually(lambda: engine.settled(app_id, ["web.1"], version=4), "only the new instance is left")
    assert shelf.says("ls -d /data || true") != ["/data"]
    assert engine.mount(app_id, "data", "/data").status == "succeeded"
    assert shelf_starts(shelf) == ["v2", "v3", "v3"]


def shelf_starts(shelf: Shelf) -> list[str]:
    return shelf.says("cat /data/starts")


def test_a_new_volume_belongs_to_the_user_that_an_app_runs_as(shelf: Shelf) -> None:
    shelf.engine.mount(shelf.app_id, "data", "/data")
    first = shelf.says(f"{WHOSE} && touch /data/file && chmod 700 /data")
    assert first == ["The volume data is new and empty; it belongs to user 1000:1000.", "1000:1000 755"]
    assert shelf.says(f"{WHOSE} && ls /data") == ["1000:1000 700", "file"]


def test_an_image_without_a_shell_gets_its_volume_too_and_no_file_changes_hands(shelf: Shelf, bare_image: str) -> None:
    engine, app_id = shelf.engine, shelf.app_id
    engine.mount(app_id, "data", "/data")
    shelf.says("mkdir /data/inner && touch /data/inner/file")
    bare = engine.runtime.image(bare_image, "")
    assert bare == Image(bare_image, "app")
    engine.runtime.volumes.make(volume_name(app_id, "data"), app_id, bare)
    owners = shelf.says("stat -c '%u:%g' /data /data/inner /data/inner/file")
    assert owners[-3:] == ["4321:8765", "1000:1000", "1000:1000"]
    assert engine.runtime.containers(app_id) == []
    engine.runtime.volumes.remove(volume_name(app_id, "data"))


def test_what_the_image_has_at_the_path_is_hidden_and_not_copied(shelf: Shelf) -> None:
    shelf.engine.mount(shelf.app_id, "data", "/usr/share/base-files")
    assert shelf.says("ls -A /usr/share/base-files | wc -l")[-1] == "0"


def test_two_apps_with_a_volume_of_one_name_do_not_meet(shelf: Shelf) -> None:
    other = replace(shelf, app_id=AppId(new_id()))
    for each, word in ((shelf, "mine"), (other, "theirs")):
        each.engine.mount(each.app_id, "data", "/data")
        each.says(f"echo {word} > /data/word")
    assert (shelf.says("cat /data/word"), other.says("cat /data/word")) == (["mine"], ["theirs"])


def test_a_volume_is_labelled_mounted_by_name_and_measured(shelf: Shelf) -> None:
    engine, app_id = shelf.engine, shelf.app_id
    engine.deploy(engine.spec(app_id))
    engine.mount(app_id, "data", "/data")
    shelf.says("head -c 200000 /dev/zero > /data/zeroes")
    client = docker.APIClient()
    try:
        [running] = [one for one in engine.scheduler.instances(app_id) if one.state == "running"]
        [mount] = client.inspect_container(running.container_id)["Mounts"]
        labels = client.inspect_volume(volume_name(app_id, "data"))["Labels"]
    finally:
        client.close()
    assert (mount["Type"], mount["Name"], mount["Destination"]) == ("volume", volume_name(app_id, "data"), "/data")
    assert labels == {"portside.platform": engine.settings.platform, "portside.app": app_id}
    [volume] = engine.storage.volumes(app_id, measure=True)
    assert volume.size_bytes is not None
    assert 200_000 <= volume.size_bytes < 220_000


def test_the_room_is_that_of_the_disk_where_the_engine_keeps_volumes(engine: Platform) -> None:
    free = engine.runtime.volumes.free_bytes()
    assert free is not None
    assert free > 0


def test_a_forgotten_app_leaves_no_volume(shelf: Shelf) -> None:
    engine, app_id = shelf.engine, shelf.app_id
    engine.deploy(engine.spec(app_id))
    engine.mount(app_id, "data", "/data")
    engine.scheduler.forget_app(app_id)
    engine.storage.forget_app(app_id)
    assert engine.runtime.volumes.all(app_id) == []
    client = docker.APIClient()
    try:
        assert client.volumes(filters={"name": app_id})["Volumes"] in (None, [])
    finally:
        client.close()


def test_nothing_holds_a_volume_once_it_was_given_to_its_owner(shelf: Shelf) -> None:
    engine, app_id = shelf.engine, shelf.app_id
    engine.mount(app_id, "data", "/data")
    shelf.says("true")
    client = docker.APIClient()
    try:
        assert client.containers(all=True, filters={"volume": volume_name(app_id, "data")}) == []
    finally:
        client.close()

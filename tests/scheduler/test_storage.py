"""Mounting, unmounting and deleting volumes, on the engine in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from core.errors import Conflict, NotFound, UserError
from core.ids import AppId, new_id
from scheduler import ProcessType
from scheduler.mounts import LIMITS, volume_name
from scheduler.runtime import VolumeMount
from scheduler.storage import APPLY
from scheduler.tables import StorageChangeRow, VolumeRow
from tests.scheduler.conftest import Platform, eventually
from tests.scheduler.fakes import BYE, IDLE, SERVE, MemoryRuntime

BOTH = (ProcessType("web", SERVE), ProcessType("worker", IDLE))


def mounted_in(platform: Platform, app_id: AppId) -> dict[str, tuple[VolumeMount, ...]]:
    """What the containers of the live release have mounted, by process."""
    live = {one.container_id: one.process for one in platform.scheduler.instances(app_id) if one.state == "running"}
    return {live[id_]: order.mounts for id_, order in platform.runtime.orders.items() if id_ in live}


def told(platform: Platform, change_id: str) -> list[str]:
    return platform.logs.text(change_id).splitlines()


def at(app_id: AppId, path: str = "/data", name: str = "data") -> VolumeMount:
    return VolumeMount(volume_name(app_id, name), path)


def test_a_mount_replaces_the_instances_by_new_ones_that_have_it(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    [before] = platform.scheduler.instances(app_id)
    change = platform.mount(app_id, "data", "/data")
    assert (change.status, change.reason) == ("succeeded", "")
    assert mounted_in(platform, app_id) == {"web.1": (at(app_id),)}
    [after] = [one for one in platform.scheduler.instances(app_id) if one.state == "running"]
    assert after.id != before.id
    assert (after.version, platform.routed(app_id)) == (1, {after.address})
    assert platform.scheduler.current(app_id) is not None


def test_the_log_of_a_mount_tells_its_story_and_its_limits(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    change = platform.mount(app_id, "data", "/data")
    lines = told(platform, change.log_id)
    assert lines[:3] == [
        "-----> Mount data at /data",
        "       The volume data is new and empty; it belongs to user 1000:1000.",
        "-----> Starting v1: web=1",
    ]
    assert lines[-6:] == ["-----> Done: Mount data at /data", *(f"       {limit}" for limit in LIMITS)]


def test_a_mount_outlives_the_next_release_scaling_and_a_crash(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    platform.mount(app_id, "data", "/data")
    platform.deploy(platform.spec(app_id, version=2))
    assert mounted_in(platform, app_id) == {"web.1": (at(app_id),)}
    [crashing] = [one for one in platform.scheduler.instances(app_id) if one.process == "web.1" and one.version == 2]
    platform.scheduler.scale(app_id, {"web": 2})
    platform.runtime.end(crashing.container_id, 1)
    with platform.looping():
        eventually(lambda: platform.settled(app_id, ["web.1", "web.2"], version=2), "two instances")
    assert set(mounted_in(platform, app_id).values()) == {(at(app_id),)}
    assert len(mounted_in(platform, app_id)) == 2


def test_types_choose_which_instances_have_it(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id, processes=BOTH))
    platform.scheduler.scale(app_id, {"worker": 1})
    platform.mount(app_id, "jobs", "/jobs", "worker")
    platform.mount(app_id, "data", "/data")
    data, jobs = at(app_id), at(app_id, "/jobs", "jobs")
    assert mounted_in(platform, app_id) == {"web.1": (data,), "worker.1": (data, jobs)}


def test_a_one_off_run_has_what_is_for_all_or_for_it(platform: Platform, app_id: AppId) -> None:
    platform.mount(app_id, "data", "/data")
    platform.mount(app_id, "phase", "/phase", "release")
    platform.mount(app_id, "jobs", "/jobs", "worker")
    with platform.line(app_id) as lease:
        spec = platform.spec(app_id)
        platform.scheduler.run_once(spec, "release", BYE, lease, platform.log(), lambda: None, 5)
    [order] = platform.runtime.orders.values()
    assert order.mounts == (at(app_id), at(app_id, "/phase", "phase"))
    assert set(platform.runtime.volumes.found) == {volume_name(app_id, name) for name in ("data", "phase", "jobs")}


def test_before_the_first_release_a_mount_waits_for_it(platform: Platform, app_id: AppId) -> None:
    change = platform.mount(app_id, "data", "/data")
    assert change.status == "succeeded"
    assert "       Nothing of this app is live yet: it holds from the first release on." in told(platform, change.id)
    assert platform.runtime.volumes.found == {}
    platform.deploy(platform.spec(app_id))
    assert mounted_in(platform, app_id) == {"web.1": (at(app_id),)}


def test_a_mount_with_which_the_app_does_not_start_is_not_kept(platform: Platform, app_id: AppId) -> None:
    refuses = MountRefuser(platform.runtime)
    platform.deploy(platform.spec(app_id))
    before = platform.scheduler.instances(app_id)
    platform.runtime.start = refuses.start
    change = platform.mount(app_id, "data", "/data")
    assert (change.status, change.reason) == ("failed", "web.1 exited with code 3 before it was healthy.")
    assert platform.scheduler.instances(app_id) == before
    assert platform.scheduler.mounts(app_id) == ()
    assert told(platform, change.id)[-1] == (
        " !     Nothing has changed: what ran before still runs, with the mounts that it had."
    )
    [volume] = platform.storage.volumes(app_id)
    assert (volume.name, volume.path) == ("data", None)


class MountRefuser:
    """Its containers exit at once when something is mounted."""

    def __init__(self, runtime: MemoryRuntime) -> None:
        self.plain = runtime.start

    def start(self, order: object) -> str:
        return self.plain(replace(order, command=BYE) if order.mounts else order)  # type: ignore[attr-defined,type-var]


def test_unmounting_keeps_the_data_and_says_so(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    platform.mount(app_id, "data", "/data")
    change = platform.unmount(app_id, "data")
    assert change.status == "succeeded"
    assert mounted_in(platform, app_id) == {"web.1": ()}
    assert told(platform, change.id)[-1] == (
        "       The data of data stays. To delete it: portside storage:destroy data"
    )
    assert list(platform.runtime.volumes.found) == [volume_name(app_id, "data")]
    platform.mount(app_id, "data", "/elsewhere")
    assert mounted_in(platform, app_id) == {"web.1": (at(app_id, "/elsewhere"),)}


def test_a_volume_is_given_to_the_images_user_once(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    platform.mount(app_id, "data", "/data")
    platform.runtime.volumes.owners.clear()
    platform.deploy(platform.spec(app_id, version=2))
    assert platform.runtime.volumes.owners == {}


def test_a_volume_that_is_gone_is_never_replaced_by_an_empty_one(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    platform.mount(app_id, "data", "/data")
    platform.runtime.volumes.found.clear()
    with pytest.raises(UserError, match="The volume for /data is gone from this host"):
        platform.deploy(platform.spec(app_id, version=2))
    assert platform.scheduler.current_version(app_id) == 1
    assert platform.runtime.volumes.found == {}


def test_a_mounted_volume_is_not_deleted_nor_one_that_is_in_use(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    platform.mount(app_id, "data", "/data")
    with pytest.raises(Conflict, match="data is mounted at /data, so it is not deleted") as refused:
        platform.storage.destroy(app_id, "data")
    assert refused.value.hint == "First: portside storage:unmount data"
    platform.unmount(app_id, "data")
    with pytest.raises(Conflict, match="An instance that is ending still uses the volume"):
        platform.storage.destroy(app_id, "data")
    platform.scheduler.stop_app(app_id)
    platform.storage.destroy(app_id, "data")
    assert platform.runtime.volumes.found == {}
    assert platform.storage.volumes(app_id) == []
    with pytest.raises(NotFound, match="no volume data"):
        platform.storage.destroy(app_id, "data")


def test_nothing_is_deleted_while_the_apps_line_is_held(platform: Platform, app_id: AppId) -> None:
    platform.mount(app_id, "data", "/data")
    platform.unmount(app_id, "data")
    with platform.line(app_id), pytest.raises(Conflict, match="under way"):
        platform.storage.destroy(app_id, "data")
    assert [volume.name for volume in platform.storage.volumes(app_id)] == ["data"]


def test_each_app_has_volumes_of_its_own(platform: Platform, app_id: AppId) -> None:
    other = AppId(new_id())
    for app in (app_id, other):
        platform.deploy(platform.spec(app))
        platform.mount(app, "data", "/data")
    assert mounted_in(platform, app_id) != mounted_in(platform, other)
    with pytest.raises(NotFound):
        platform.storage.change(other, platform.mount(app_id, "more", "/more").id)


def test_an_app_that_is_forgotten_takes_its_volumes_along_and_no_others(platform: Platform, app_id: AppId) -> None:
    other = AppId(new_id())
    for app in (app_id, other):
        platform.deploy(platform.spec(app))
        platform.mount(app, "data", "/data")
    platform.scheduler.forget_app(app_id)
    platform.storage.forget_app(app_id)
    platform.storage.forget_app(app_id)
    assert list(platform.runtime.volumes.found) == [volume_name(other, "data")]
    with platform.database.read() as session:
        assert [row.app_id for row in session.query(VolumeRow)] == [other]
        assert {row.app_id for row in session.query(StorageChangeRow)} == {other}


def test_volumes_that_no_record_knows_are_found(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    platform.mount(app_id, "data", "/data")
    image = platform.runtime.image(platform.image_id, "")
    platform.runtime.volumes.make("portside-lost-data", AppId("lost"), image)
    assert platform.storage.unknown() == ["portside-lost-data"]


def test_a_host_with_little_room_takes_no_mount(platform: Platform, app_id: AppId) -> None:
    platform.runtime.volumes.free = 100 * 1024 * 1024
    with pytest.raises(UserError, match="Only 100 MB are free where volumes are kept"):
        platform.mount(app_id, "data", "/data")
    platform.runtime.volumes.free = 2048 * 1024 * 1024
    assert platform.mount(app_id, "data", "/data").status == "succeeded"


def test_what_is_asked_for_twice_or_does_not_fit_is_refused(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    platform.mount(app_id, "data", "/data")
    with pytest.raises(Conflict, match="data is mounted at /data already"):
        platform.mount(app_id, "data", "/data")
    with pytest.raises(UserError, match="There is no process type 'clock'"):
        platform.mount(app_id, "more", "/more", "clock")
    with pytest.raises(NotFound, match="no volume none"):
        platform.unmount(app_id, "none")
    platform.unmount(app_id, "data")
    with pytest.raises(Conflict, match="data is not mounted"):
        platform.unmount(app_id, "data")


def test_one_change_at_a_time_and_the_next_when_it_is_decided(platform: Platform, app_id: AppId) -> None:
    first = platform.storage.ask_mount(app_id, "data", "/data", (), "ada@example.com")
    with pytest.raises(Conflict, match="Another change of this app's storage is under way"):
        platform.storage.ask_mount(app_id, "more", "/more", (), "ada@example.com")
    assert platform.carried_out(first).status == "succeeded"
    assert platform.mount(app_id, "more", "/more").status == "succeeded"


def test_a_change_that_does_not_fit_any_more_when_its_turn_comes_fails(platform: Platform, app_id: AppId) -> None:
    change = platform.storage.ask_mount(app_id, "data", "/data", (), "ada@example.com")
    with platform.database.write() as session:
        row = VolumeRow(app_id=app_id, name="other", path="/data", types="", owner="", created_at=change.created_at)
        session.add(row)
    decided = platform.carried_out(change)
    assert (decided.status, decided.reason) == ("failed", "other is mounted at /data already.")


def test_a_change_whose_turn_does_not_come_fails(make_platform: Callable[..., Platform], app_id: AppId) -> None:
    platform = make_platform(change_timeout_s=0.0)
    change = platform.storage.ask_mount(app_id, "data", "/data", (), "ada@example.com")
    with platform.line(app_id):
        decided = platform.carried_out(change)
    assert (decided.status, decided.reason) == (
        "failed",
        "Mount data at /data waited too long for the app's deploys to end",
    )


def test_a_change_whose_message_was_lost_is_found_by_the_sweep(platform: Platform, app_id: AppId) -> None:
    change = platform.storage.ask_mount(app_id, "data", "/data", (), "ada@example.com")
    platform.nudges.clear()
    with platform.line(app_id):
        platform.storage.resume()
    assert platform.nudges == [], "somebody works on the app"
    platform.storage.resume()
    assert platform.nudges == [(APPLY, change.id)]
    for _ in range(2):
        platform.storage.apply(change.id)
    assert platform.storage.change(app_id, change.id).status == "succeeded"
    platform.nudges.clear()
    platform.storage.resume()
    assert platform.nudges == []


def test_a_config_value_does_not_get_into_the_log_of_a_change(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id, env={"WORD": "swordfish"}))
    platform.runtime.start = Chatterer(platform.runtime).start
    change = platform.mount(app_id, "data", "/data")
    assert change.status == "failed"
    assert "swordfish" not in platform.logs.text(change.id)


class Chatterer:
    """Its containers say a secret and exit."""

    def __init__(self, runtime: MemoryRuntime) -> None:
        self.plain = runtime.start

    def start(self, order: object) -> str:
        return self.plain(replace(order, command="echo swordfish; exit 3"))  # type: ignore[type-var]


def test_sizes_are_measured_only_when_asked_for(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    platform.mount(app_id, "data", "/data")
    assert [volume.size_bytes for volume in platform.storage.volumes(app_id)] == [None]
    assert [volume.size_bytes for volume in platform.storage.volumes(app_id, measure=True)] == [0]

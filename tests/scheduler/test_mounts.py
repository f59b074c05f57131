"""What may be mounted where."""

from __future__ import annotations

import pytest

from core.errors import Conflict, UserError
from core.ids import AppId
from scheduler import mounts
from scheduler.image_users import ids_of
from scheduler.tables import VolumeRow
from scheduler.types import Mount


def row(name: str, path: str | None) -> VolumeRow:
    return VolumeRow(app_id="a", name=name, path=path, types="", owner="")


@pytest.mark.parametrize(
    "path", ["/data", "/app/data", "/srv", "/var/lib/ghost", "/usr/share/nginx/html", "/a-b/c_d.e"]
)
def test_these_places_may_be_mounted_at(path: str) -> None:
    mounts.check_path(path)


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("data", "'data' is not an absolute path, one that begins with a slash."),
        ("/", "Nothing can be mounted at /: it would hide the whole image."),
        ("/data:ro", "'/data:ro' has options behind a colon; a mount has none."),
        ("/app", "Nothing can be mounted at /app itself: it would hide what the image has there."),
        ("/var", "Nothing can be mounted at /var itself: it would hide what the image has there."),
        ("/proc", "Nothing can be mounted at /proc: /proc belongs to the system."),
        ("/sys/fs", "Nothing can be mounted at /sys/fs: /sys belongs to the system."),
        ("/dev/shm", "Nothing can be mounted at /dev/shm: /dev belongs to the system."),
        ("/etc/app", "Nothing can be mounted at /etc/app: /etc belongs to the system."),
        ("/run/app", "Nothing can be mounted at /run/app: /run belongs to the system."),
        ("/tmp", "Nothing can be mounted at /tmp: /tmp belongs to the system."),
    ],
)
def test_these_places_are_refused_with_the_reason(path: str, said: str) -> None:
    with pytest.raises(UserError) as refused:
        mounts.check_path(path)
    assert refused.value.message == said
    assert "portside storage:mount data:" in refused.value.hint


@pytest.mark.parametrize(
    "path", ["/data/", "/a//b", "/a/../etc", "/a/./b", "/with space", "/a,b", "/a\n", f"/{'x' * 200}"]
)
def test_a_path_is_plain(path: str) -> None:
    with pytest.raises(UserError, match="is not a plain path"):
        mounts.check_path(path)


@pytest.mark.parametrize("name", ["/srv/data", "./data", "../data", "~", "a/b", "."])
def test_a_path_of_the_host_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(UserError) as refused:
        mounts.check_name(name)
    assert refused.value.message == (
        f"{name} is a path of the host; only named volumes can be mounted. With a path of the host, an app could read "
        "and change what belongs to the server or to other apps."
    )
    assert refused.value.hint == "Give the volume a name, and Portside keeps it: portside storage:mount data:/data"


@pytest.mark.parametrize("name", ["", "Data", "my_data", "-data", "x" * 41, "data\n"])
def test_a_name_is_short_and_plain(name: str) -> None:
    with pytest.raises(UserError, match="can't be a volume's name: up to 40 of a-z, 0-9 and dashes"):
        mounts.check_name(name)


@pytest.mark.parametrize(
    ("name", "path", "said"),
    [
        ("data", "/other", "data is mounted at /data already."),
        ("more", "/data", "data is mounted at /data already."),
        ("more", "/data/inside", "/data/inside and /data, where data is mounted, lie one within the other."),
        ("more", "/srv", "/srv and /srv/deep, where deep is mounted, lie one within the other."),
    ],
)
def test_mounts_do_not_get_in_each_others_way(name: str, path: str, said: str) -> None:
    with pytest.raises(Conflict) as refused:
        mounts.check_beside(Mount(name, path), [row("data", "/data"), row("deep", "/srv/deep"), row("idle", None)])
    assert refused.value.message == said


def test_beside_another_and_where_nothing_is_mounted_any_more_is_fine() -> None:
    mounts.check_beside(Mount("more", "/data2"), [row("data", "/data"), row("idle", None)])
    mounts.check_beside(Mount("idle", "/idle"), [row("data", "/data"), row("idle", None)])


def test_an_app_has_at_most_twenty_volumes() -> None:
    full = [row(f"v{number}", None) for number in range(20)]
    with pytest.raises(Conflict, match="at most 20 volumes"):
        mounts.check_beside(Mount("one-more", "/data"), full)
    mounts.check_beside(Mount("v3", "/data"), full)


def test_types_must_be_the_releases_own_or_the_release_phase() -> None:
    mounts.check_types(["web", "release"], ["web", "worker"])
    mounts.check_types(["anything"], [])
    with pytest.raises(UserError, match="There is no process type 'clock'; this release has: web, worker"):
        mounts.check_types(["web", "clock"], ["web", "worker"])
    with pytest.raises(UserError, match="'' can't be a process type"):
        mounts.check_types([""], [])


def test_the_engines_name_is_of_the_apps_id() -> None:
    assert mounts.volume_name(AppId("0c1d"), "data") == "portside-0c1d-data"


PASSWD = "root:x:0:0:root:/root:/bin/sh\n# a comment:x\nnode:x:1001:1002::/home/node:/bin/sh\n33:x:7:8::/:/bin/sh\n"
GROUP = "root:x:0:\nstaff:x:50:node\n"


@pytest.mark.parametrize(
    ("user", "ids"),
    [
        ("1000:1000", (1000, 1000)),
        ("node", (1001, 1002)),
        ("1001", (1001, 1002)),
        ("4242", (4242, 0)),
        ("node:staff", (1001, 50)),
        ("node:99", (1001, 99)),
        ("33", (7, 8)),
        ("nobody-there", None),
        ("node:nothing", None),
    ],
)
def test_a_user_of_an_image_is_read_as_the_engine_reads_it(user: str, ids: tuple[int, int] | None) -> None:
    assert ids_of(user, PASSWD, GROUP) == ids


def test_an_image_without_the_files_knows_numbers_only() -> None:
    assert ids_of("65532:65532", "", "") == (65532, 65532)
    assert ids_of("nonroot", "", "") is None

"""Volumes: what is listed, what is sent, how it ends."""

from __future__ import annotations

import json

import pytest

from cli.commands.storage import size

PATH = "/apps/demo/storage"
CHANGES = "/apps/demo/storage-changes"
DATA = {"name": "data", "path": "/data", "types": [], "size_bytes": 1_540_000, "created_at": "2026-01-02T03:04:05Z"}
IDLE = {"name": "old", "path": None, "types": [], "size_bytes": None, "created_at": "2026-01-02T03:04:05Z"}
JOBS = {"name": "jobs", "path": "/jobs", "types": ["worker", "release"], "size_bytes": 0, "created_at": None}
LIMITS = ["A volume lives on one host.", "Portside does not back it up."]


@pytest.fixture
def volumes(logged_in):
    logged_in.answers["GET", f"{PATH}?sizes=true"] = {"volumes": [DATA, JOBS, IDLE], "limits": LIMITS}
    return logged_in


def ends(platform, verb, path, status, **more):
    """Let the change be pending, write its output, and end so."""
    change = {"id": "c1", "status": "pending", "output_stream_url": f"{platform.url}/streams/c1"}
    platform.answers[verb, path] = 201, change, {}
    platform.answers["GET", f"{CHANGES}/c1"] = change | {"status": status} | more
    platform.answers["GET", "/streams/c1"] = "-----> Mount data at /data\n       It lives on one host.\n"


def test_volumes_are_listed_with_their_limits(invoke, volumes):
    result = invoke("storage", "-a", "demo")
    assert result.stdout == (
        "NAME  PATH         PROCESSES        SIZE\n"
        "data  /data        all              1.5 MB\n"
        "jobs  /jobs        worker, release  0 B\n"
        "old   not mounted\n"
    )
    assert result.stderr == "A volume lives on one host.\nPortside does not back it up.\n"


def test_volumes_for_a_program(invoke, volumes):
    listed = json.loads(invoke("storage", "-a", "demo", "--json").stdout)
    assert listed == [DATA, JOBS, IDLE]


def test_an_app_without_volumes_is_told_how_to_mount_one(invoke, logged_in):
    logged_in.answers["GET", f"{PATH}?sizes=true"] = {"volumes": [], "limits": LIMITS}
    assert "Mount one with `portside storage:mount NAME:/path`." in invoke("storage", "-a", "demo").stderr


def test_a_mount_shows_its_rollout_and_waits_for_its_end(invoke, logged_in):
    ends(logged_in, "POST", PATH, "succeeded")
    result = invoke("storage:mount", "data:/data", "--type", "web, release", "-a", "demo")
    assert result.exit_code == 0
    assert result.stderr == (
        "-----> Mount data at /data\n       It lives on one host.\nMounted data at /data on demo.\n"
    )
    assert logged_in.asked_for("POST") == [(PATH, {"name": "data", "path": "/data", "types": ["web", "release"]})]


def test_without_types_none_are_sent(invoke, logged_in):
    ends(logged_in, "POST", PATH, "succeeded")
    result = invoke("storage:mount", "data:/data", "-a", "demo", "--json")
    assert json.loads(result.stdout) == {"name": "data", "path": "/data", "types": []}
    assert logged_in.asked_for("POST") == [(PATH, {"name": "data", "path": "/data"})]


def test_a_mount_that_fails_says_why(invoke, logged_in):
    ends(logged_in, "POST", PATH, "failed", reason="web.1 exited with code 3 before it was healthy.")
    result = invoke("storage:mount", "data:/data", "-a", "demo")
    assert result.exit_code == 1
    assert "The mount of data failed: web.1 exited with code 3 before it was healthy." in result.stderr
    assert "demo runs on as it was." in result.stderr
    assert "Mounted" not in result.stderr


@pytest.mark.parametrize("text", ["data", ":/data", "data:", ""])
def test_what_is_no_mount_is_not_sent(invoke, logged_in, text):
    result = invoke("storage:mount", text, "-a", "demo")
    assert result.exit_code == 2
    assert "is not a mount. Give NAME:/PATH, like data:/data." in result.stderr
    assert logged_in.asked_for("POST") == []


def test_a_path_of_the_host_is_sent_on_for_the_server_to_refuse(invoke, logged_in):
    refusal = {"id": "invalid_params", "message": "/srv is a path of the host; only named volumes can be mounted."}
    logged_in.answers["POST", PATH] = 422, refusal, {}
    result = invoke("storage:mount", "/srv:/data", "-a", "demo")
    assert result.exit_code == 1
    assert "/srv is a path of the host; only named volumes can be mounted." in result.stderr
    assert logged_in.asked_for("POST") == [(PATH, {"name": "/srv", "path": "/data"})]


def test_an_unmount_waits_for_its_end(invoke, logged_in):
    ends(logged_in, "DELETE", f"{PATH}/data/mount", "succeeded")
    result = invoke("storage:unmount", "data", "-a", "demo")
    assert result.exit_code == 0
    assert result.stderr.endswith("Unmounted data from demo. Its data stays.\n")


def test_destroying_needs_the_name_twice(invoke, logged_in):
    logged_in.answers["DELETE", f"{PATH}/data"] = {}
    assert "portside storage:destroy data --confirm data" in invoke("storage:destroy", "data", "-a", "demo").stderr
    wrong = invoke("storage:destroy", "data", "--confirm", "demo", "-a", "demo")
    assert "demo is not data: nothing was deleted." in wrong.stderr
    assert logged_in.asked_for("DELETE") == []
    done = invoke("storage:destroy", "data", "--confirm", "data", "-a", "demo")
    assert done.stderr == "Deleted data of demo with its data.\n"
    assert [path for path, _ in logged_in.asked_for("DELETE")] == [f"{PATH}/data"]


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [(None, ""), (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (123_456_789, "123 MB"), (5 * 10**12, "5.0 TB")],
)
def test_sizes_are_short(size_bytes, shown):
    assert size(size_bytes) == shown

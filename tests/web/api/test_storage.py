"""Volumes over the API."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask.testing import FlaskClient

from accounts import Identity
from releases import App
from scheduler import Storage

PATH = "/apps/shop/storage"
ASKED = {"name": "data", "path": "/data"}


def test_a_mount_is_answered_at_once_and_followed_by_its_output(stage, api: FlaskClient, app: App) -> None:
    made = api.post(PATH, json={**ASKED, "types": ["web"]})
    assert made.status_code == 201
    change = made.json
    assert (change["status"], change["description"], change["reason"]) == ("pending", "Mount data at /data", None)
    assert (change["types"], change["user"]) == (["web"], {"email": "ada@example.com"})
    stage.parts.storage.apply(change["id"])
    assert api.get(f"/apps/shop/storage-changes/{change['id']}").json["status"] == "succeeded"
    output = stage.client(None).get(urlsplit(change["output_stream_url"]).path)
    assert output.text.startswith("-----> Mount data at /data\n")
    volume = {"name": "data", "path": "/data", "types": ["web"], "size_bytes": None}
    assert volume.items() <= api.get(PATH).json["volumes"][0].items()


def test_the_list_says_the_limits_and_measures_when_asked(stage, api: FlaskClient, app: App) -> None:
    assert api.get(PATH).json == {"volumes": [], "limits": list(Storage.limits)}
    assert api.get(f"{PATH}?sizes=true").json["volumes"] == []


def test_an_unmounted_volume_can_be_deleted_and_no_other(stage, api: FlaskClient, app: App) -> None:
    stage.parts.storage.apply(api.post(PATH, json=ASKED).json["id"])
    refused = api.delete(f"{PATH}/data")
    assert (refused.status_code, refused.json["id"]) == (409, "conflict")
    unmounting = api.delete(f"{PATH}/data/mount")
    assert (unmounting.status_code, unmounting.json["description"]) == (202, "Unmount data")
    stage.parts.storage.apply(unmounting.json["id"])
    assert api.delete(f"{PATH}/data").status_code == 200
    assert api.get(PATH).json["volumes"] == []
    assert api.delete(f"{PATH}/data").status_code == 404


def test_what_can_not_be_mounted_is_refused_before_anything_is_asked(stage, api: FlaskClient, app: App) -> None:
    for wrong in (
        {"path": "/data"},
        {"name": "data"},
        {"name": "/srv/data", "path": "/data"},
        {"name": "data", "path": "/proc"},
        {**ASKED, "types": "web"},
        {**ASKED, "types": [1]},
        {**ASKED, "types": [""]},
    ):
        answer = api.post(PATH, json=wrong)
        assert (answer.status_code, answer.json["id"]) == (422, "invalid_params"), wrong
    assert api.get(PATH).json["volumes"] == []


def test_a_change_of_another_app_is_not_found(stage, api: FlaskClient, app: App, ada: Identity) -> None:
    stage.create("other", ada)
    change = api.post(PATH, json=ASKED).json
    assert api.get(f"/apps/other/storage-changes/{change['id']}").status_code == 404

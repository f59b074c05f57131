"""Folders sent to be explained or built."""

from __future__ import annotations

import io
import json
import tarfile
from typing import Any

import pytest

from accounts import AppRole
from builder import BuildFailed, BuiltImage
from core.errors import Cancelled
from releases import App
from web.api.local_builds import narrate

PYTHON = {"requirements.txt": "flask\n", "Procfile": "web: gunicorn app:app\n"}


def tar_of(files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, text in files.items():
            info = tarfile.TarInfo(path)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return packed.getvalue()


def last(text: str) -> dict[str, Any]:
    return dict(json.loads(text.splitlines()[-1]))


@pytest.mark.parametrize("path", ["/recipes", "/apps/shop/recipe"])
def test_a_folder_is_explained(api, app: App, path: str) -> None:
    answer = api.post(path, data=tar_of(PYTHON))
    assert answer.status_code == 200
    assert answer.json["pack"] == "python"
    assert "Process web: gunicorn app:app" in answer.json["decisions"]
    assert answer.json["dockerfile"].endswith("CMD gunicorn app:app\n")


def test_a_folder_that_no_pack_knows_is_an_error_that_says_so(api, app: App) -> None:
    for path in ("/apps/shop/recipe", "/apps/shop/trial-builds"):
        answer = api.post(path, data=tar_of({"notes.md": ""}))
        assert (answer.status_code, answer.json["id"]) == (422, "build_failed")
        assert answer.json["message"].startswith("No known kind of app was found.")


def test_what_is_not_a_tar_is_a_bad_request(api, app: App) -> None:
    answer = api.post("/recipes", data=b"x" * 1000)
    assert (answer.status_code, answer.json["id"]) == (400, "bad_request")


def test_there_is_no_current_recipe_before_the_first_release(api, app: App) -> None:
    answer = api.get("/apps/shop/recipe")
    assert (answer.status_code, answer.json["hint"]) == (404, "For the folder you are in: portside eject --local .")


def test_a_folder_larger_than_other_requests_may_be_is_taken(
    stage, api, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(stage.app.config, "MAX_CONTENT_LENGTH", 100)
    assert api.post("/recipes", data=tar_of(PYTHON)).status_code == 200


def test_a_build_tells_its_decisions_and_ends_with_its_outcome(stage, api, app: App) -> None:
    text = api.post("/apps/shop/trial-builds", data=tar_of(PYTHON)).text
    lines = [json.loads(line).get("line") for line in text.splitlines()]
    assert "       Process web: gunicorn app:app" in lines
    assert "-----> Building Procfile, requirements.txt" in lines
    assert last(text)["status"] == "succeeded"
    assert last(text)["processes"] == [{"type": "web", "command": "gunicorn app:app"}]
    assert api.get("/apps/shop/releases").json == []


def test_only_who_may_deploy_may_build(stage, app: App) -> None:
    eve = stage.user("eve@example.com")
    stage.accounts.grant(app.id, eve.user_id, AppRole.VIEWER)
    assert stage.client("eve@example.com").post("/apps/shop/trial-builds", data=b"").status_code == 403


def test_a_failed_build_says_why_at_its_end() -> None:
    def build(log: Any, stopped: Any) -> BuiltImage:
        log.step("Installing")
        raise BuildFailed("There is no flask==99.", "Choose another.")

    lines = [json.loads(line) for line in narrate(build, lambda: False)]
    assert lines == [
        {"line": "-----> Installing"},
        {"status": "failed", "message": "There is no flask==99.", "hint": "Choose another."},
    ]


def test_a_client_that_stops_reading_cancels_the_build() -> None:
    import threading

    told = threading.Event()

    def build(log: Any, stopped: Any) -> BuiltImage:
        log.line("begun")
        while stopped() is None:
            threading.Event().wait(0.01)
        assert isinstance(stopped(), Cancelled)
        told.set()
        raise stopped()

    lines = narrate(build, lambda: False)
    assert json.loads(next(lines)) == {"line": "begun"}
    lines.close()
    assert told.wait(30)

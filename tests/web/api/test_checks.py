"""Health checks through the API."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from accounts import Identity
from releases import App
from scheduler import HealthCheck, InForce
from web.api import shapes


@pytest.fixture
def live(stage, app: App, ada: Identity) -> App:
    stage.deploy(app, ada)
    return app


def test_checks_are_set_told_of_and_taken_back(stage, api, live) -> None:
    answer = api.put("/apps/shop/checks/web", json={"type": "liveness", "path": "/live", "attempts": 5})
    change = answer.json["change"]
    assert (change["status"], change["description"]) == ("pending", "Set checks of web: liveness: GET /live")
    busy = api.put("/apps/shop/checks/web", json={"path": "/up"})
    assert (busy.status_code, busy.json["id"]) == (409, "conflict")
    stage.parts.resizing.apply(change["id"])
    assert api.get(f"/apps/shop/formation-changes/{change['id']}").json["status"] == "succeeded"
    assert api.get(urlsplit(change["output_stream_url"]).path).text.startswith("-----> Set checks of web")


def test_what_can_not_be_is_refused(api, live) -> None:
    wrong = api.put("/apps/shop/checks/web", json={"path": "up", "attemps": 2})
    assert (wrong.status_code, wrong.json["message"]) == (
        422,
        "That check can't be: attemps is not known.\nFor example: portside checks:set web --path /health",
    )
    assert api.put("/apps/shop/checks/wep", json={"path": "/up"}).status_code == 404
    assert api.delete("/apps/shop/checks/web/ready").status_code == 422


def test_what_is_not_set_needs_no_unsetting(api, live) -> None:
    assert api.delete("/apps/shop/checks/web").json == {"change": None}
    assert api.delete("/apps/shop/checks/web/liveness").json == {"change": None}


def test_an_app_that_runs_nothing_has_no_checks(api, live) -> None:
    assert api.get("/apps/shop/checks").json == []


def test_a_check_in_force_has_the_keys_of_app_json() -> None:
    assert shapes.check(InForce("web", HealthCheck(path="/up", attempts=2), "set")) == {
        "process_type": "web",
        "asks": "GET /up",
        "source": "set",
        "check": {"type": "startup", "path": "/up", "attempts": 2},
    }

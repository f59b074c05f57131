"""Bake windows over the API."""

from __future__ import annotations

import pytest

from accounts import Identity
from releases import App

PATH = "/apps/shop/bake"
POLICY = {"minutes": 10, "errors_percent": 5.0, "p95_factor": None, "least_requests": 50}


def test_an_app_has_none_until_it_is_set(api, app: App) -> None:
    assert api.get(PATH).json == {"policy": None, "release": None, "trial": None}
    assert api.put(PATH, json={"errors_percent": 5}).json["policy"] == POLICY
    assert api.get(PATH).json["policy"] == POLICY
    assert api.delete(PATH).json["policy"] is None


def test_a_release_tells_of_its_trial(stage, api, app: App, ada: Identity) -> None:
    stage.deploy(app, ada)
    api.put(PATH, json={"errors_percent": 5})
    stage.deploy(app, ada)
    first, second = api.get("/apps/shop/releases").json
    assert first["bake"] is None
    assert second["bake"] == {
        "state": "open",
        "reason": None,
        "until": None,
        "policy": POLICY,
        "before": {"requests": 0, "errors": 0, "p95_ms": None, "release_id": first["id"]},
        "now": {"requests": 0, "errors": 0, "p95_ms": None},
    }
    assert api.get("/apps/shop/releases/2").json["bake"] == second["bake"]
    shown = api.get(PATH).json
    assert (shown["release"], shown["trial"]) == ({"id": second["id"], "version": 2}, second["bake"])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "A bake window needs a bound: errors, p95, or both."),
        ({"errors_percent": "5%"}, "The field errors_percent must be a number."),
        ({"errors_percent": 5, "minutes": 0}, "A bake window has 1 to 1440 minutes, not 0."),
        ({"errors_percent": 5, "minutes": "x"}, "The field minutes must be a whole number."),
    ],
)
def test_what_makes_no_sense_is_refused(api, app: App, body: dict[str, object], message: str) -> None:
    answer = api.put(PATH, json=body)
    assert answer.status_code == 422
    assert answer.json["message"].startswith(message)

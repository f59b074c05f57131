"""One-off runs over the API."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from accounts import Identity
from releases import App
from scheduler.tables import AppRunRow


@pytest.fixture
def live(stage, app: App, ada: Identity) -> App:
    """`shop`, whose v1 the scheduler runs."""
    stage.deploy(app, ada)
    with stage.database.write() as session:
        session.add(AppRunRow(app_id=app.id, rollout="r1", release_id="rel1", version=1))
    return app


def test_an_attached_run_is_met_where_the_answer_says(stage, api, live: App) -> None:
    wish = {"command": "bash", "attach": True, "env": {"TERM": "xterm", "COLUMNS": "100", "LINES": "30"}}
    answer = api.post("/apps/shop/dynos", json=wish)
    assert answer.status_code == 201
    dyno = answer.json
    assert (dyno["name"], dyno["type"], dyno["state"], dyno["command"]) == ("run.1", "run", "waiting", "bash")
    assert dyno["release"]["version"] == 1
    address = urlsplit(dyno["attach_url"])
    assert (address.scheme, address.hostname) == ("rendezvous", "localhost")
    assert address.port == stage.parts.run_door.port
    assert dyno["attach_fingerprint"] == stage.parts.run_door.fingerprint
    assert len(address.path) > 40


def test_the_ticket_is_told_once(api, live: App) -> None:
    api.post("/apps/shop/dynos", json={"command": "bash", "attach": True})
    for path in ("/apps/shop/dynos", "/apps/shop/runs"):
        assert [one["attach_url"] for one in api.get(path).json] == [None]


def test_a_detached_run_as_heroku3_asks_for_it(api, live: App) -> None:
    answer = api.post("/apps/shop/dynos", json={"command": "ls", "attach": False, "size": None})
    assert (answer.status_code, answer.json["attach_url"]) == (201, None)
    assert [one["name"] for one in api.get("/apps/shop/dynos").json] == ["run.1"]
    assert api.get("/apps/shop/dynos/run.1").json["command"] == "ls"


def test_a_run_is_shown_with_its_size(api, live: App) -> None:
    assert api.post("/apps/shop/dynos", json={"command": "ls", "size": "standard"}).json["size"] == "standard"
    answer = api.post("/apps/shop/dynos", json={"command": "ls", "size": "huge"})
    assert (answer.status_code, "'huge' is not a size" in answer.json["message"]) == (422, True)


def test_a_stopped_run_is_no_dyno_any_more_but_still_listed_as_a_run(api, live: App) -> None:
    api.post("/apps/shop/dynos", json={"command": "ls"})
    stopped = api.post("/apps/shop/dynos/run.1/actions/stop")
    assert (stopped.status_code, stopped.json["state"]) == (202, "failed")
    assert api.get("/apps/shop/dynos").json == []
    [run] = api.get("/apps/shop/runs").json
    assert (run["state"], run["detail"]) == ("failed", "Stopped by ada@example.com.")
    assert api.get("/apps/shop/runs/run.1").json == run


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"command": " "},
        {"command": "ls", "env": ["A"]},
        {"command": "ls", "env": {"A": {}}},
        {"command": "ls", "env": {"A B": "1"}},
        {"command": "ls", "time_to_live": 0},
        {"command": "ls", "time_to_live": "x"},
        {"command": "ls", "attach": True, "env": {"COLUMNS": "9999", "LINES": "30"}},
    ],
)
def test_what_cant_be_run_is_refused(api, live: App, wish: object) -> None:
    assert api.post("/apps/shop/dynos", json=wish).status_code == 422
    assert api.get("/apps/shop/runs").json == []


def test_before_the_first_release_nothing_can_be_run(api, app: App) -> None:
    answer = api.post("/apps/shop/dynos", json={"command": "ls"})
    assert (answer.status_code, "no release" in answer.json["message"]) == (422, True)

"""Formation, dynos, logs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts import AppRole, Identity
from core import clock
from core.errors import UserError
from releases import App
from scheduler import InstanceState, LogLine
from web.api.formation import quantity


@pytest.fixture
def live(stage, app: App, ada: Identity) -> App:
    """`shop` with web=1, worker=0."""
    stage.deploy(app, ada)
    return app


@pytest.mark.parametrize(
    ("wish", "now", "then"),
    [("3", 1, 3), (3, 1, 3), ("+1", 1, 2), ("-1", 1, 0), ("-5", 1, 0), ("0", 4, 0), (0, 4, 0), ("+0", 4, 4)],
)
def test_a_quantity_is_absolute_or_relative(wish: object, now: int, then: int) -> None:
    assert quantity(wish, now) == then


@pytest.mark.parametrize("wish", ["", "x", "1.5", "++1", "1-", None, True, 1.5, [], "9999999", "٣"])
def test_what_is_no_quantity_is_refused(wish: object) -> None:
    with pytest.raises(UserError, match="is not a quantity"):
        quantity(wish, 1)


@given(st.from_regex(r"[+-]?[0-9]{1,6}", fullmatch=True), st.integers(0, 100))
def test_no_quantity_is_negative(wish: str, now: int) -> None:
    assert quantity(wish, now) >= 0


@pytest.mark.parametrize(("sent", "then"), [("3", 3), (2, 2), ("+1", 2), ("-1", 0)])
def test_the_formation_is_scaled(stage, api, live: App, sent: object, then: int) -> None:
    answer = api.patch("/apps/shop/formation", json={"updates": [{"type": "web", "quantity": sent, "size": None}]})
    assert answer.status_code == 200
    assert [(entry["type"], entry["quantity"]) for entry in answer.json] == [("web", then)]
    assert {entry["type"]: entry["quantity"] for entry in api.get("/apps/shop/formation").json} == {
        "web": then,
        "worker": 0,
    }


@pytest.mark.parametrize(("sent", "then"), [("50%", "50%"), (2, "2"), ("auto", "auto"), (None, "off")])
def test_how_far_web_shrinks_is_set_beside_its_quantity(api, live: App, sent: object, then: str) -> None:
    answer = api.patch("/apps/shop/formation", json={"updates": [{"type": "web", "quantity": 3, "shrink": sent}]})
    assert [(entry["quantity"], entry["shrink"]) for entry in answer.json] == [(3, then)]
    assert api.get("/apps/shop/formation/web").json["shrink"] == then


@pytest.mark.parametrize("sent", [True, ["50%"], {"web": 1}])
def test_how_far_it_shrinks_is_a_text_or_a_number(api, live: App, sent: object) -> None:
    answer = api.patch("/apps/shop/formation/web", json={"shrink": sent, "quantity": 3})
    assert answer.status_code == 422
    assert "does not say how far web may shrink." in answer.json["message"]
    assert api.get("/apps/shop/formation/web").json["quantity"] == 1


def test_one_type_is_scaled_at_its_own_address(api, live: App) -> None:
    answer = api.patch("/apps/shop/formation/worker", json={"quantity": 2})
    assert (answer.json["type"], answer.json["quantity"]) == ("worker", 2)
    assert api.get("/apps/shop/formation/worker").json["quantity"] == 2


def test_an_unknown_type_is_not_made(api, live: App) -> None:
    answer = api.patch("/apps/shop/formation", json={"updates": [{"type": "wrk", "quantity": "1"}]})
    assert answer.status_code == 404
    assert "This app has no process type wrk." in answer.json["message"]
    assert "It has web, worker." in answer.json["message"]
    assert api.patch("/apps/shop/formation/wrk", json={"quantity": 1}).status_code == 404
    assert len(api.get("/apps/shop/formation").json) == 2


def test_all_updates_are_checked_before_any_is_made(api, live: App) -> None:
    updates = [{"type": "web", "quantity": "5"}, {"type": "wrk", "quantity": "1"}]
    assert api.patch("/apps/shop/formation", json={"updates": updates}).status_code == 404
    assert api.get("/apps/shop/formation/web").json["quantity"] == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"updates": []},
        {"updates": ["web"]},
        {"updates": [{"quantity": 1}]},
        {"updates": [{"type": "web", "quantity": "many"}]},
        {"updates": [{"type": "web", "quantity": 1, "size": "performance-l"}]},
    ],
)
def test_an_impossible_scale_is_refused(api, live: App, body: dict[str, object]) -> None:
    assert api.patch("/apps/shop/formation", json=body).status_code == 422


def test_dynos_have_state_release_and_the_command_of_their_type(stage, api, live: App) -> None:
    stage.runs(live, "worker.1", 1, InstanceState.CRASHED)
    stage.runs(live, "web.2", 1, InstanceState.STARTING)
    stage.runs(live, "web.1", 1)
    shown = api.get("/apps/shop/dynos").json
    assert [(dyno["name"], dyno["type"], dyno["state"], dyno["command"]) for dyno in shown] == [
        ("web.1", "web", "up", "serve"),
        ("web.2", "web", "starting", "serve"),
        ("worker.1", "worker", "crashed", "work"),
    ]
    assert shown[0]["release"] == {"id": api.get("/apps/shop/releases/1").json["id"], "version": 1}


def test_during_a_switch_each_name_is_shown_once(stage, api, live: App, ada: Identity) -> None:
    stage.deploy(live, ada)
    stage.runs(live, "web.1", 1, InstanceState.RETIRED)
    stage.runs(live, "web.1", 2)
    stage.runs(live, "web.1", 1, InstanceState.STOPPED)
    assert [(dyno["name"], dyno["release"]["version"]) for dyno in api.get("/apps/shop/dynos").json] == [("web.1", 2)]


@pytest.mark.parametrize(
    ("path", "process"), [("dynos", None), ("dynos/web.1", "web.1"), ("formations/worker", "worker")]
)
def test_a_restart_is_asked_of_the_scheduler(stage, api, live: App, path: str, process: str | None) -> None:
    stage.runs(live, "web.1", 1)
    answer = api.delete(f"/apps/shop/{path}")
    assert (answer.status_code, answer.json) == (202, {})
    assert stage.scheduler.restarted == [(live.id, process)]


@pytest.mark.parametrize(("path", "process"), [("dynos/web.1", "web.1"), ("formations/worker", "worker")])
def test_a_stop_is_asked_of_the_scheduler(stage, api, live: App, path: str, process: str) -> None:
    stage.runs(live, "web.1", 1)
    answer = api.post(f"/apps/shop/{path}/actions/stop")
    assert (answer.status_code, answer.json) == (202, {})
    assert stage.scheduler.stopped == [(live.id, process)]
    assert api.post("/apps/shop/dynos/web.7/actions/stop").status_code == 404
    assert api.post("/apps/shop/formations/wrk/actions/stop").status_code == 404


def test_a_size_is_asked_for_and_told_of_until_it_is_decided(stage, api, live: App) -> None:
    updates = [{"type": "web", "size": "256M:0.5", "quantity": "2"}, {"type": "worker", "quantity": "1"}]
    web, worker = api.patch("/apps/shop/formation", json={"updates": updates}).json
    assert (web["size"], web["quantity"], worker["size_change"]) == ("standard", 2, None)
    assert web["limits"] == {"memory_mb": 512, "cpus": 1.0, "pids": 256}
    change = web["size_change"]
    assert (change["status"], change["sizes"]) == ("pending", {"web": "256m:0.5"})
    shown = api.get(f"/apps/shop/formation-changes/{change['id']}").json
    assert (shown["description"], shown["user"]) == ("Resize web to 256m:0.5", {"email": "ada@example.com"})
    stage.parts.resizing.apply(change["id"])
    assert api.get(f"/apps/shop/formation-changes/{change['id']}").json["status"] == "succeeded"
    text = api.get(urlsplit(change["output_stream_url"]).path).text
    assert text.startswith("-----> Resize web to 256m:0.5\n")
    assert api.get("/apps/shop/formation-changes/other").status_code == 404


def test_the_size_that_a_type_has_already_is_no_change(api, live: App) -> None:
    answer = api.patch("/apps/shop/formation/web", json={"size": "Standard"})
    assert (answer.status_code, answer.json["size_change"]) == (200, None)


@pytest.mark.parametrize("size", ["Performance-L", "1m", "99999m", "512m:64", "512m:1:1"])
def test_a_size_that_can_not_be_changes_nothing_at_all(api, live: App, size: str) -> None:
    answer = api.patch("/apps/shop/formation/web", json={"size": size, "quantity": 5})
    assert (answer.status_code, answer.json["id"]) == (422, "invalid_params")
    assert api.get("/apps/shop/formation/web").json["quantity"] == 1


def test_a_crashed_dyno_tells_why_and_when_it_is_tried_again(stage, api, live: App) -> None:
    down = stage.runs(live, "web.1", 1, InstanceState.CRASHED)
    soon = clock.now() + timedelta(seconds=8)
    stage.scheduler.running[live.id] = [replace(down, detail="exited with code 1", next_attempt_at=soon)]
    shown = api.get("/apps/shop/dynos/web.1").json
    assert (shown["state"], shown["detail"]) == ("crashed", "exited with code 1")
    assert shown["next_attempt_at"] == clock.iso(soon)


@pytest.mark.parametrize("path", ["dynos/web.7", "formations/wrk"])
def test_what_is_not_there_is_not_restarted(stage, api, live: App, path: str) -> None:
    assert api.delete(f"/apps/shop/{path}").status_code == 404
    assert stage.scheduler.restarted == []


@pytest.fixture
def said(stage) -> list[LogLine]:
    moment = clock.now().replace(year=2026, month=1, day=2, microsecond=7)
    stage.scheduler.lines = [
        LogLine(moment, "app", "web.1", "hello"),
        LogLine(moment + timedelta(seconds=1), "portside", "web.1", "started"),
        LogLine(moment + timedelta(seconds=2), "app", "worker.1", "two\nlines"),
    ]
    return stage.scheduler.lines


def open_log(stage, api, headers: dict[str, str] | None = None, **wish: object):
    session = api.post("/apps/shop/log-sessions", json=wish)
    assert session.status_code == 201
    return stage.client(None).get(urlsplit(session.json["logplex_url"]).path, headers=headers or {})


def test_a_log_is_plain_lines_for_plain_clients(stage, api, live: App, said: list[LogLine]) -> None:
    answer = open_log(stage, api, lines=2, tail=False)
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    assert answer.text == "".join(f"{line}\n" for line in said[1:])
    assert "+00:00 portside[web.1]: started" in answer.text


def test_a_log_is_events_for_herokus_client_and_ends_at_once(stage, api, live: App, said: list[LogLine]) -> None:
    answer = open_log(stage, api, {"Accept": "text/event-stream"}, lines=100, tail=False)
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    first, *events, rest = answer.text.split("\n\n")
    assert (first, rest, len(events)) == ("retry: 10", "", 3)
    moment = said[0].at.isoformat(timespec="microseconds")
    assert events[0] == f"id: {moment}\ndata: {moment} app[web.1]: hello"
    assert events[2].count("\ndata: ") == 2


def test_a_client_that_comes_back_gets_what_is_newer(stage, api, live: App, said: list[LogLine]) -> None:
    headers = {"Accept": "text/event-stream", "Last-Event-ID": said[1].at.isoformat(timespec="microseconds")}
    answer = open_log(stage, api, headers)
    assert answer.text.count("data: ") == 2
    assert "hello" not in answer.text


@pytest.mark.parametrize(("source", "count"), [("app", 2), ("heroku", 1), (None, 3)])
def test_a_log_is_limited_to_a_source(stage, api, live: App, said: list[LogLine], source, count: int) -> None:
    assert open_log(stage, api, source=source).text.count("[w") == count


def test_a_tail_never_tells_the_client_to_hurry(stage, api, live: App, said: list[LogLine]) -> None:
    session = api.post("/apps/shop/log-sessions", json={"tail": True}).json
    headers = {"Accept": "text/event-stream"}
    answer = stage.client(None).get(urlsplit(session["logplex_url"]).path, headers=headers, buffered=False)
    parts = answer.iter_encoded()
    begun = [next(parts).decode() for _ in range(5)]
    answer.close()
    assert "retry" not in "".join(begun)
    assert begun[-1] == ": nothing new\n\n"


@pytest.mark.parametrize("body", [{"source": "router"}, {"lines": "x"}, {"tail": "yes"}, {"dyno": 5}])
def test_an_impossible_log_is_refused(api, live: App, body: dict[str, object]) -> None:
    assert api.post("/apps/shop/log-sessions", json=body).status_code == 422


def test_a_log_address_expires(stage, api, live: App, monkeypatch: pytest.MonkeyPatch) -> None:
    path = urlsplit(api.post("/apps/shop/log-sessions", json={}).json["logplex_url"]).path
    monkeypatch.setattr("itsdangerous.timed.time.time", lambda: 4_000_000_000)
    assert stage.client(None).get(path).status_code == 404


def test_a_log_address_ends_with_its_users_access(stage, api, live: App) -> None:
    stage.user("bob@example.com")
    stage.accounts.grant(live.id, "bob@example.com", AppRole.VIEWER)
    session = stage.client("bob@example.com").post("/apps/shop/log-sessions", json={}).json
    path = urlsplit(session["logplex_url"]).path
    assert stage.client(None).get(path).status_code == 200
    stage.accounts.withdraw(live.id, "bob@example.com")
    assert stage.client(None).get(path).status_code == 404


def test_a_bug_in_a_stream_leaves_no_ticket_in_the_log(
    stage, api, live: App, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = urlsplit(api.post("/apps/shop/log-sessions", json={}).json["logplex_url"]).path
    monkeypatch.setattr(stage.scheduler, "logs", None)
    assert stage.client(None).get(path).status_code == 500
    assert "GET /streams/logs/[hidden]" in caplog.text
    assert path.rpartition("/")[2] not in caplog.text

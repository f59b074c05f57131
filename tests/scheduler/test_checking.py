"""Checks that people set: kept only if instances start with them."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import Conflict, NotFound, UserError
from core.ids import AppId
from scheduler import CheckKind, HealthCheck, ProcessType, check_kind, checks_in_force, parse_check
from tests.scheduler.conftest import Platform
from tests.scheduler.fakes import IDLE, SERVE, MemoryRuntime

ADA = "ada@example.com"
TYPES = (ProcessType("web", SERVE), ProcessType("worker", IDLE))
FINE = HealthCheck(command=("fine",), attempts=1, wait_s=0.1, timeout_s=0.1)
WRONG = HealthCheck(command=("wrong",), attempts=1, wait_s=0.1, timeout_s=0.1)
LIVE = HealthCheck(CheckKind.LIVENESS, command=("fine",))


class AnsweringRuntime(MemoryRuntime):
    """Its containers answer `fine` with 0 and `wrong` with 1."""

    def __init__(self) -> None:
        super().__init__()
        self.answers |= {"fine": 0, "wrong": 1}


@pytest.fixture
def live(make_platform: Any, app_id: AppId) -> Platform:
    platform: Platform = make_platform(AnsweringRuntime())
    platform.deploy(platform.spec(app_id, processes=TYPES, health={"web": (HealthCheck(listening=True),)}))
    return platform


def put(live: Platform, app_id: AppId, kind: str, check: HealthCheck) -> tuple[str, str]:
    change = live.resizing.set_check(app_id, kind, check, ADA)
    assert change is not None
    live.resizing.apply(change.id)
    change = live.resizing.change(app_id, change.id)
    return change.status, change.reason


def in_force(live: Platform, app_id: AppId) -> list[tuple[str, str, str]]:
    spec = live.scheduler.current(app_id)
    assert spec is not None
    return [(one.process_type, f"{one.check.kind}: {one.check}", one.source) for one in checks_in_force(spec)]


def test_what_is_set_replaces_the_instances_lasts_over_releases_and_can_be_taken_back(
    live: Platform, app_id: AppId
) -> None:
    before = live.scheduler.instances(app_id)
    assert put(live, app_id, "web", FINE) == ("succeeded", "")
    assert {one.id for one in live.scheduler.instances(app_id)} - {one.id for one in before}
    set_now = [("web", "startup: fine", "set"), ("worker", "startup: runs", "default")]
    assert in_force(live, app_id) == set_now
    live.deploy(live.spec(app_id, version=2, processes=TYPES, health={"web": (HealthCheck(listening=True),)}))
    assert in_force(live, app_id) == set_now
    assert live.resizing.set_check(app_id, "web", FINE, ADA) is None, "it is so already"
    change = live.resizing.unset_checks(app_id, "web", CheckKind.STARTUP, ADA)
    assert change is not None
    assert change.description == "Set checks of web: none"
    live.resizing.apply(change.id)
    assert in_force(live, app_id)[0] == ("web", "startup: listens on PORT", "app.json")
    assert live.resizing.unset_checks(app_id, "web", None, ADA) is None


def test_a_check_with_which_nothing_starts_is_not_kept(live: Platform, app_id: AppId) -> None:
    before = live.scheduler.instances(app_id)
    status, reason = put(live, app_id, "web", WRONG)
    assert (status, reason) == ("failed", "web.1 is not healthy: its check `wrong` ended with exit code 1.")
    assert live.scheduler.instances(app_id) == before
    assert in_force(live, app_id)[0] == ("web", "startup: listens on PORT", "app.json")


def test_for_a_type_of_which_none_runs_it_holds_for_those_to_come(live: Platform, app_id: AppId) -> None:
    before = live.scheduler.instances(app_id)
    assert put(live, app_id, "worker", LIVE) == ("succeeded", "")
    assert live.scheduler.instances(app_id) == before
    spec = live.scheduler.current(app_id)
    assert spec is not None
    assert spec.is_watched
    assert ("worker", "liveness: fine", "set") in in_force(live, app_id)


def test_one_change_at_a_time_of_types_that_there_are(live: Platform, app_id: AppId) -> None:
    with pytest.raises(NotFound, match="no process type wep"):
        live.resizing.set_check(app_id, "wep", FINE, ADA)
    live.resizing.set_check(app_id, "web", FINE, ADA)
    with pytest.raises(Conflict, match="sizes or checks is under way"):
        live.resizing.set_check(app_id, "worker", LIVE, ADA)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"type": "startup"}, "it needs one of path, command, listening, uptime"),
        ({"path": "/a", "uptime": 3}, "it needs one of path, command, listening, uptime, not path and uptime"),
        ({"path": "up"}, "path begins with / and has no blanks, unlike 'up'"),
        (
            {"path": "/up", "port": 70000, "scheme": "ftp"},
            "scheme is http or https, not ftp; port is 1 to 65535, not 70000",
        ),
        ({"command": ["x"], "content": "ok"}, "content needs a path"),
        ({"path": "/up", "type": "live"}, "type is one of startup, readiness, liveness, not live"),
        ({"pth": "/up", "wait": "5"}, "pth is not known; wait has a wrong kind of value"),
        ({"path": "/up", "wait": -1}, "wait is 0 or more"),
        ({"command": "x"}, "command has a wrong kind of value"),
        ({"path": "/up", "port": True}, "port has a wrong kind of value"),
    ],
)
def test_all_that_is_wrong_with_a_check_is_said_at_once(values: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as raised:
        parse_check(values)
    assert raised.value.message == f"That check can't be: {said}."


def test_a_check_has_the_keys_of_app_json() -> None:
    assert parse_check({"path": "/up", "type": None, "attempts": 2}) == HealthCheck(path="/up", attempts=2)
    assert parse_check({"type": "liveness", "command": ["a", "b"]}) == HealthCheck(
        CheckKind.LIVENESS, command=("a", "b")
    )
    assert (check_kind("readiness"), check_kind(""), check_kind(None)) == (CheckKind.READINESS, None, None)
    with pytest.raises(UserError, match="There is no ready check: the types are startup, readiness, liveness"):
        check_kind("ready")

"""An app begins with the formation of its app.json; after that, people decide."""

from __future__ import annotations

import pytest

from core.errors import UserError
from core.ids import AppId
from scheduler import ProcessType, RunSpec
from tests.scheduler.conftest import Platform
from tests.scheduler.fakes import BYE, IDLE, SERVE

TYPES = (ProcessType("web", SERVE), ProcessType("worker", IDLE))


def spec(platform: Platform, app_id: AppId, version: int = 1, **changes: object) -> RunSpec:
    said = {"first_quantities": {"web": 2, "worker": 1}, "first_sizes": {"worker": "48M"}}
    return platform.spec(app_id, version, **{"processes": TYPES, **said, **changes})


def sizes(platform: Platform, app_id: AppId) -> dict[str, tuple[int, str]]:
    return {one.process_type: (one.quantity, one.size) for one in platform.scheduler.formation(app_id)}


def test_the_first_deploy_starts_what_app_json_says(platform: Platform, app_id: AppId) -> None:
    platform.deploy(spec(platform, app_id))
    assert platform.running(app_id) == ["web.1", "web.2", "worker.1"]
    assert sizes(platform, app_id) == {"web": (2, "standard"), "worker": (1, "48m")}
    limits = {order.process: order.memory_mb for order in platform.runtime.orders.values()}
    assert limits["worker.1"] == 48
    assert "       As app.json's formation says, the app begins with web=2 worker=1" in platform.lines


def test_a_later_push_changes_no_quantity_and_no_size_and_says_so(platform: Platform, app_id: AppId) -> None:
    platform.deploy(spec(platform, app_id))
    platform.scheduler.scale(app_id, {"web": 1})
    platform.deploy(spec(platform, app_id, 2, first_sizes={"worker": "96m"}))
    assert sizes(platform, app_id) == {"web": (1, "standard"), "worker": (1, "48m")}
    said = "app.json's formation is for an app's first deploy; web=1 stays (see: portside ps:scale)"
    assert f"       {said}" in platform.lines


def test_a_type_that_comes_later_begins_as_any_new_one(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    platform.deploy(spec(platform, app_id, 2))
    assert sizes(platform, app_id) == {"web": (1, "standard"), "worker": (0, "standard")}


def test_a_first_deploy_that_fails_leaves_the_next_to_be_the_first(platform: Platform, app_id: AppId) -> None:
    with pytest.raises(UserError):
        platform.deploy(spec(platform, app_id, processes=(TYPES[0], ProcessType("worker", BYE))))
    platform.deploy(spec(platform, app_id, 2))
    assert sizes(platform, app_id) == {"web": (2, "standard"), "worker": (1, "48m")}


def test_sizes_of_others_and_unknown_types_are_told_and_passed_over(platform: Platform, app_id: AppId) -> None:
    said = {"first_quantities": {"wroker": 2}, "first_sizes": {"web": "Standard-1X"}}
    platform.deploy(spec(platform, app_id, **said))
    assert sizes(platform, app_id) == {"web": (1, "standard"), "worker": (0, "standard")}
    assert "       app.json's formation names wroker, which is no process type" in platform.lines
    assert "       Standard-1X is no size here, so web is standard (see: portside ps:type)" in platform.lines


def test_a_size_that_the_host_lacks_fails_the_deploy(platform: Platform, app_id: AppId) -> None:
    with pytest.raises(UserError, match="web can't have 99328 MB of memory"):
        platform.deploy(spec(platform, app_id, first_sizes={"web": "97g"}))
    assert platform.scheduler.formation(app_id) == []

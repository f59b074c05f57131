"""Deploys on the real engine."""

from __future__ import annotations

import urllib.request

import pytest

from core.ids import AppId
from tests.scheduler.conftest import Platform, eventually

pytestmark = pytest.mark.engine


def get(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}:5000/", timeout=5) as answer:
        return str(answer.read().decode())


def test_a_deploy_starts_web_and_points_the_route_to_it(engine: Platform, app_id: AppId) -> None:
    engine.deploy(engine.spec(app_id))
    [instance] = engine.scheduler.instances(app_id)
    assert engine.settled(app_id, ["web.1"], version=1)
    assert engine.routed(app_id) == {instance.address}
    assert get(str(instance.address)) == "v1 hello"
    assert engine.lines[0] == "-----> Starting v1: web=1"


def test_a_second_deploy_switches_and_the_old_release_ends(engine: Platform, app_id: AppId) -> None:
    engine.deploy(engine.spec(app_id))
    with engine.looping():
        engine.deploy(engine.spec(app_id, version=2))
        [address] = engine.routed(app_id)
        assert get(address) == "v2 hello"
        eventually(lambda: engine.settled(app_id, ["web.1"], version=2), "only v2 is left")

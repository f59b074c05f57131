"""An app whose app.json has a formation and checks, on the whole platform."""

from __future__ import annotations

import json

import docker
import pytest

from tests.acceptance.site import Site
from tests.background import eventually

pytestmark = pytest.mark.platform

APP_JSON = {
    "formation": {"web": {"quantity": 2}},
    "healthchecks": {
        "web": [
            {"type": "startup", "path": "/"},
            {"type": "readiness", "command": ["test", "!", "-e", "/tmp/away"], "attempts": 1, "wait": 1},
        ]
    },
}


def run_inside(site: Site, process: str, *argv: str) -> None:
    [container] = [one for one in site.containers() if one.process == process]
    engine = docker.from_env()
    try:
        assert engine.containers.get(container.id).exec_run(list(argv), user="1000").exit_code == 0
    finally:
        engine.close()


def out_of_the_route(site: Site) -> list[str]:
    dynos = json.loads(site.cli("ps", "--json").output)
    return [one["name"] for one in dynos if (one["detail"] or "").startswith("out of the route: ")]


def test_two_begin_and_one_that_is_not_ready_gets_no_request_until_it_is(site: Site) -> None:
    site.write(json.dumps(APP_JSON), "app.json")
    pushed = site.push()
    assert pushed.code == 0, pushed.output
    assert "As app.json's formation says, the app begins with web=2" in pushed.output
    assert sorted(one.process for one in site.containers()) == ["web.1", "web.2"]
    before = {one.id for one in site.containers()}
    run_inside(site, "web.1", "touch", "/tmp/away")
    eventually(lambda: out_of_the_route(site) == ["web.1"], "web.1 is out of the route")
    assert site.answer()["words"]
    run_inside(site, "web.1", "rm", "/tmp/away")
    eventually(lambda: out_of_the_route(site) == [], "it is back")
    assert {one.id for one in site.containers()} == before, "nothing was restarted"

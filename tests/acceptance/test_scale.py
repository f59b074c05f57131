"""How many run, restarting, what happens to an instance that dies, and what the logs tell."""

from __future__ import annotations

import json
import re
import time

import docker
import pytest

from router.metrics import STEP_S
from tests.acceptance.site import Site
from tests.background import eventually
from tests.live import run

pytestmark = pytest.mark.platform


def test_scaling_up_to_nothing_and_back(live_site: Site) -> None:
    scaled = live_site.cli("ps:scale", "web=2", "worker=1")
    assert scaled.output == f"Scaled {live_site.name}: web at 2, worker at 1.\n"
    eventually(lambda: _up(live_site) == ["web.1", "web.2", "worker.1"], "all three are up")
    eventually(lambda: len(_hosts(live_site, 6)) == 2, "both answer")
    assert {found.process for found in live_site.containers()} == {"web.1", "web.2", "worker.1"}
    assert live_site.versions() == [(1, "succeeded")], "scaling is no release"

    eventually(lambda: 1 in _counted(live_site), "v1 is counted")
    step = _step()
    eventually(lambda: _step() > step, "its step is over: one that two releases share is the newer one's")
    live_site.write("two")
    assert "Starting v2: web=2 worker=1" in live_site.push().output
    assert _up(live_site) == ["web.1", "web.2", "worker.1"]
    assert {live_site.answer()["release"] for _ in range(6)} == {"v2"}

    assert live_site.cli("ps:scale", "web=0", "worker=0").code == 0
    eventually(lambda: live_site.platform.get(live_site.name).status_code == 503, "nothing is left to answer")
    assert "This app is not running" in live_site.platform.get(live_site.name).text
    eventually(lambda: "at=error code=H14" in live_site.cli("logs", "-p", "router").output, "the log says so")
    assert 'at=info method=GET path="/" host=' in live_site.cli("logs", "-p", "router").output
    counted = json.loads(live_site.cli("metrics", "--json").output)
    assert _counted(live_site) >= {1, 2}
    assert counted["whole"]["status"]["5xx"] >= 1
    eventually(lambda: live_site.containers() == [], "no container is left")
    assert "Nothing of" in live_site.cli("ps").output

    assert live_site.cli("ps:scale", "web+1").code == 0
    eventually(lambda: live_site.platform.get(live_site.name).status_code == 200, "it is back")
    assert live_site.answer()["words"] == "two"
    assert live_site.cli("maintenance:on").code == 0
    assert "H80" in live_site.platform.get(live_site.name).text
    assert live_site.cli("maintenance:off").code == 0
    assert live_site.answer()["words"] == "two"
    wrong = live_site.cli("ps:scale", "wep=2")
    assert wrong.code == 1
    assert "This app has no process type wep.\n" in wrong.output
    assert "It has web, worker." in wrong.output


def _counted(site: Site) -> set[int | None]:
    """The releases that the metrics know."""
    return {each["version"] for each in json.loads(site.cli("metrics", "--json").output)["releases"]}


def _step() -> int:
    """The number of the step of time that the metrics count in now."""
    return int(time.time()) // STEP_S


def test_an_unknown_host_gets_a_page_of_ours(site: Site) -> None:
    page = site.platform.get("nobody-made-this")
    assert page.status_code == 404
    assert "There is no app here" in page.text


def test_a_restart_and_a_death_are_followed_by_a_new_instance(live_site: Site) -> None:
    before = live_site.answer()["host"]
    assert live_site.cli("ps:restart").code == 0
    eventually(lambda: live_site.answer()["host"] != before, "another container answers")
    eventually(lambda: len(live_site.containers()) == 1, "the old one is gone")
    (only,) = live_site.containers()
    engine = docker.from_env()
    engine.containers.get(only.id).kill()
    engine.close()
    eventually(lambda: [one.id for one in live_site.containers()] not in ([], [only.id]), "it is replaced")
    eventually(lambda: live_site.platform.get(live_site.name).status_code == 200, "the new one answers")
    assert live_site.answer()["words"] == "one"
    eventually(lambda: _up(live_site) == ["web.1"], "and is listed")


def test_logs_show_what_was_printed_and_follow(live_site: Site) -> None:
    live_site.answer("/before")
    eventually(lambda: "asked for /before" in live_site.cli("logs").output, "the line is in the log")
    past = live_site.cli("logs", "-n", "200").output
    assert re.search(r"^\d{4}-\d\d-\d\dT[\d:.]+(Z|\+00:00) app\[web\.1\]: open on port 8000$", past, re.MULTILINE)
    assert re.search(r" portside\[web\.1\]: State changed from starting to up$", past, re.MULTILINE)
    assert len(live_site.cli("logs", "-n", "1").output.splitlines()) == 1
    with live_site.running("logs", "-t", "-n", "0") as tail:
        eventually(lambda: _asks(live_site, "/while") and "asked for /while" in tail.output, "it follows")
        live_site.cli("ps:scale", "worker=1")
        tail.says("app[worker.1]: at work")
        tail.interrupt()
        assert tail.ended().code == 130
    assert "asked for /before" not in tail.output
    only_worker = live_site.cli("logs", "-p", "worker").output
    assert "at work" in only_worker
    assert "web.1" not in only_worker


def test_a_config_value_is_shown_nowhere_but_where_it_is_asked_for(live_site: Site) -> None:
    secret = "correct-horse-battery"
    assert secret not in live_site.cli("config:set", f"PHRASE={secret}").output
    live_site.build_also(f"RUN echo the phrase is {secret}")
    built = live_site.push()
    assert built.code == 0, built.output
    assert "the phrase is" in built.output
    live_site.start_with("perl -e 'die qq(bad phrase $ENV{PHRASE}\\n)'")
    failed = live_site.push()
    assert failed.code == 1
    assert "bad phrase" in failed.output
    told = [built.output, failed.output, live_site.cli("builds:output").output, live_site.cli("releases").output]
    assert [text for text in told if secret in text] == []
    assert live_site.cli("config:get", "PHRASE").output == f"{secret}\n"
    records = (live_site.platform.home / "portside.db").read_bytes()
    assert secret.encode() not in records
    listed = run(["ps", "-eo", "args"], live_site.platform.people).output
    assert f"PHRASE={secret}" not in listed


def _up(site: Site) -> list[str]:
    found = json.loads(site.cli("ps", "--json").output)
    return sorted(one["name"] for one in found if one["state"] == "up")


def _hosts(site: Site, times: int) -> set[str]:
    return {site.answer()["host"] for _ in range(times)}


def _asks(site: Site, path: str) -> bool:
    return bool(site.answer(path))

"""Process types one at a time: their sizes, restarting, stopping and crashing, and those that stand alone."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docker
import pytest

import bench
from bench.load import Load, Target
from tests.acceptance.site import Site
from tests.background import eventually

pytestmark = pytest.mark.platform

HUNDRED_MS = Path(bench.__file__).parent / "apps" / "hundred_ms"
WEB = "web: perl /app/server.pl"
CLOCK = "clock: perl -e '$|=1; $SIG{TERM}=sub{exit}; print qq(tick\\n); sleep 1 while 1'"


def limits_of(site: Site, process: str) -> tuple[int, int, int]:
    """What the engine gives to a running process: memory in MB, thousandths of a CPU, processes."""
    [container] = [one for one in site.containers() if one.process == process]
    engine = docker.from_env()
    try:
        host = engine.containers.get(container.id).attrs["HostConfig"]
    finally:
        engine.close()
    return host["Memory"] // 2**20, host["NanoCpus"] // 10**6, host["PidsLimit"]


def dyno(site: Site, name: str) -> dict[str, Any]:
    return next(one for one in json.loads(site.cli("ps", "--json").output) if one["name"] == name)


def test_a_size_is_given_by_a_rollout_and_kept_only_if_the_instances_start(live_site: Site) -> None:
    resized = live_site.cli("ps:type", "web=200m:0.5:64")
    assert resized.code == 0, resized.output
    assert "-----> Resize web to 200m:0.5:64" in resized.output
    assert "-----> Starting v1: web=1" in resized.output
    eventually(lambda: len(live_site.containers()) == 1, "the old one is gone")
    assert limits_of(live_site, "web.1") == (200, 500, 64)
    assert live_site.versions() == [(1, "succeeded")], "sizes are no release"
    assert dyno(live_site, "web.1")["size"] == "200m:0.5:64"
    assert re.search(r"^web +200m:0.5:64 +200 MB +0.5 +64 +1$", live_site.cli("ps:type").output, re.MULTILINE)

    live_site.write("two")
    assert live_site.push().code == 0
    eventually(lambda: [one.version for one in live_site.containers()] == [2], "only v2")
    assert limits_of(live_site, "web.1") == (200, 500, 64), "it lasts over releases"

    too_large = live_site.cli("ps:type", "web=999999m")
    assert too_large.code == 1
    assert "web can't have 999999 MB of memory" in too_large.output

    greedy = "web: perl -e '$x = q(x) x (60 * 2**20); exec qw(perl /app/server.pl)'"
    live_site.write(greedy, "Procfile")
    assert live_site.push().code == 0
    too_small = live_site.cli("ps:type", "web=32m")
    assert too_small.code == 1, too_small.output
    assert "The change of sizes failed" in too_small.output
    assert live_site.answer()["words"] == "two"
    assert dyno(live_site, "web.1")["size"] == "200m:0.5:64"


def test_of_a_clock_two_never_run_and_a_failed_deploy_brings_it_back(site: Site) -> None:
    site.write(f"{WEB}\n{CLOCK}", "Procfile")
    assert site.push().code == 0
    assert site.cli("ps:scale", "clock=1").code == 0
    eventually(lambda: {one.process for one in site.containers()} == {"web.1", "clock.1"}, "both run")
    [first] = [one for one in site.containers() if one.process == "clock.1"]

    site.write("two")
    pushed = site.push()
    assert pushed.code == 0, pushed.output
    assert "-----> Stopping clock.1: the new may not run beside the old" in pushed.output
    assert [one.version for one in site.containers() if one.process == "clock.1"] == [2]
    assert ended_before_began(first.id, site)

    site.write(f"{WEB}\nclock: exit 4", "Procfile")
    failed = site.push()
    assert failed.code == 1
    assert "clock.1" in failed.output
    eventually(lambda: [one.version for one in site.containers() if one.process == "clock.1"] == [2], "v2's clock")
    assert site.answer()["words"] == "two"
    assert site.answer()["release"] == "v2"


def ended_before_began(old_id: str, site: Site) -> bool:
    """Whether the old container was over, or removed already, when the clock that runs now was started."""
    [new] = [one for one in site.containers() if one.process == "clock.1"]
    engine = docker.from_env()
    try:
        old = engine.containers.get(old_id).attrs["State"]
        return bool(old["FinishedAt"] <= engine.containers.get(new.id).attrs["State"]["StartedAt"])
    except docker.errors.NotFound:
        return True
    finally:
        engine.close()


def test_one_instance_is_replaced_without_a_lost_request(new_site: Callable[..., Site]) -> None:
    site = new_site(HUNDRED_MS)
    assert site.push().code == 0
    assert site.cli("ps:scale", "web=2").code == 0
    eventually(lambda: len(site.containers()) == 2, "two run")
    before = {one.process: one.id for one in site.containers()}
    with Load(Target(site.platform.http, f"{site.name}.localhost"), 100) as load:
        assert site.cli("ps:restart", "web.2").code == 0
        eventually(lambda: replaced(site, before, "web.2"), "another web.2, and only that")
        assert {one.process: one.id for one in site.containers()}["web.1"] == before["web.1"]
        assert site.cli("ps:restart", "web").code == 0
        eventually(lambda: replaced(site, before, "web.1"), "another web.1 as well")
    assert load.tally.failed == 0, load.tally
    assert load.tally.sent > 50, "it was a load"


def replaced(site: Site, before: dict[str, str], process: str) -> bool:
    now = site.containers()
    names = sorted(one.process for one in now)
    return names == ["web.1", "web.2"] and {one.process: one.id for one in now}[process] != before[process]


def test_what_is_stopped_is_replaced_at_once(live_site: Site) -> None:
    [before] = live_site.containers()
    stopped = live_site.cli("ps:stop", "web.1")
    assert stopped.code == 0, stopped.output
    assert "For none: portside ps:scale web=0" in stopped.output
    eventually(lambda: [one.id for one in live_site.containers()] not in ([], [before.id]), "another takes its place")
    eventually(lambda: live_site.platform.get(live_site.name).status_code == 200, "it answers")
    assert live_site.cli("ps:stop", "web.7").code == 1


def test_a_process_that_keeps_crashing_is_shown_with_the_reason_and_its_next_attempt(site: Site) -> None:
    site.write(f"{WEB}\nworker: sleep 5; exit 7", "Procfile")  # healthy for a moment, and then gone, every time
    assert site.push().code == 0
    assert site.cli("ps:scale", "worker=1").code == 0
    told = re.compile(r"worker\.1 crashed: exited with code 7; next attempt at \d\d:\d\d:\d\d UTC\.")
    eventually(lambda: bool(told.search(site.cli("ps").output)), "the crash and what comes next")
    eventually(lambda: dyno(site, "worker.1")["state"] == "crashed", "it crashed")
    eventually(lambda: (dyno(site, "worker.1")["next_attempt_at"] or "") > "2026", "its next attempt is told")
    assert site.answer()["release"] == "v1", "web does not mind"

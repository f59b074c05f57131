"""A release phase for which workers and requests rest, and a bake window that takes a bad release back, for real."""

from __future__ import annotations

import json

import pytest

from tests.acceptance.site import Site
from tests.background import eventually

pytestmark = pytest.mark.platform

PROCFILE = """web: perl /app/server.pl
worker: perl -e '$| = 1; $SIG{TERM} = sub { exit }; while (1) { print "at work\\n"; sleep 1 }'
release: perl -e '$| = 1; print "migrating\\n"; sleep 2; print "migrated\\n"'"""
RESTS = '[release]\nstop = ["worker"]\nhold = 30'


def processes(site: Site) -> set[tuple[str, int]]:
    return {(one.process, one.version) for one in site.containers()}


def test_workers_and_requests_rest_until_the_new_release_serves(site: Site) -> None:
    site.write(RESTS, "portside.toml")
    site.write(PROCFILE, "Procfile")
    assert site.push().code == 0
    assert site.cli("ps:scale", "worker=1").code == 0
    eventually(lambda: processes(site) == {("web.1", 1), ("worker.1", 1)}, "v1 is whole")

    site.write("two")
    with site.pushing() as push:
        push.says("migrating")
        assert {one for one in processes(site) if one[1] == 1} == {("web.1", 1)}, "the old worker has ended"
        assert site.answer()["words"] == "two", "it waited for the new release"
        assert push.ended().code == 0, push.output
    assert "-----> Stopping worker.1: they are not to run beside the release phase" in push.output
    assert "-----> Holding requests until the new release serves, for 30 s at most" in push.output

    back = site.cli("rollback", "v1")
    assert back.code == 0, back.output
    assert "migrat" not in back.output
    again = site.cli("rollback", "v2", "--release-phase")
    assert again.code == 0, again.output
    assert "       migrated" in again.output
    eventually(lambda: processes(site) == {("web.1", 4), ("worker.1", 4)}, "v4 is whole")


def test_a_release_that_answers_with_errors_is_rolled_back_by_itself(live_site: Site) -> None:
    window = live_site.cli("bake:set", "--minutes", "5", "--errors", "5%", "--p95", "9x", "--requests", "10")
    assert window.code == 0, window.output
    for _ in range(10):
        live_site.answer()
    broken = (live_site.folder / "server.pl").read_text().replace("200 OK", "500 Oh no")
    live_site.write(broken.rstrip(), "server.pl")
    pushed = live_site.push()
    assert pushed.code == 0, pushed.output
    assert "On trial for 5 min once it serves" in pushed.output
    for _ in range(10):
        live_site.platform.get(live_site.name, "/")
    eventually(lambda: live_site.versions()[0] == (3, "succeeded"), "v1 is back, as v3")
    assert live_site.answer()["words"] == "one"
    worse = "5xx 100.0 % of 10 requests (before: 0.0 % of 10)"
    assert live_site.platform.releases(live_site.name)[0]["description"] == f"Rollback to v1: v2 was worse: {worse}"
    told = f"rolled back: {worse}"
    eventually(lambda: live_site.platform.releases(live_site.name)[1]["bake"] == told, "the trial has ended")
    assert f"[rolled back: {worse}]" in live_site.cli("releases").output
    assert json.loads(live_site.cli("bake", "--json").output)["trial"]["now"]["errors"] == 10

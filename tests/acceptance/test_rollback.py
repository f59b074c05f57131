"""Going back: code and config together, without waiting for anything, and forward again."""

from __future__ import annotations

import json

import pytest

from tests.acceptance.site import Site
from tests.background import eventually

pytestmark = pytest.mark.platform


def test_config_set_before_the_first_push_starts_nothing(site: Site) -> None:
    done = site.cli("config:set", "GREETING=early")
    assert done.code == 0, done.output
    assert f"Set GREETING on {site.name}, v1." in done.output
    assert "early" not in done.output
    assert site.containers() == []
    assert site.platform.get(site.name).status_code == 503
    pushed = site.push()
    assert "Released v2" in pushed.output
    assert (site.answer()["greeting"], site.answer()["release"]) == ("early", "v2")
    back = site.cli("rollback", "v1")
    assert back.code == 1
    assert "v1 has no image: it only set config, before the first push." in back.output
    alone = site.cli("rollback")
    assert alone.code == 1
    assert "There is no earlier release to go back to." in alone.output


def test_a_rollback_brings_back_code_and_config_and_deploy_goes_forward_again(live_site: Site) -> None:
    first = live_site.branch()
    assert live_site.cli("config:set", "GREETING=hello").code == 0
    assert _said(live_site) == ("one", "hello", "v2")
    second = live_site.write("two")
    assert live_site.push().code == 0
    assert live_site.cli("config:set", "GREETING=goodbye", "EXTRA=1").code == 0
    assert _said(live_site) == ("two", "goodbye", "v4")

    back = live_site.cli("rollback", "v2")
    assert back.code == 0, back.output
    assert "Rolling back from v4 to v2:" in back.output
    assert f"code    {second[:10]} -> {first[:10]}" in back.output
    assert "config  -EXTRA ~GREETING" in back.output
    assert f"Rolled back {live_site.name} to v2, as v5." in back.output
    assert "goodbye" not in back.output
    assert _said(live_site) == ("one", "hello", "v5")
    assert json.loads(live_site.cli("config", "--json").output) == {"GREETING": "hello"}
    newest = live_site.platform.releases(live_site.name)[0]
    assert (newest["description"], newest["current"], newest["status"]) == ("Rollback to v2", True, "succeeded")
    assert newest["user"] == live_site.platform.email

    assert "Everything up-to-date" in live_site.push().output
    assert 'says "Everything up-to-date"' in back.output
    assert "portside deploy COMMIT" in back.output
    forward = live_site.cli("deploy", second[:8])
    assert forward.code == 0, forward.output
    assert "reusing its image" in forward.output
    assert _said(live_site) == ("two", "hello", "v6")
    assert live_site.branch() == second
    unknown = live_site.cli("deploy", "0123456789")
    assert unknown.code == 1
    assert "No commit '0123456789' is stored for this app." in unknown.output


def test_without_a_number_it_is_the_live_release_before(live_site: Site) -> None:
    live_site.write("two")
    assert live_site.push().code == 0
    live_site.start_with("perl -e 'exit 1'")
    assert live_site.push().code == 1
    assert live_site.versions() == [(3, "failed"), (2, "succeeded"), (1, "succeeded")]
    back = live_site.cli("rollback")
    assert back.code == 0, back.output
    assert "Rolling back from v2 to v1:" in back.output
    assert _said(live_site) == ("one", "", "v4")
    failed = live_site.cli("rollback", "v3")
    assert failed.code == 1
    assert "v3 never went live" in failed.output
    unknown = live_site.cli("rollback", "v99")
    assert unknown.code == 1
    assert "Couldn't find release" in unknown.output
    assert "portside releases" in unknown.output
    assert _said(live_site) == ("one", "", "v4")


def test_code_only_keeps_todays_config(live_site: Site) -> None:
    live_site.write("two")
    assert live_site.push().code == 0
    assert live_site.cli("config:set", "GREETING=today").code == 0
    back = live_site.cli("rollback", "v1", "--code-only")
    assert back.code == 0, back.output
    assert "config  stays as it is (--code-only)" in back.output
    assert _said(live_site) == ("one", "today", "v4")


def test_a_rollback_does_not_wait_for_a_build_but_cancels_it(live_site: Site) -> None:
    live_site.write("two")
    assert live_site.push().code == 0
    good = live_site.branch()
    live_site.build_also("RUN echo the long step begins && sleep 60")
    with live_site.pushing() as slow:
        slow.says("the long step begins")
        back = live_site.cli("rollback", "v1")
        assert back.code == 0, back.output
        assert _said(live_site) == ("one", "", "v3")
        done = slow.ended()
    assert done.code == 1
    assert "a rollback was asked for while this push was under way" in done.output
    assert "! [remote rejected] main -> main (cancelled)" in done.output
    assert live_site.branch() == good
    assert _said(live_site) == ("one", "", "v3")
    eventually(lambda: [one.version for one in live_site.containers()] == [3], "only v3 runs")


def test_a_config_that_stops_the_app_is_not_kept(live_site: Site) -> None:
    live_site.start_with("perl -e 'die qq(no greeting wanted\\n) if $ENV{GREETING}; do q(/app/server.pl)'")
    assert live_site.push().code == 0
    done = live_site.cli("config:set", "GREETING=unwelcome")
    assert done.code == 1
    assert "no greeting wanted" in done.output
    assert "runs on as it was" in done.output
    assert "unwelcome" not in done.output
    assert json.loads(live_site.cli("config", "--json").output) == {}
    assert _said(live_site) == ("one", "", "v2")


def _said(site: Site) -> tuple[str, str, str]:
    answer = site.answer()
    return answer["words"], answer["greeting"], answer["release"]

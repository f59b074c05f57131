"""The folder of the registry is lost: what serves is not touched, and what the engine has goes back by itself."""

from __future__ import annotations

import shutil

import pytest

from server.sweeps import Sweeps
from tests.acceptance.site import Site
from tests.crash import steps
from tests.crash.aftermath import Aftermath
from tests.crash.blows import Victim
from tests.crash.steady import Steady

pytestmark = pytest.mark.platform


def lose(site: Site) -> None:
    shutil.rmtree(site.platform.home / "registry")


def restorable(site: Site) -> list[int]:
    """By number, asked anew."""
    records = Aftermath.of(site).records
    Sweeps(records).check_images()
    found = records.releases.releases(records.releases.app(site.name).id)
    return [release.version for release in found if release.restorable]


def drop_from_engine(site: Site, version: int) -> None:
    """The engine's copy of a release's image, with all its names."""
    image_id = Aftermath.of(site).records.releases.release(Aftermath.of(site).app_id(), f"v{version}").image_id
    engine = site.platform.engine()
    try:
        engine.api.remove_image(image_id, force=True)
    finally:
        engine.close()


def test_what_the_engine_has_goes_back_and_the_rest_is_told(site: Site) -> None:
    after, first = Aftermath.of(site), site.branch()
    second = site.write("two")
    assert site.push().code == 0
    with Steady(site) as visitor:
        after.assert_live(2, second)  # v1 has drained, so nothing holds its image but its names

        lose(site)
        assert restorable(site) == [2, 1], "both are published again, from the engine's copies"

        lose(site)
        back = site.cli("rollback", "v1")
        assert back.code == 0, back.output
        assert "The registry has lost the image: publishing it again from the engine's copy." in back.output
        assert site.answer()["commit"] == first
        after.assert_tidy(3)  # v2 has drained

        lose(site)
        drop_from_engine(site, 2)
        assert restorable(site) == [3, 1]
        told = site.cli("releases:info", "v2").output
        assert "no: the registry has lost its image, and the engine has no copy of it" in told
        refused = site.cli("rollback", "v2")
        assert refused.code != 0
        assert "The image of v2 is no longer in the registry, so it can't be brought back." in refused.output
        assert f"Push that commit again: portside deploy {second[:8]}" in refused.output

        third = site.write("three")
        pushed = site.push()
        assert pushed.code == 0, pushed.output
        assert site.answer()["commit"] == third
    assert visitor.failures == []


@pytest.mark.full
def test_an_upload_that_meets_an_empty_registry_begins_again(site: Site, victim: Victim) -> None:
    """Whether this push goes live or is told to have failed: the app serves, and the next one works."""
    goal = steps.UPLOAD.arrange(site)
    with Steady(site) as visitor:
        with steps.UPLOAD.reached(site, victim, goal) as act:
            lose(site)
            act.let_go()
            act.command.ended()
        site.write("next")
        pushed = site.push()
        assert pushed.code == 0, pushed.output
        assert site.answer()["words"] == "next"
    assert visitor.failures == []

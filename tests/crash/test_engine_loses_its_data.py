"""The engine comes back without images, containers, networks and volumes: the registry has what the apps need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.site import Site
from tests.background import eventually
from tests.crash.aftermath import Aftermath
from tests.crash.second_engine import BASE, SecondEngine
from tests.live import LivePlatform

pytestmark = [pytest.mark.platform, pytest.mark.full]

AGAIN_S = 60


@pytest.fixture(scope="module")
def engine(machine: None) -> Iterator[SecondEngine]:
    with SecondEngine() as engine:
        yield engine


@pytest.fixture(scope="module")
def platform(engine: SecondEngine) -> Iterator[LivePlatform]:
    live = LivePlatform(engine.url)
    try:
        live.start()
        yield live
    finally:
        live.end()


def test_each_live_release_is_pulled_and_started_and_a_push_works(site: Site, engine: SecondEngine) -> None:
    after = Aftermath.of(site)
    second = site.write("two")
    assert site.push().code == 0
    assert site.cli("config:set", "COLOUR=red").code == 0
    after.assert_settled(3, second, second, ("succeeded",) * 3)

    engine.lose_data()
    engine.start()
    eventually(lambda: site.platform.get(site.name).status_code == 200, "it serves again", AGAIN_S)
    after.assert_settled(3, second, second, ("succeeded",) * 3)
    done = site.cli("run", "echo", "from the image")
    assert "from the image" in done.output, done.output

    back = site.cli("rollback", "v1")
    assert back.code == 0, back.output
    assert site.answer()["words"] == "one", "an earlier image is pulled too"

    engine.take_over(BASE)  # as `portside-server prepare` makes it: a build would, in a minute
    site.write("five")
    pushed = site.push()
    assert pushed.code == 0, pushed.output
    assert (site.answer()["words"], site.answer()["release"]) == ("five", "v5")

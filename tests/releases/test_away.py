"""A part of the platform goes away while a release is delivered, and comes back or does not."""

from __future__ import annotations

from pathlib import Path

from core.errors import Away, Unavailable
from core.ids import AppId
from releases import ReleaseSettings, ReleaseState
from tests.releases.world import ObedientScheduler, build_world


class ForgetfulEngine(ObedientScheduler):
    """Its engine goes away `deaths` times in the middle of a deploy, and answers when it is asked a second time."""

    def __init__(self, deaths: int) -> None:
        super().__init__()
        self.deaths = deaths
        self.asked = 0
        self.before_switch = self._die

    def _die(self) -> None:
        self.deaths -= 1
        if self.deaths >= 0:
            raise Away("The Docker engine does not answer.", "Start it.")

    def check_engine(self, app_id: AppId) -> None:
        self.asked += 1
        if self.asked % 2:
            raise Away("The Docker engine does not answer.")


class RefusingEngine(ObedientScheduler):
    """Its engine answers, and will not."""

    def deploy(self, *_: object) -> None:
        raise Unavailable("The Docker engine refused: no space left on device")


def test_an_engine_that_comes_back_is_waited_for(tmp_path: Path) -> None:
    world = build_world(tmp_path, scheduler=ForgetfulEngine(deaths=2))
    release = world.push(world.new_app())
    assert (release.state, release.current) == (ReleaseState.LIVE, True)
    told = [line for line in world.text(release).splitlines() if "Waiting" in line]
    assert told == ["       The Docker engine does not answer. Waiting for it, at most 60 s."]


def test_a_registry_that_comes_back_is_waited_for(tmp_path: Path) -> None:
    world = build_world(tmp_path)
    world.images.away = 2
    release = world.push(world.new_app())
    assert (release.state, release.image_ref) == (ReleaseState.LIVE, next(iter(world.images.refs)))


def test_what_stays_away_fails_the_release_and_leaves_the_former_live(tmp_path: Path) -> None:
    engine = ForgetfulEngine(deaths=0)
    world = build_world(tmp_path, ReleaseSettings(away_s=0), engine)
    app_id = world.new_app()
    world.push(app_id)
    engine.deaths = 1
    release = world.push(app_id, "b")
    assert (release.state, release.reason) == (ReleaseState.FAILED, "The Docker engine does not answer.")
    assert world.releases.app(app_id).current_version == 1


def test_a_refusal_fails_the_release_at_once(tmp_path: Path) -> None:
    world = build_world(tmp_path, scheduler=RefusingEngine())
    release = world.push(world.new_app())
    assert release.state is ReleaseState.FAILED
    assert "Waiting" not in world.text(release)

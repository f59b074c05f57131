"""Records from an old backup, and a scheduler that runs a newer release."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from core.ids import AppId, new_id
from releases import ReleaseState
from scheduler import ProcessType, RunSpec
from tests.releases.world import ObedientScheduler, World, build_world


class UnreadableScheduler(ObedientScheduler):
    """Runs something newer of an app, and can't tell what: its record is sealed with another key."""

    unreadable: AppId | None = None

    def versions(self) -> dict[AppId, int]:
        return {} if self.unreadable is None else {self.unreadable: 9}

    def current(self, app_id: AppId) -> RunSpec | None:
        if app_id == self.unreadable:
            raise ValueError("sealed with another key")
        return super().current(app_id)


def test_a_newer_release_that_runs_is_adopted_and_said_so(world: World) -> None:
    app_id = world.new_app()
    world.push(app_id, "a")
    assert world.scheduler.running is not None
    newer = replace(world.scheduler.running, release_id=new_id(), version=7, commit="7" * 40, env={"A": "7"})
    worker = (ProcessType("web", None), ProcessType("worker", "work"))
    world.scheduler.running = replace(newer, image_ref="r", processes=worker)
    world.releases.resume(lambda push_id: False)
    release = world.releases.release(app_id, "v7")
    assert (release.state, release.current, release.commit) == (ReleaseState.LIVE, True, "7" * 40)
    assert release.description == "Found running; the records knew v1"
    assert world.releases.config(app_id) == {"A": "7"}
    world.releases.resume(lambda push_id: False)  # once is enough
    assert [one.version for one in world.releases.releases(app_id)] == [7, 1]


def test_one_app_that_can_not_be_adopted_holds_no_other_up(tmp_path: Path) -> None:
    scheduler = UnreadableScheduler()
    world = build_world(tmp_path, scheduler=scheduler)
    broken, other = world.new_app(), world.new_app()
    scheduler.unreadable = broken
    waiting = world.releases.submit_config(other, {"A": "1"}, world.someone)
    world.queue.nudges.clear()
    world.releases.resume(lambda push_id: False)
    assert world.queue.nudges == [("releases.deliver", waiting.id)]


def test_one_release_that_can_not_be_looked_at_holds_no_other_up(world: World) -> None:
    pushed, other = world.submit_push(world.new_app()), world.new_app()
    waiting = world.releases.submit_config(other, {"A": "1"}, world.someone)
    world.queue.nudges.clear()

    def made_by_push(push_id: str) -> bool:
        raise RuntimeError(pushed.id)

    world.releases.resume(made_by_push)
    assert world.queue.nudges == [("releases.deliver", waiting.id)]


def test_what_follows_an_adopted_release_starts_from_it(world: World) -> None:
    app_id = world.new_app()
    world.push(app_id, "a")
    running = world.scheduler.running
    assert running is not None
    world.scheduler.running = replace(running, release_id=new_id(), version=7, image_ref="r", env={"A": "7"})
    world.images.refs["r"] = 7
    world.releases.resume(lambda push_id: False)
    release = world.set_config(app_id, B="8")
    assert (release.version, release.state) == (8, ReleaseState.LIVE)
    assert world.scheduler.running.env == {"A": "7", "B": "8"}


def test_a_release_on_its_way_is_not_adopted(world: World) -> None:
    app_id = world.new_app()
    world.push(app_id, "a")
    seen: list[int] = []

    def look() -> None:
        world.releases.resume(lambda push_id: True)
        seen.extend(one.version for one in world.releases.releases(app_id))

    world.scheduler.before_switch = look
    world.push(app_id, "b")
    assert seen == [2, 1]

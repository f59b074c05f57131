"""Which images an app keeps, and that one who gives up and one who checks never meet."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import UserError
from core.ids import AppId
from releases import BakePolicy, ReleaseSettings
from tests.releases.world import World, build_world

ALL = "abcdef"


@pytest.fixture
def frugal(tmp_path: Path) -> World:
    """A world where two releases of an app keep their image; the engine has a copy of every one."""
    world = build_world(tmp_path, ReleaseSettings(keep=2))
    world.images.copies = {f"sha256:{tag}" for tag in ALL}
    return world


def _refuse() -> None:
    raise UserError("It does not start.", "Mend it.")


def _pushed(world: World, tags: str) -> AppId:
    app_id = world.new_app()
    for tag in tags:
        world.push(app_id, tag)
    return app_id


def _restorable(world: World, app_id: AppId) -> list[int]:
    return [found.version for found in world.releases.releases(app_id) if found.restorable]


def _stored(world: World) -> list[int]:
    return sorted(world.images.refs.values())


class TestGivingUp:
    def test_the_newest_that_were_live_stay(self, frugal: World) -> None:
        app_id = _pushed(frugal, "abcd")
        frugal.releases.drop_old_images(app_id)
        assert (_restorable(frugal, app_id), _stored(frugal)) == ([4, 3], [3, 4])

    def test_failed_ones_go_and_take_nobodys_place(self, frugal: World) -> None:
        app_id = _pushed(frugal, "abcd")
        frugal.scheduler.before_switch = _refuse
        for tag in "efab":
            frugal.push(app_id, tag)
        frugal.releases.drop_old_images(app_id)
        assert (_restorable(frugal, app_id), _stored(frugal)) == ([4, 3], [3, 4])

    def test_the_current_one_stays_however_old(self, frugal: World) -> None:
        app_id = _pushed(frugal, "a")
        frugal.scheduler.before_switch = _refuse
        for tag in "bcd":
            frugal.push(app_id, tag)
        frugal.releases.drop_old_images(app_id)
        assert (_restorable(frugal, app_id), _stored(frugal)) == ([1], [1])

    def test_what_a_waiting_rollback_goes_to_stays(self, frugal: World) -> None:
        app_id = _pushed(frugal, "abcd")
        asked = frugal.releases.submit_rollback(app_id, "v1", frugal.someone)
        frugal.releases.drop_old_images(app_id)
        assert _stored(frugal) == [1, 3, 4]
        assert frugal.releases.deliver(asked.id).current
        frugal.releases.drop_old_images(app_id)
        assert _stored(frugal) == [4, 5]

    def test_what_a_release_on_trial_would_go_back_to_stays(self, frugal: World) -> None:
        """Each of those that follow one another in trial would go back to what served before the first."""
        app_id = _pushed(frugal, "a")
        frugal.releases.bakes.set(app_id, BakePolicy())
        for tag in "bcd":
            frugal.push(app_id, tag)
        frugal.releases.drop_old_images(app_id)
        assert (_restorable(frugal, app_id), _stored(frugal)) == ([4, 3, 1], [1, 3, 4])
        frugal.releases.bakes.unset(app_id)
        frugal.releases.drop_old_images(app_id)
        assert _stored(frugal) == [3, 4]


def test_a_worker_is_told_as_soon_as_there_are_too_many(frugal: World) -> None:
    app_id = _pushed(frugal, "ab")
    nudge = ("releases.drop_images", app_id)
    assert nudge not in frugal.queue.nudges
    frugal.push(app_id, "c")
    assert nudge in frugal.queue.nudges
    frugal.releases.drop_old_images(app_id)
    frugal.queue.nudges.clear()
    frugal.scheduler.before_switch = _refuse
    frugal.push(app_id, "d")
    assert nudge in frugal.queue.nudges
    frugal.releases.drop_old_images(app_id)
    assert _stored(frugal) == [2, 3]


def test_what_is_given_up_is_never_put_back_by_who_checks_meanwhile(
    frugal: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    app_id = _pushed(frugal, "abcd")
    has = frugal.images.has

    def slowly(ref: str, closely: bool = False) -> bool:
        frugal.releases.drop_old_images(app_id)
        return has(ref, closely)

    monkeypatch.setattr(frugal.images, "has", slowly)
    frugal.releases.check_images(app_id)
    monkeypatch.undo()
    frugal.releases.drop_old_images(app_id)
    frugal.releases.check_images(app_id)
    assert (_restorable(frugal, app_id), _stored(frugal)) == ([4, 3], [3, 4])

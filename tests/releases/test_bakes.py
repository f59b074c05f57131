"""A release on trial: it stays, or is taken back through an ordinary rollback, whoever dies meanwhile."""

from __future__ import annotations

import pytest

from core import clock
from core.errors import Unavailable, UserError
from core.ids import AppId
from core.leases import LeaseRow
from releases import BakePolicy, BakeState, Release
from releases.bake_policy import Numbers
from releases.service import BAKES
from tests.releases.world import World

GOOD = Numbers(1000, 2, 40.0)
BAD = Numbers(200, 100, 45.0)
WORSE = "5xx 50.0 % of 200 requests (before: 0.2 % of 1000)"


@pytest.fixture
def app_id(world: World) -> AppId:
    """v1 is live and well, v2 is on trial, and nobody has asked for it yet."""
    app_id = world.new_app()
    world.push(app_id, "a")
    world.releases.bakes.set(app_id, BakePolicy())
    world.traffic.numbers = GOOD
    world.push(app_id, "b")
    world.traffic.numbers = Numbers()
    return app_id


def look(world: World, numbers: Numbers) -> None:
    world.traffic.numbers = numbers
    world.releases.look_at_bakes()


def trial(world: World, app_id: AppId, version: int = 2) -> tuple[BakeState, str]:
    release = world.releases.release(app_id, f"v{version}")
    bake = world.releases.bakes.of([release.id])[release.id]
    return bake.state, bake.words


def newest(world: World, app_id: AppId) -> Release:
    return world.releases.releases(app_id, 1)[0]


def test_a_worse_release_is_rolled_back_with_the_numbers(world: World, app_id: AppId) -> None:
    look(world, BAD)
    asked = newest(world, app_id)
    assert (asked.version, asked.description) == (3, f"Rollback to v1: v2 was worse: {WORSE}")
    assert asked.user_email == world.someone.email
    assert trial(world, app_id) == (BakeState.WORSE, WORSE)
    look(world, BAD)
    assert world.releases.deliver(asked.id).image_id == "sha256:a"
    look(world, BAD)
    assert trial(world, app_id) == (BakeState.ROLLED_BACK, WORSE)
    assert newest(world, app_id).version == 3, "a rollback is not on trial"


def failing_switch() -> None:
    raise UserError("nothing listens on $PORT")


def test_it_is_told_in_the_log_that_a_release_is_on_trial(world: World, app_id: AppId) -> None:
    told = "On trial for 10 min once it serves: worse than before, and it is rolled back."
    assert told in world.text(world.releases.release(app_id, "v2"))


def test_looking_writes_nothing_while_nothing_is_on_trial(world: World) -> None:
    world.push(world.new_app(), "a")
    world.releases.look_at_bakes()
    with world.database.read() as session:
        assert session.get(LeaseRow, BAKES) is None


def test_a_release_that_is_no_worse_stays(world: World, app_id: AppId, monkeypatch: pytest.MonkeyPatch) -> None:
    look(world, Numbers(100, 1, 50.0))
    assert trial(world, app_id) == (BakeState.OPEN, "")
    later = clock.after(601)
    monkeypatch.setattr(clock, "now", lambda: later)
    look(world, Numbers(300, 3, 50.0))
    assert trial(world, app_id) == (BakeState.PASSED, "5xx 1.0 % of 300 requests, p95 50 ms")
    look(world, BAD)
    assert newest(world, app_id).version == 2, "its window is over"


def test_a_release_may_ask_for_a_trial_itself(world: World) -> None:
    app_id = world.new_app()
    world.resting = {"bake": BakePolicy(minutes=3)}
    world.push(app_id, "a")
    assert world.traffic.counted == {app_id}
    world.traffic.numbers = GOOD
    second = world.push(app_id, "b")
    assert world.releases.bakes.of([second.id])[second.id].policy == BakePolicy(minutes=3)
    world.releases.bakes.set(app_id, BakePolicy(minutes=7))
    third = world.set_config(app_id, A="1")
    assert world.releases.bakes.of([third.id])[third.id].policy == BakePolicy(minutes=7), "the app's own goes before"
    world.releases.bakes.unset(app_id)
    world.resting = {}
    world.push(app_id, "c")
    assert world.traffic.counted == set()


def test_apps_without_a_policy_are_not_counted_and_not_on_trial(world: World) -> None:
    app_id = world.new_app()
    world.push(app_id, "a")
    release = world.push(app_id, "b")
    assert world.releases.bakes.of([release.id]) == {}
    assert world.traffic.counted == set()


def test_the_first_release_has_nothing_to_go_back_to(world: World) -> None:
    app_id = world.new_app()
    world.releases.bakes.set(app_id, BakePolicy())
    release = world.push(app_id, "a")
    assert world.releases.bakes.of([release.id]) == {}


def test_people_who_roll_back_or_deploy_end_the_window(world: World, app_id: AppId) -> None:
    world.roll_back(app_id, "v1")
    look(world, BAD)
    assert trial(world, app_id) == (BakeState.ENDED, "another release went live")
    assert newest(world, app_id).version == 3


def test_while_people_deploy_nothing_is_rolled_back(world: World, app_id: AppId) -> None:
    pending = world.submit_push(app_id, "c")
    look(world, BAD)
    assert trial(world, app_id) == (BakeState.OPEN, "")
    world.releases.deliver(pending.id)
    look(world, Numbers(100, 1, 40.0))
    assert trial(world, app_id) == (BakeState.ENDED, "another release went live")


def test_a_release_in_an_open_window_is_no_measure_for_the_next(world: World, app_id: AppId) -> None:
    world.traffic.numbers = BAD
    world.set_config(app_id, A="1")
    look(world, BAD)
    assert newest(world, app_id).description == f"Rollback to v1: v3 was worse: {WORSE}"


def test_a_release_that_fails_ends_its_window(world: World, app_id: AppId) -> None:
    world.scheduler.before_switch = failing_switch
    world.push(app_id, "c")
    look(world, Numbers(10, 0, 1.0))
    assert trial(world, app_id, 3) == (BakeState.ENDED, "the release failed")
    look(world, BAD)
    assert newest(world, app_id).description == f"Rollback to v1: v2 was worse: {WORSE}"


def test_what_was_decided_is_carried_out_by_the_next_who_looks(world: World, app_id: AppId) -> None:
    class Died(BaseException):
        pass

    def dies(*_: object) -> Release:
        raise Died

    world.traffic.numbers = BAD
    with pytest.raises(Died):
        world.releases.bakes.look(dies)
    assert trial(world, app_id) == (BakeState.WORSE, WORSE)
    world.traffic.away = True
    look(world, Numbers())
    assert newest(world, app_id).kind == "rollback"
    world.releases.deliver(newest(world, app_id).id)
    look(world, Numbers())
    assert trial(world, app_id) == (BakeState.ROLLED_BACK, WORSE)


def test_a_rollback_that_fails_is_not_tried_again_and_says_so(world: World, app_id: AppId) -> None:
    look(world, BAD)
    world.scheduler.before_switch = failing_switch
    world.releases.deliver(newest(world, app_id).id)
    look(world, BAD)
    failed = f"{WORSE}. The rollback to the one before failed: nothing listens on $PORT"
    assert trial(world, app_id) == (BakeState.KEPT, failed)
    assert newest(world, app_id).version == 3


def test_people_may_be_quicker(world: World, app_id: AppId) -> None:
    def is_away(*_: object) -> Release:
        raise Unavailable("The registry does not answer.")

    world.traffic.numbers = BAD
    world.releases.bakes.look(is_away)
    assert trial(world, app_id) == (BakeState.WORSE, WORSE)
    world.push(app_id, "c")
    look(world, Numbers())
    assert trial(world, app_id) == (BakeState.ENDED, WORSE)
    assert newest(world, app_id).version == 3


def test_a_rollback_that_was_asked_for_by_somebody_who_died_is_not_asked_for_twice(world: World, app_id: AppId) -> None:
    class Died(BaseException):
        pass

    def asks_and_dies(asked_for: AppId, to: str, actor: object, why: str) -> Release:
        world.releases.submit_rollback(asked_for, to, world.someone, why=why)
        raise Died

    world.traffic.numbers = BAD
    with pytest.raises(Died):
        world.releases.bakes.look(asks_and_dies)
    look(world, BAD)
    assert newest(world, app_id).version == 3
    world.releases.deliver(newest(world, app_id).id)
    look(world, BAD)
    assert trial(world, app_id) == (BakeState.ROLLED_BACK, WORSE)


def test_what_can_not_be_rolled_back_is_kept_and_says_so(world: World, app_id: AppId) -> None:
    world.images.refs.clear()
    look(world, BAD)
    gone = "The image of v1 is no longer in the registry, so it can't be brought back."
    assert trial(world, app_id) == (BakeState.KEPT, f"{WORSE}. It can't be rolled back: {gone}")
    assert newest(world, app_id).version == 2


def test_a_router_that_does_not_answer_decides_nothing(world: World, app_id: AppId) -> None:
    world.traffic.away = True
    look(world, BAD)
    assert trial(world, app_id) == (BakeState.OPEN, "")


def test_without_the_policy_the_window_ends(world: World, app_id: AppId) -> None:
    world.releases.bakes.unset(app_id)
    assert trial(world, app_id) == (BakeState.ENDED, "bake windows were switched off")
    assert world.traffic.counted == set()
    assert world.releases.bakes.policy(app_id) is None


def test_a_forgotten_app_leaves_no_trial(world: World, app_id: AppId) -> None:
    release = world.releases.release(app_id, "v2")
    world.releases.destroy(app_id)
    look(world, BAD)
    world.releases.forget_app(app_id)
    assert world.releases.bakes.of([release.id]) == {}
    assert world.releases.bakes.policy(app_id) is None

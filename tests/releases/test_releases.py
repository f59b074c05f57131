"""Numbers never repeat, one release at a time, and a failure leaves everything as it was."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from core import clock
from core.errors import Cancelled, Conflict, NotFound, UserError
from core.ids import AppId, new_id
from core.logs import CLOSED_WITHIN_S, LogRow
from releases import ReleaseSettings, ReleaseState
from releases.tables import ReleaseRow
from scheduler import Pause, RunSpec, line_of
from tests.releases.world import World, build_world


def failing_switch() -> None:
    raise UserError("nothing listens on $PORT", "listen on $PORT")


def test_a_push_goes_live_as_v1(world: World) -> None:
    app_id = world.new_app()
    release = world.push(app_id)
    assert (release.version, release.state, release.current, release.status) == (
        1,
        ReleaseState.LIVE,
        True,
        "succeeded",
    )
    assert release.description == "Deploy a0000000"
    assert world.scheduler.running is not None
    assert world.scheduler.running.version == 1
    assert world.releases.app(app_id).current_version == 1


def test_config_before_the_first_push_makes_a_release_that_starts_nothing(world: World) -> None:
    app_id = world.new_app()
    release = world.set_config(app_id, A="1")
    assert (release.version, release.state, release.description) == (1, ReleaseState.LIVE, "Set A config var")
    assert world.scheduler.running is None
    world.push(app_id)
    assert world.scheduler.running is not None
    assert world.scheduler.running.env == {"A": "1"}


def test_the_same_push_never_makes_two_releases(world: World) -> None:
    app_id, push_id = world.new_app(), new_id()
    made = [world.releases.submit_image(app_id, world.image(), "c" * 40, push_id, push_id, world.someone) for _ in "ab"]
    assert made[0] == made[1]


def test_delivering_twice_finds_nothing_to_do(world: World) -> None:
    release = world.push(world.new_app())
    first = world.scheduler.running
    assert world.releases.deliver(release.id) == release
    assert world.scheduler.running is first


@pytest.mark.parametrize("cancelled", [False, True], ids=["plainly", "though it was cancelled meanwhile"])
def test_a_delivery_that_died_after_the_switch_is_finished_by_the_next(world: World, cancelled: bool) -> None:
    app_id = world.new_app()
    release = world.submit_push(app_id, web=None, release="migrate")

    class Died(BaseException):
        pass

    def die(*_: object) -> None:
        raise Died

    ledger = world.releases._ledger
    succeed, ledger.succeed = ledger.succeed, die  # type: ignore[method-assign,assignment]
    with pytest.raises(Died):
        world.releases.deliver(release.id)
    ledger.succeed = succeed  # type: ignore[method-assign]
    assert world.releases.release(app_id, "v1").state is ReleaseState.DELIVERING
    if cancelled:
        world.releases.cancel(release.id)
    assert world.releases.deliver(release.id).state is ReleaseState.LIVE, "it serves already"
    assert world.scheduler.phases == [(1, "migrate")]
    assert world.scheduler.finished == [release.id], "what follows a switch is done again"


def test_a_failed_release_keeps_its_number_and_not_its_config(world: World) -> None:
    app_id = world.new_app()
    world.push(app_id)
    world.scheduler.before_switch = failing_switch
    failed = world.set_config(app_id, A="1")
    assert (failed.version, failed.status, failed.current) == (2, "failed", False)
    assert failed.reason == "nothing listens on $PORT"
    assert world.releases.config(app_id) == {}
    assert world.releases.app(app_id).current_version == 1
    world.scheduler.before_switch = lambda: None
    assert world.push(app_id, "b").version == 3


def test_a_failure_is_told_in_the_log_with_what_to_do(world: World) -> None:
    app_id = world.new_app()
    world.scheduler.before_switch = failing_switch
    text = world.text(world.push(app_id))
    assert " !     nothing listens on $PORT\n !     listen on $PORT\n" in text
    assert " !     v1 failed; what served before still does.\n" in text


def test_a_bug_ends_the_release_with_an_id_and_no_details(world: World) -> None:
    app_id = world.new_app()

    def bug() -> None:
        raise RuntimeError("secret detail")

    world.scheduler.before_switch = bug
    failed = world.push(app_id)
    assert failed.state is ReleaseState.FAILED
    assert "secret detail" not in failed.reason + world.text(failed)


def test_numbers_go_on_after_what_the_registry_or_the_containers_know(world: World) -> None:
    world.images.highest, world.scheduler.highest = 7, 9
    assert world.push(world.new_app()).version == 10


def test_two_config_changes_in_a_row_add_up(world: World) -> None:
    app_id = world.new_app()
    world.push(app_id)
    one = world.releases.submit_config(app_id, {"A": "1"}, world.someone)
    two = world.releases.submit_config(app_id, {"B": "2"}, world.someone)
    assert world.releases.config(app_id) == {"A": "1", "B": "2"}
    world.releases.deliver(one.id)
    world.releases.deliver(two.id)
    assert world.releases.config_of(two.id) == {"A": "1", "B": "2"}
    assert world.releases.config_of(one.id) == {"A": "1"}


def test_the_change_of_a_release_that_fails_is_in_no_later_one(world: World) -> None:
    app_id = world.new_app()
    world.push(app_id)
    one = world.releases.submit_config(app_id, {"A": "1"}, world.someone)
    two = world.releases.submit_config(app_id, {"B": "2"}, world.someone)
    world.scheduler.before_switch = failing_switch
    world.releases.deliver(one.id)
    world.scheduler.before_switch = lambda: None
    world.releases.deliver(two.id)
    assert world.releases.config(app_id) == {"B": "2"}


def test_a_release_waits_for_those_before_it(world: World) -> None:
    app_id = world.new_app()
    first, second = world.submit_push(app_id, "a"), world.submit_push(app_id, "b")
    waiting = threading.Thread(target=world.releases.deliver, args=(second.id,))
    waiting.start()
    world.releases.deliver(first.id)
    waiting.join(timeout=30)
    assert not waiting.is_alive()
    states = [(found.version, found.current) for found in world.releases.releases(app_id)]
    assert states == [(2, True), (1, False)]


def test_a_release_waits_for_whoever_else_holds_the_line(world: World) -> None:
    app_id = world.new_app()
    release = world.submit_push(app_id)
    lease = world.leases.take(line_of(app_id))
    assert lease is not None
    waiting = threading.Thread(target=world.releases.deliver, args=(release.id,))
    waiting.start()
    assert world.scheduler.running is None
    world.leases.give_back(lease)
    waiting.join(timeout=30)
    assert world.releases.release(app_id, "v1").current


def test_too_many_waiting_releases_are_refused(tmp_path: Path) -> None:
    world = build_world(tmp_path, ReleaseSettings(most_waiting=2))
    app_id = world.new_app()
    world.submit_push(app_id)
    world.submit_push(app_id)
    with pytest.raises(Conflict) as caught:
        world.submit_push(app_id)
    assert caught.value.message == "2 releases of this app are waiting to go live already."


def test_a_cancelled_release_fails_and_says_so(world: World) -> None:
    app_id = world.new_app()
    release = world.submit_push(app_id)
    world.releases.cancel(release.id)
    decided = world.releases.deliver(release.id)
    assert (decided.state, decided.reason) == (ReleaseState.FAILED, "cancelled")


def test_a_release_that_was_given_up_before_its_turn_never_goes_live(world: World) -> None:
    app_id = world.new_app()
    first, second = world.submit_push(app_id, "a"), world.submit_push(app_id, "b")
    with pytest.raises(Cancelled):
        world.releases.deliver(second.id, stopped=lambda: Cancelled())
    world.releases.deliver(first.id)
    assert world.releases.deliver(second.id).reason == "cancelled"
    assert world.releases.app(app_id).current_version == 1


def test_what_nobody_works_on_is_nudged_one_release_an_app(world: World) -> None:
    app_id = world.new_app()
    first = world.releases.submit_config(app_id, {"A": "1"}, world.someone)
    world.releases.submit_config(app_id, {"B": "2"}, world.someone)
    world.queue.nudges.clear()
    world.releases.resume(made_by_push=lambda _: False)
    assert world.queue.nudges == [("releases.deliver", first.id)]


def test_the_log_of_a_release_whose_worker_died_after_the_decision_is_closed(world: World) -> None:
    release = world.set_config(world.new_app(), A="1")
    waiting = world.releases.submit_config(release.app_id, {"B": "2"}, world.someone)
    with world.database.write() as session:
        session.execute(delete(LogRow))
    world.releases.close_logs()
    assert not world.logs.is_closed(release.log_id), "its worker may be about to close it"
    with world.database.write() as session:
        session.execute(update(ReleaseRow).values(updated_at=clock.after(-2 * CLOSED_WITHIN_S)))
    world.releases.close_logs()
    assert world.logs.is_closed(release.log_id)
    assert not world.logs.is_closed(waiting.log_id)


def test_what_somebody_works_on_is_left_alone(world: World) -> None:
    app_id = world.new_app()
    world.releases.submit_config(app_id, {"A": "1"}, world.someone)
    pushed = world.submit_push(world.new_app())
    assert world.leases.take(line_of(app_id)) is not None
    world.queue.nudges.clear()
    world.releases.resume(made_by_push=lambda push_id: push_id == pushed.push_id)
    assert world.queue.nudges == []


def test_what_was_begun_before_an_app_was_destroyed_does_not_go_live(world: World) -> None:
    app_id = world.new_app()
    begun = world.releases.app(app_id).created_at
    assert world.releases.overtaken(app_id, begun) == ""
    world.releases.destroy(app_id)
    assert world.releases.overtaken(app_id, begun) == "the app was destroyed."


def test_the_release_phase_runs_before_the_switch_and_its_failure_fails_the_release(world: World) -> None:
    app_id = world.new_app()
    world.push(app_id, web=None, release="migrate")
    assert world.scheduler.phases == [(1, "migrate")]
    assert world.scheduler.running is not None
    assert [process.name for process in world.scheduler.running.processes] == ["web"]
    world.scheduler.phase_code = 3
    failed = world.push(app_id, "b", web=None, release="migrate")
    assert failed.reason == "The release phase ended with exit code 3."
    assert world.releases.app(app_id).current_version == 1


def test_what_rests_during_the_release_phase_comes_with_the_image(world: World) -> None:
    app_id = world.new_app()
    world.resting = {"stop": ("worker",), "hold_s": 20.0}
    world.push(app_id, web=None, release="migrate")
    world.set_config(app_id, A="1")
    assert world.scheduler.pauses == [Pause(("worker",), 20.0)] * 2
    world.push(app_id, "b", web=None)
    world.roll_back(app_id, "v1")
    assert len(world.scheduler.pauses) == 2, "nothing rests where no release phase runs"


def _running(world: World) -> RunSpec:
    assert world.scheduler.running is not None
    return world.scheduler.running


class TestRollback:
    def test_it_brings_back_image_and_config_as_a_new_release(self, world: World) -> None:
        app_id = world.new_app()
        world.push(app_id, "a")
        world.set_config(app_id, A="1")
        world.push(app_id, "b")
        back = world.roll_back(app_id, "v1")
        assert (back.version, back.description, back.current) == (4, "Rollback to v1", True)
        assert back.image_id == "sha256:a"
        assert world.releases.config(app_id) == {}

    def test_code_only_keeps_the_config_of_today(self, world: World) -> None:
        app_id = world.new_app()
        world.push(app_id, "a")
        world.set_config(app_id, A="1")
        back = world.roll_back(app_id, "v1", code_only=True)
        assert back.description == "Rollback to v1 (code only)"
        assert world.releases.config(app_id) == {"A": "1"}

    @pytest.mark.parametrize("code_only", [False, True])
    def test_the_protocol_that_the_release_spoke_comes_back(self, world: World, code_only: bool) -> None:
        app_id = world.new_app()
        world.push(app_id, "a")
        world.spoken[app_id] = "h2c"
        world.push(app_id, "b")
        assert _running(world).protocol == ""  # what the app is set to
        world.roll_back(app_id, "v1", code_only)
        assert _running(world).protocol == "http1"
        world.spoken[app_id] = "http1"  # as the switch sets it
        world.roll_back(app_id, "v2", code_only)
        assert _running(world).protocol == "h2c"

    def test_a_change_of_config_is_spoken_to_as_the_app_is_set_by_then(self, world: World) -> None:
        app_id = world.new_app()
        world.push(app_id, "a")
        world.spoken[app_id] = "h2c"
        world.set_config(app_id, A="1")
        assert _running(world).protocol == ""
        world.spoken[app_id] = "http1"
        world.push(app_id, "b")
        world.roll_back(app_id, "v2")
        assert _running(world).protocol == "h2c"

    def test_without_a_number_it_is_the_live_release_before(self, world: World) -> None:
        app_id = world.new_app()
        world.push(app_id, "a")
        world.scheduler.before_switch = failing_switch
        world.push(app_id, "broken")
        world.scheduler.before_switch = lambda: None
        world.push(app_id, "c")
        assert world.roll_back(app_id).image_id == "sha256:a"

    def test_it_does_not_run_the_release_phase_again(self, world: World) -> None:
        app_id = world.new_app()
        world.push(app_id, "a", web=None, release="migrate")
        world.push(app_id, "b", web=None, release="migrate")
        world.roll_back(app_id, "v1")
        assert [version for version, _ in world.scheduler.phases] == [1, 2]

    def test_it_runs_the_release_phase_where_that_is_asked_for(self, world: World) -> None:
        app_id = world.new_app()
        world.push(app_id, "a", web=None, release="migrate")
        world.push(app_id, "b", web=None, release="migrate b")
        world.roll_back(app_id, "v1", with_phase=True)
        assert world.scheduler.phases == [(1, "migrate"), (2, "migrate b"), (3, "migrate")]

    def test_there_must_be_a_release_phase_to_run(self, world: World) -> None:
        app_id = world.new_app()
        world.push(app_id, "a")
        world.push(app_id, "b", web=None, release="migrate")
        with pytest.raises(UserError) as caught:
            world.roll_back(app_id, "v1", with_phase=True)
        assert caught.value.message == "v1 has no release phase: there was no `release:` in its Procfile."
        assert caught.value.hint == "Roll back without it: portside rollback v1"

    def test_a_release_that_never_went_live_can_not_be_brought_back(self, world: World) -> None:
        app_id = world.new_app()
        world.push(app_id, "a")
        world.scheduler.before_switch = failing_switch
        world.push(app_id, "b")
        with pytest.raises(Conflict) as caught:
            world.roll_back(app_id, "v2")
        assert caught.value.message == "v2 never went live, so there is nothing to bring back."

    def test_a_release_without_an_image_can_not_be_brought_back(self, world: World) -> None:
        app_id = world.new_app()
        world.set_config(app_id, A="1")
        world.push(app_id)
        with pytest.raises(Conflict) as caught:
            world.roll_back(app_id, "v1")
        assert caught.value.message == "v1 has no image: it only set config, before the first push."

    def test_an_image_that_is_gone_is_said_before_anything_happens(self, world: World) -> None:
        app_id = world.new_app()
        world.push(app_id, "a")
        world.push(app_id, "b")
        world.images.forget_release(app_id, 1)
        with pytest.raises(UserError) as caught:
            world.roll_back(app_id, "v1")
        assert caught.value.hint == "Push that commit again: portside deploy a0000000"
        assert len(world.releases.releases(app_id)) == 2

    def test_the_preview_says_so_too_and_the_list_from_then_on(self, world: World) -> None:
        app_id = world.new_app()
        world.push(app_id, "a")
        world.push(app_id, "b")
        world.images.forget_release(app_id, 1)
        with pytest.raises(UserError, match="The image of v1 is no longer in the registry"):
            world.releases.preview_rollback(app_id, "v1")
        assert _restorable(world, app_id) == [2]

    def test_there_must_be_something_to_go_back_to(self, world: World) -> None:
        app_id = world.new_app()
        with pytest.raises(Conflict):
            world.roll_back(app_id)
        world.push(app_id)
        with pytest.raises(Conflict) as caught:
            world.roll_back(app_id)
        assert caught.value.message == "There is no earlier release to go back to."

    def test_a_number_that_was_never_given_is_not_found(self, world: World) -> None:
        app_id = world.new_app()
        world.push(app_id)
        for wrong in ("v9", "nonsense", "-1"):
            with pytest.raises(NotFound):
                world.roll_back(app_id, wrong)

    def test_it_cancels_a_release_that_is_before_its_switch(self, world: World) -> None:
        app_id = world.new_app()
        world.push(app_id, "a")
        world.push(app_id, "b")
        begun = world.releases.app(app_id).updated_at
        waiting = world.submit_push(app_id, "c")
        back = world.releases.submit_rollback(app_id, "v1", world.someone)
        assert world.releases.deliver(waiting.id).reason == "cancelled"
        assert world.releases.deliver(back.id).current
        assert world.releases.overtaken(app_id, begun)

    def test_a_rollback_that_failed_overtakes_nothing(self, world: World) -> None:
        app_id = world.new_app()
        world.push(app_id, "a")
        world.push(app_id, "b")
        begun = world.releases.app(app_id).updated_at
        world.scheduler.before_switch = failing_switch
        world.roll_back(app_id, "v1")
        assert not world.releases.overtaken(app_id, begun)


def _restorable(world: World, app_id: AppId) -> list[int]:
    return [found.version for found in world.releases.releases(app_id) if found.restorable]


class TestImagesInTheRegistry:
    def test_what_the_registry_lost_is_not_restorable_until_it_is_back(self, world: World) -> None:
        app_id = world.new_app()
        for tag in "abc":
            world.push(app_id, tag)
        world.releases.check_images(app_id)
        assert _restorable(world, app_id) == [3, 2, 1]
        before = dict(world.images.refs)
        world.images.forget_release(app_id, 2)
        world.releases.check_images(app_id)
        assert _restorable(world, app_id) == [3, 1]
        assert [found.version for found in world.releases.releases(app_id) if found.is_unrestorable] == [2]
        world.images.refs = before
        world.releases.check_images(app_id)
        assert _restorable(world, app_id) == [3, 2, 1]

    def test_what_the_engine_has_a_copy_of_goes_back_into_the_registry(self, world: World) -> None:
        app_id = world.new_app()
        for tag in "abc":
            world.push(app_id, tag)
        before = dict(world.images.refs)
        world.images.refs.clear()
        world.images.copies = {"sha256:b", "sha256:c"}
        world.releases.check_images(app_id)
        assert _restorable(world, app_id) == [3, 2]
        assert world.images.refs == {ref: version for ref, version in before.items() if version > 1}
        lost = world.releases.release(app_id, "v1")
        assert lost.why_unrestorable == "the registry has lost its image, and the engine has no copy of it"
        with pytest.raises(UserError, match="The image of v1 is no longer in the registry, so"):
            world.roll_back(app_id, "v1")

    def test_an_image_that_has_another_name_there_is_pulled_by_that(self, world: World) -> None:
        app_id = world.new_app()
        world.push(app_id, "a")
        world.images.refs.clear()
        world.images.copies = {"sha256:a"}
        world.images.suffix = "-renamed"
        world.releases.check_images(app_id)
        assert world.releases.release(app_id, "v1").image_ref in world.images.refs
        assert world.scheduler.running is not None
        assert world.scheduler.running.image_ref in world.images.refs

    def test_a_rollback_and_a_config_change_need_the_engines_copy_alone(self, world: World) -> None:
        app_id = world.new_app()
        for tag in "ab":
            world.push(app_id, tag)
        world.images.refs.clear()
        world.images.copies = {"sha256:a", "sha256:b"}
        back = world.roll_back(app_id, "v1")
        assert (back.state, back.image_ref in world.images.refs) == (ReleaseState.LIVE, True)
        world.images.refs.clear()
        changed = world.set_config(app_id, COLOUR="red")
        assert (changed.state, changed.image_ref in world.images.refs) == (ReleaseState.LIVE, True)
        assert "The registry has lost the image" in world.text(changed)

    def test_what_neither_has_fails_a_config_change_with_words_and_harms_nothing(self, world: World) -> None:
        app_id = world.new_app()
        world.push(app_id, "a")
        world.images.refs.clear()
        failed = world.set_config(app_id, COLOUR="red")
        assert failed.reason == "The image is neither in the registry nor in the engine any more."
        assert "Build it again: portside deploy a0000000" in world.text(failed)
        assert world.releases.app(app_id).current_version == 1

    def test_one_that_is_back_can_be_brought_back_before_the_next_check(self, world: World) -> None:
        app_id = world.new_app()
        for tag in "ab":
            world.push(app_id, tag)
        before = dict(world.images.refs)
        world.images.forget_release(app_id, 1)
        world.releases.check_images(app_id)
        world.images.refs = before
        world.roll_back(app_id, "v1")
        assert _restorable(world, app_id) == [3, 2, 1]

    def test_a_lost_image_is_not_given_up(self, world: World) -> None:
        app_id = world.new_app()
        for tag in "ab":
            world.push(app_id, tag)
        before = dict(world.images.refs)
        world.images.forget_release(app_id, 1)
        world.releases.check_images(app_id)
        world.images.refs = before
        world.releases.drop_old_images(app_id)
        world.releases.check_images(app_id)
        assert _restorable(world, app_id) == [2, 1]


def test_kept_is_what_serves_may_serve_or_can_be_brought_back(tmp_path: Path) -> None:
    world = build_world(tmp_path, ReleaseSettings(keep=2))
    app_id = world.new_app()
    for tag in ("a", "b", "c"):
        world.push(app_id, tag)
    waiting = world.submit_push(app_id, "d")
    gone = world.new_app()
    world.push(gone, "e")
    world.releases.destroy(gone)
    world.releases.drop_old_images(app_id)
    kept = world.releases.kept()
    assert kept.versions == {(app_id, 2), (app_id, 3), (app_id, 4)}
    assert kept.image_ids == {"sha256:b", "sha256:c", "sha256:d"}
    assert waiting.log_id in kept.log_ids
    assert len(kept.log_ids) == 3

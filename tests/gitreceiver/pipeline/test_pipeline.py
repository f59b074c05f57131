"""A push ends live or failed, once, and nothing but a success moves the branch."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from typing import Any

import pytest

from core import clock, timing
from core.errors import Conflict, NotFound, UserError
from core.leases import Lease
from core.timing import Recorder
from gitreceiver import PushState, repositories
from gitreceiver.pushes import WAITING
from gitreceiver.run import line_of_pushes
from tests.gitreceiver.pipeline.desk import BuggyBuilder, Desk, EndlessBuilder, FailingBuilder, InstantBuilder


def in_background(work: Any, *arguments: Any) -> threading.Thread:
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    return thread


def ended(thread: threading.Thread) -> None:
    thread.join(timeout=30)
    assert not thread.is_alive()


def failing_switch() -> None:
    raise UserError("web.1 exited with code 1.", "Look at its last lines.")


def test_a_push_goes_live_and_moves_the_branch(desk: Desk) -> None:
    push = desk.deploy(desk.commit("one"))
    assert (push.state, push.version, push.status) == (PushState.LIVE, 1, "succeeded")
    assert desk.branch() == push.commit
    assert desk.pushes.outcome(push.id).ok


def test_its_log_tells_the_story_in_order(desk: Desk) -> None:
    push = desk.deploy(desk.commit("one"))
    *told, last = desk.text(push).splitlines()
    assert told == [
        "-----> Building",
        "       The disk of an instance is ephemeral: what the app writes there is gone with the instance.",
        "       To keep files: portside storage:mount data:/data",
        "-----> Released v1",
        "       http://shop.localhost:8080 deployed",
    ]
    assert re.fullmatch(r"       done in \d+\.\d s( \(.*\))?", last)


def test_its_steps_are_recorded_from_its_first_byte_on(desk: Desk) -> None:
    with timing.recording(Recorder(clock.now() - timedelta(seconds=2))) as receiving:
        receiving.add("receive", clock.now() - timedelta(seconds=2), clock.now())
        push = desk.receive(desk.commit("one"))
    desk.pushes.deploy(push.id)
    done = desk.pushes.push(push.id)
    assert [step.name for step in done.steps] == ["receive", "queue", "upload"]
    assert done.total_ms is not None
    assert done.total_ms >= 2000
    assert done.steps[1].began_ms >= 2000


def test_a_push_that_is_slower_than_the_one_before_says_what_caused_it(desk: Desk) -> None:
    first = desk.deploy(desk.commit("one"))
    with timing.recording(Recorder(clock.now() - timedelta(seconds=90))) as receiving:
        receiving.add("receive", clock.now() - timedelta(seconds=90), clock.now())
        push = desk.receive(desk.commit("two", first.commit))
    desk.pushes.deploy(push.id)
    assert "receive +90.0 s" in desk.text(push).splitlines()[-1]


def test_a_follower_gets_every_line_and_ends(desk: Desk) -> None:
    push = desk.deploy(desk.commit("one"))
    lines = [line for line in desk.pushes.follow(push.id) if line is not None]
    assert lines[-2] == "       http://shop.localhost:8080 deployed"


def test_a_failed_build_changes_nothing(desk: Desk) -> None:
    first = desk.deploy(desk.commit("one"))
    broken = desk.with_builder(FailingBuilder()).deploy(desk.commit("two", first.commit))
    assert (broken.state, broken.reason, broken.version) == (PushState.FAILED, "build failed", None)
    assert desk.branch() == first.commit
    assert [release.version for release in desk.world.releases.releases(desk.app_id)] == [1]
    assert " !     pip could not find flask==99.\n !     Name a version that exists.\n" in desk.text(broken)


def test_a_failed_boot_keeps_the_branch_and_the_release_before(desk: Desk) -> None:
    first = desk.deploy(desk.commit("one"))
    desk.world.scheduler.before_switch = failing_switch
    broken = desk.deploy(desk.commit("two", first.commit))
    assert (broken.state, broken.reason, broken.version) == (PushState.FAILED, "deploy failed", 2)
    assert desk.branch() == first.commit
    assert desk.world.releases.app(desk.app_id).current_version == 1


def test_old_builds_are_dropped_when_nobody_waits_any_more(desk: Desk) -> None:
    """Live or failed: each has made an image."""
    builder = InstantBuilder()
    here = desk.with_builder(builder)
    first = here.deploy(desk.commit("one"))
    assert builder.dropped == [desk.app_id]
    desk.world.scheduler.before_switch = failing_switch
    here.deploy(desk.commit("two", first.commit))
    assert builder.dropped == [desk.app_id] * 2


def test_a_bug_ends_the_push_with_an_id_and_no_details(desk: Desk) -> None:
    push = desk.with_builder(BuggyBuilder()).deploy(desk.commit("one"))
    assert (push.state, push.reason) == (PushState.FAILED, "internal error")
    assert "a detail that nobody should see" not in desk.text(push)


def test_a_push_that_is_finished_is_not_deployed_again(desk: Desk) -> None:
    push = desk.deploy(desk.commit("one"))
    desk.pushes.deploy(push.id)
    assert desk.pushes.push(push.id) == push
    assert len(desk.world.releases.releases(desk.app_id)) == 1


def test_a_push_that_is_no_fast_forward_any_more_is_refused(desk: Desk) -> None:
    base = desk.deploy(desk.commit("base")).commit
    ours, theirs = desk.receive(desk.commit("ours", base)), desk.commit("theirs", base)
    desk.repositories.move_branch(desk.app_id, "refs/heads/main", theirs, forced=False)
    desk.pushes.deploy(ours.id)
    assert desk.pushes.push(ours.id).reason == "fetch first"
    assert desk.branch() == theirs


def test_a_forced_push_deploys_and_moves_the_branch_back(desk: Desk) -> None:
    base = desk.deploy(desk.commit("base")).commit
    desk.deploy(desk.commit("two", base))
    push = desk.deploy(base, forced=True)
    assert push.state is PushState.LIVE
    assert desk.branch() == base


def test_the_rebuild_option_reaches_the_builder(desk: Desk) -> None:
    builder = InstantBuilder()
    desk.with_builder(builder).deploy(desk.commit("one"), options=("rebuild",))
    assert builder.requests[0].rebuild


def test_a_newer_push_supersedes_a_queued_one(desk: Desk) -> None:
    first = desk.commit("one")
    queued, newer = desk.receive(first), desk.receive(desk.commit("two", first))
    assert desk.pushes.push(queued.id).state is PushState.SUPERSEDED
    assert desk.pushes.outcome(queued.id).reason == "superseded by a newer push"
    assert list(desk.pushes.follow(queued.id)) == [f" !     Superseded by a newer push ({newer.commit[:8]})."]
    desk.pushes.deploy(queued.id)
    desk.pushes.deploy(newer.id)
    assert desk.branch() == newer.commit


def test_a_newer_push_waits_for_the_one_under_way_and_both_succeed(desk: Desk) -> None:
    builder = EndlessBuilder()
    slow = desk.with_builder(builder)
    first = slow.receive(desk.commit("one"))
    running = in_background(slow.pushes.deploy, first.id)
    assert builder.begun.wait(30)
    second = desk.receive(desk.commit("two", first.commit))
    desk.pushes.deploy(second.id)
    assert desk.pushes.push(second.id).state is PushState.RECEIVED
    builder.let_go.set()
    ended(running)
    desk.pushes.deploy(second.id)
    assert [desk.pushes.push(one.id).version for one in (first, second)] == [1, 2]
    assert desk.branch() == second.commit


def test_a_follower_of_a_push_that_waits_is_told_so_once(desk: Desk) -> None:
    push = desk.receive(desk.commit("one"))
    seen: list[str | None] = []
    for line in desk.pushes.follow(push.id, gone=lambda: len(seen) > 6):
        seen.append(line)
    assert [line for line in seen if line is not None] == [WAITING]


def test_builds_are_bounded_and_the_next_is_nudged(desk: Desk) -> None:
    builder = EndlessBuilder()
    slow = desk.with_builder(builder, parallel_builds=1)
    running = in_background(slow.pushes.deploy, slow.receive(desk.commit("one")).id)
    assert builder.begun.wait(30)
    other = Desk(slow.pushes, desk.world, desk.repositories, desk.world.new_app("other"), slow.workshop)
    waiting = other.receive(other.commit("one"))
    slow.pushes.deploy(waiting.id)
    assert slow.pushes.push(waiting.id).state is PushState.RECEIVED
    builder.let_go.set()
    ended(running)
    assert ("gitreceiver.dispatch",) in desk.world.queue.nudges
    slow.pushes.dispatch()
    assert ("gitreceiver.deploy_push", waiting.id) in desk.world.queue.nudges


def test_the_objects_of_a_refused_push_are_pruned(desk: Desk) -> None:
    desk.with_builder(FailingBuilder()).deploy(commit := desk.commit("never deployed"))
    assert ("gitreceiver.prune", desk.app_id) in desk.world.queue.nudges
    assert desk.repositories.resolve(desk.app_id, commit) == commit
    desk.pushes.prune(desk.app_id)
    assert desk.repositories.resolve(desk.app_id, commit) is None


def test_a_push_that_leaves_many_packs_has_them_brought_together(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.deploy(desk.commit("one"))
    assert ("gitreceiver.prune", desk.app_id) not in desk.world.queue.nudges
    monkeypatch.setattr(repositories, "MOST_PACKS", 0)
    desk.repositories.prune(desk.app_id)
    desk.deploy(desk.commit("two"))
    assert ("gitreceiver.prune", desk.app_id) in desk.world.queue.nudges


class TestCancel:
    def test_a_queued_push_is_cancelled_at_once(self, desk: Desk) -> None:
        push = desk.receive(desk.commit("one"))
        assert desk.pushes.cancel(desk.app_id).state is PushState.CANCELLED
        assert list(desk.pushes.follow(push.id)) == [" !     Cancelled."]
        desk.pushes.deploy(push.id)
        assert desk.branch() is None

    def test_a_build_is_stopped(self, desk: Desk) -> None:
        builder = EndlessBuilder()
        slow = desk.with_builder(builder)
        push = slow.receive(desk.commit("one"))
        running = in_background(slow.pushes.deploy, push.id)
        assert builder.begun.wait(30)
        slow.pushes.cancel(desk.app_id, push.id)
        ended(running)
        assert slow.pushes.outcome(push.id).reason == "cancelled"
        assert desk.world.releases.releases(desk.app_id) == []

    def test_with_nothing_under_way_it_says_so(self, desk: Desk) -> None:
        with pytest.raises(Conflict) as caught:
            desk.pushes.cancel(desk.app_id)
        assert caught.value.message == "No deploy of this app is under way."

    def test_a_rollback_stops_a_build_that_was_begun_before_it(self, desk: Desk) -> None:
        first = desk.deploy(desk.commit("one"))
        second = desk.deploy(desk.commit("two", first.commit))
        builder = EndlessBuilder()
        slow = desk.with_builder(builder)
        third = slow.receive(desk.commit("three", second.commit))
        running = in_background(slow.pushes.deploy, third.id)
        assert builder.begun.wait(30)
        desk.world.roll_back(desk.app_id, "v1")
        ended(running)
        assert desk.pushes.push(third.id).state is PushState.CANCELLED
        assert desk.world.releases.app(desk.app_id).current_version == 3


class TestAfterACrash:
    def died(self, desk: Desk, push_id: str, state: PushState) -> None:
        """Leave the push as a worker leaves it that is killed in `state`."""
        lease = desk.world.leases.take(line_of_pushes(desk.app_id))
        assert lease is not None
        desk.workshop.journal.move(push_id, PushState.BUILDING, lease)
        if state is PushState.RELEASING:
            desk.world.releases.submit_image(
                desk.app_id, desk.world.image("a"), "c" * 40, push_id, push_id, desk.world.someone
            )
            desk.workshop.journal.move(push_id, PushState.RELEASING, lease, version=1)
        desk.world.leases.give_back(lease)

    @pytest.mark.parametrize("state", [PushState.BUILDING, PushState.RELEASING])
    def test_another_worker_finishes_the_push(self, desk: Desk, state: PushState) -> None:
        push = desk.receive(desk.commit("one"))
        self.died(desk, push.id, state)
        desk.world.queue.nudges.clear()
        desk.pushes.sweep()
        assert ("gitreceiver.deploy_push", push.id) in desk.world.queue.nudges
        desk.pushes.deploy(push.id)
        assert desk.pushes.push(push.id).state is PushState.LIVE
        assert [release.version for release in desk.world.releases.releases(desk.app_id)] == [1]
        assert desk.branch() == push.commit

    def test_the_sweep_leaves_alone_what_a_living_worker_has(self, desk: Desk) -> None:
        push = desk.receive(desk.commit("one"))
        lease = desk.world.leases.take(line_of_pushes(desk.app_id))
        assert isinstance(lease, Lease)
        desk.workshop.journal.move(push.id, PushState.BUILDING, lease)
        desk.world.queue.nudges.clear()
        desk.pushes.sweep()
        assert desk.world.queue.nudges == []

    def test_the_sweep_closes_a_log_that_was_left_open(self, desk: Desk) -> None:
        push = desk.receive(desk.commit("one"))
        lease = desk.world.leases.take(line_of_pushes(desk.app_id))
        assert lease is not None
        desk.workshop.journal.move(push.id, PushState.FAILED, lease, reason="build failed")
        assert not desk.world.logs.is_closed(push.log_id)
        desk.pushes.sweep()
        assert desk.world.logs.is_closed(push.log_id)

    def test_a_follower_of_a_push_whose_log_nobody_closes_still_ends(self, desk: Desk) -> None:
        push = desk.receive(desk.commit("one"))
        lease = desk.world.leases.take(line_of_pushes(desk.app_id))
        assert lease is not None
        desk.workshop.journal.move(push.id, PushState.FAILED, lease, reason="build failed")
        assert [line for line in desk.pushes.follow(push.id) if line is not None] == []

    def test_a_worker_that_lost_its_lease_writes_nothing(self, desk: Desk) -> None:
        builder = EndlessBuilder()
        slow = desk.with_builder(builder)
        push = slow.receive(desk.commit("one"))
        running = in_background(slow.pushes.deploy, push.id)
        assert builder.begun.wait(30)
        self.overtake(desk)
        builder.let_go.set()
        ended(running)
        assert desk.pushes.push(push.id).state is PushState.BUILDING

    def overtake(self, desk: Desk) -> None:
        from core.leases import LeaseRow

        with desk.world.database.write() as session:
            row = session.get_one(LeaseRow, line_of_pushes(desk.app_id))
            row.owner, row.fence = "another worker", row.fence + 1


class TestRedeploy:
    def test_a_stored_commit_is_deployed_and_the_branch_stays(self, desk: Desk) -> None:
        first = desk.deploy(desk.commit("one"))
        second = desk.deploy(desk.commit("two", first.commit))
        push = desk.pushes.redeploy(desk.app_id, first.commit[:10], desk.world.someone)
        desk.pushes.deploy(push.id)
        assert desk.pushes.push(push.id).state is PushState.LIVE
        assert desk.branch() == second.commit
        assert desk.world.releases.release(desk.app_id, "v3").commit == first.commit

    def test_a_commit_that_is_not_stored_is_refused(self, desk: Desk) -> None:
        with pytest.raises(NotFound) as caught:
            desk.pushes.redeploy(desk.app_id, "deadbeef", desk.world.someone)
        assert caught.value.message == "No commit 'deadbeef' is stored for this app."

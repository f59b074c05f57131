"""One push under way: the steps that `pipeline.deploy_push` lists, and the lease they run under."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial

from builder import Builder, BuildFailed, BuildRequest, BuiltImage
from core import clock, timing
from core.edge import contained, record_bug
from core.errors import Cancelled, DeadlineExceeded, LeaseLost, PortsideError, UserError
from core.ids import AppId
from core.leases import Lease, Leases
from core.logs import LogStreams, LogWriter
from core.queue import Queue
from core.states import LostRace
from gitreceiver import waterfall
from gitreceiver.journal import Journal
from gitreceiver.repositories import Repositories
from gitreceiver.room import Room
from gitreceiver.settings import ReceiverSettings
from gitreceiver.types import Push, PushKind, PushState
from gitreceiver.waterfall import Built, Waterfall
from releases import App, BakePolicy, NewImage, Release, Releases, ReleaseState

ASK_EVERY_S = 0.5
DISPATCH = "gitreceiver.dispatch"
PRUNE = "gitreceiver.prune"


@dataclass(frozen=True)
class Workshop:
    """What a push is worked on with. `url_of` gives an app's public URL."""

    journal: Journal
    leases: Leases
    repositories: Repositories
    builder: Builder
    releases: Releases
    logs: LogStreams
    queue: Queue
    settings: ReceiverSettings
    url_of: Callable[[AppId], str]
    room: Room


class Refused(UserError):
    """The push can't be deployed."""


@contextmanager
def turn(workshop: Workshop, push_id: str) -> Iterator[PushRun | None]:
    """The push's turn, held by the app's push lease; None when it is finished, or another push's turn.

    Whatever goes wrong in the block ends the push here, with its reason in the log; only a lost lease does not,
    for then the push is another worker's.
    """
    push = workshop.journal.get(push_id)
    with workshop.leases.held(line_of_pushes(push.app_id)) as lease:
        ahead = [other for other in workshop.journal.unfinished(push.app_id) if other.id != push_id]
        push = workshop.journal.get(push_id)
        if lease is None or push.is_final or any(other.state is not PushState.RECEIVED for other in ahead):
            yield None
            return
        with ExitStack() as slot:
            if push.state is not PushState.RELEASING and not _take_build_slot(workshop, slot):
                yield None
                return
            run = PushRun(workshop, push, lease, free_slot=slot.close)
            with timing.recording(run.recorder), run.ending_well():
                run.begin()
                yield run
    workshop.queue.nudge(DISPATCH)


def line_of_pushes(app_id: AppId) -> str:
    """The name of the lease that serialises an app's pushes."""
    return f"pushes:{app_id}"


def _take_build_slot(workshop: Workshop, stack: ExitStack) -> bool:
    """Take one of the few places for builds until `stack` is closed."""
    slots = (build_slot(number) for number in range(workshop.settings.parallel_builds))
    return any(stack.enter_context(workshop.leases.held(slot)) is not None for slot in slots)


def build_slot(number: int) -> str:
    """The name of the lease that is one of the places for builds."""
    return f"build-slot:{number}"


class PushRun:
    """The steps. Each looks first what an earlier worker already did."""

    def __init__(self, workshop: Workshop, push: Push, lease: Lease, free_slot: Callable[[], None]) -> None:
        self._workshop = workshop
        self._free_slot = free_slot
        self._push = push
        self._lease = lease
        self._app: App = workshop.releases.app(push.app_id)
        self._log: LogWriter = workshop.logs.writer(push.log_id)
        self._next_look = 0.0
        self.recorder = timing.Recorder(push.began_at, push.steps)

    def begin(self) -> None:
        if self._push.state is PushState.RECEIVED:
            self.recorder.add("queue", self._push.created_at, clock.now())
            self._move(PushState.BUILDING, started_at=clock.now())
        else:
            self._log.step("The worker went away: another one goes on")

    def check_branch(self) -> None:
        if self._push.kind is PushKind.REDEPLOY or self._push.forced:
            return
        repositories, push = self._workshop.repositories, self._push
        if repositories.branch(push.app_id, push.ref) == push.old_commit:
            return  # where it was when the push came, and git was asked then
        if not repositories.may_move(push.app_id, push.ref, push.commit):
            message = f"{_short(push.ref)} has moved on since this push was made."
            raise Refused(message, "Fetch, merge or rebase, and push again.", code="fetch first")

    def build(self) -> BuiltImage | None:
        """The image; None when an earlier worker has made the release already."""
        if self._push.state is PushState.RELEASING:
            return None
        push, workshop = self._push, self._workshop
        request = BuildRequest(
            app_id=push.app_id,
            app_name=self._app.name,
            commit=push.commit,
            source=workshop.repositories.source(push.app_id, push.commit),
            config=workshop.releases.config(push.app_id),
            rebuild=push.wants_rebuild,
            deadline_s=workshop.settings.build_timeout_s,
        )
        try:
            return workshop.builder.build(request, self._log, self._why_stop)
        finally:
            self._free_slot()
            workshop.queue.nudge(DISPATCH)

    def make_release(self, image: BuiltImage | None) -> Release:
        releases, push = self._workshop.releases, self._push
        if image is None:
            made = releases.of_push(push.id)
            assert made is not None, "a push is releasing only after its release was made"
            return made
        self._stop_if_asked()
        types = (dict(image.processes), image.port, image.healthchecks, image.overlap)
        bake = None if image.trial is None else BakePolicy(**vars(image.trial))
        rests = (image.resting.stop, image.resting.hold_s)
        formation = (image.quantities, image.sizes)
        new = NewImage(image.image_id, *types, *rests, bake, *formation, image.cron, image.shrink)
        make = partial(releases.submit_image, push.app_id, new, push.commit, push.id, push.log_id, push)
        release = releases.patience(self._log, self._why_stop).through(make)  # it asks the registry for the last number
        self._move(PushState.RELEASING, version=release.version, stack=image.stack, built=_how_built(image))
        if self._app.released_at is None and not releases.keeps_data(push.app_id):
            self._log.detail(
                "The disk of an instance is ephemeral: what the app writes there is gone with the instance.\n"
                "To keep files: portside storage:mount data:/data"
            )
        return release

    def take_live(self, release: Release) -> None:
        decided = self._workshop.releases.deliver(release.id, self._log, self._why_stop)
        if decided.state is not ReleaseState.LIVE:
            raise _Told("cancelled" if decided.reason == "cancelled" else "deploy failed")

    def move_branch(self) -> None:
        push = self._push
        if push.kind is PushKind.PUSH:
            moved = self._workshop.repositories.move_branch(push.app_id, push.ref, push.commit, push.forced)
            if not moved:
                self._log.problem(f"{_short(push.ref)} was moved by someone else meanwhile, so it stays where it is.")

    def finish(self) -> None:
        self._log.detail(f"{self._workshop.url_of(self._app.id)} deployed")
        now = Waterfall(self.recorder.so_far_ms, self.recorder.steps, self._push.built)
        earlier = self._workshop.journal.waterfalls(self._push.app_id, self._push.kind)
        self._log.detail(waterfall.line(now, earlier))
        self._move(PushState.LIVE, total_ms=now.total_ms)
        with contained("tidying up the repository"):  # the push is live: nothing may leave its log open
            self._tidy_up()
        self._close()

    def _tidy_up(self) -> None:
        repositories, app_id = self._workshop.repositories, self._push.app_id
        repositories.keep_pins(app_id, self._workshop.journal.kept(app_id))
        if repositories.is_scattered(app_id):
            self._workshop.queue.nudge(PRUNE, app_id)

    @contextmanager
    def ending_well(self) -> Iterator[None]:
        """End the push with its reason when a step raises."""
        try:
            yield
        except (LeaseLost, LostRace):
            return
        except _Told as error:
            self._end(PushState.CANCELLED if error.message == "cancelled" else PushState.FAILED, error.message)
        except Cancelled as error:
            self._log.problem(f"Cancelled: {error.message}" if error.message != "Cancelled." else "Cancelled.")
            self._end(PushState.CANCELLED, "cancelled")
        except BuildFailed as error:
            self._log.problem(str(error))
            self._end(PushState.FAILED, "build failed")
        except DeadlineExceeded as error:
            self._log.problem(f"Gave up: {error.message}.")
            self._end(PushState.FAILED, "timed out")
        except PortsideError as error:
            self._log.problem(str(error))
            self._end(PushState.FAILED, error.code if isinstance(error, Refused) else "deploy failed")
        except Exception as error:  # a bug ends this push, not the worker
            self._log.problem(record_bug(error, f"push {self._push.id}").message)
            self._end(PushState.FAILED, "internal error")

    def _end(self, state: PushState, reason: str) -> None:
        self._move(state, reason=reason)
        self._workshop.repositories.unpin(self._push.app_id, self._push.id)
        self._workshop.queue.nudge(PRUNE, self._push.app_id)
        self._close()

    def _close(self) -> None:
        self._log.close()
        self._workshop.journal.record(self._push.id, log_closed=True)
        with contained("dropping old builds"):  # takes the engine a while: nobody waits for it any more
            self._workshop.builder.drop_old_builds(self._push.app_id)

    def _move(self, to: PushState, **values: object) -> None:
        steps = waterfall.encode(self.recorder.steps)
        self._workshop.journal.move(self._push.id, to, self._lease, steps=steps, **values)
        self._push = self._workshop.journal.get(self._push.id)

    def _stop_if_asked(self) -> None:
        reason = self._why_stop(at_once=True)
        if reason is not None:
            raise reason

    def _why_stop(self, at_once: bool = False) -> BaseException | None:
        """The lease is gone, somebody cancelled, or a rollback overtook this push; asked twice a second."""
        if self._lease.lost.is_set():
            return LeaseLost()
        if time.monotonic() < self._next_look and not at_once:
            return None
        self._next_look = time.monotonic() + ASK_EVERY_S
        push, workshop = self._push, self._workshop
        if workshop.journal.is_cancelled(push.id):
            return Cancelled()
        overtaken = workshop.releases.overtaken(push.app_id, push.created_at)
        return Cancelled(overtaken) if overtaken else None


class _Told(PortsideError):
    """The release failed and its log has said why."""


def _how_built(image: BuiltImage) -> Built:
    if image.reused:
        return Built.REUSED
    return Built.COLD if image.cold else Built.WARM


def _short(ref: str) -> str:
    return ref.removeprefix("refs/heads/")

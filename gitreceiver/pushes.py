"""The desk of pushes: what the git wire, the web and the worker do with them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

from builder import BuiltImage, Source
from core.errors import Conflict, NotFound, UserError
from core.ids import AppId, new_id
from core.leases import Leases
from core.logs import LogStreams, LogWriter
from core.queue import Queue
from core.states import LostRace
from gitreceiver.commands import DEPLOY_REFS
from gitreceiver.desk import Outcome, RefUpdate, Watched
from gitreceiver.journal import Journal
from gitreceiver.pipeline import deploy_push
from gitreceiver.repositories import Repositories
from gitreceiver.run import DISPATCH, PRUNE, Workshop, build_slot, line_of_pushes
from gitreceiver.trial import Stopped, build_aside
from gitreceiver.types import Push, PushKind, PushState
from releases import Actor

DEPLOY_PUSH = "gitreceiver.deploy_push"
WAITING = "       Waiting for its turn: other builds are under way (or no worker runs: `portside-server status`)"
WAITING_AFTER_TICKS = 4


class Pushes:
    """Records pushes, shows them, cancels them, and finds a worker for those that wait."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop
        self._journal: Journal = workshop.journal
        self._leases: Leases = workshop.leases
        self._logs: LogStreams = workshop.logs
        self._queue: Queue = workshop.queue
        self._repositories: Repositories = workshop.repositories

    # -- for the git wire (see desk.PushDesk) ----------------------------------------------------------------------

    def make_room(self, app_id: AppId, *, builds: bool) -> str:
        return self._workshop.room.claim(app_id, builds=builds)

    def settle_room(self, claim_id: str, push_id: str | None, pack_bytes: int) -> None:
        self._workshop.room.settle(claim_id, push_id, pack_bytes)

    def receive(self, app_id: AppId, identity: Actor, updates: Sequence[RefUpdate], options: Sequence[str]) -> Watched:
        """Pin and record the push of a deploy branch, and wake a worker."""
        update = next(update for update in updates if update.ref in DEPLOY_REFS)
        if update.new is None:
            raise UserError("The deploy branch can't be deleted.", "To end the app: portside destroy --confirm NAME")
        return Watched(self._add(app_id, PushKind.PUSH, update, options, identity).id)

    def follow(self, push_id: str, gone: Callable[[], bool] = lambda: False) -> Iterator[str | None]:
        """The log's lines as they come, None about once a second; ends when the push is finished."""
        queued_ticks = finished_ticks = 0
        for item in self._logs.follow(self._journal.get(push_id).log_id, gone=gone):
            if item is not None:
                finished_ticks = 0
                yield item[1]
                continue
            push = self._journal.get(push_id)
            finished_ticks += push.is_final
            queued_ticks += push.state is PushState.RECEIVED
            if finished_ticks > 2:  # its worker died between the last word and the closing of the log
                return
            yield WAITING if queued_ticks == WAITING_AFTER_TICKS and not push.is_final else None

    def outcome(self, push_id: str) -> Outcome:
        push = self._journal.get(push_id)
        return Outcome(push.state is PushState.LIVE, push.reason)

    # -- for people ------------------------------------------------------------------------------------------------

    def redeploy(self, app_id: AppId, commitish: str, actor: Actor) -> Push:
        """Deploy a commit that is stored already (`portside deploy COMMIT`); no branch moves."""
        commit = self._repositories.resolve(app_id, commitish)
        if commit is None:
            message = f"No commit {commitish!r} is stored for this app."
            raise NotFound(message, "See the commits of earlier releases: portside releases")
        return self._add(app_id, PushKind.REDEPLOY, RefUpdate(DEPLOY_REFS[0], None, commit), (), actor)

    def cancel(self, app_id: AppId, push_id: str | None = None) -> Push:
        """Stop a push before its switch; without an id, the one under way. Conflict when there is nothing to stop."""
        push = self._unfinished(app_id, push_id)
        try:
            self._journal.withdraw(push.id, "cancelled")
            self._end_log(push, "Cancelled.")
        except LostRace:
            self._journal.record(push.id, cancel_requested=True)
        return self._journal.get(push.id)

    def try_build(self, app_id: AppId, source: Source, log: LogWriter, stopped: Stopped) -> BuiltImage:
        """Build a source that was not pushed, in a place for builds like any other; no release is made.

        Raises DiskNearlyFull, and as Builder.build does.
        """
        room = self._workshop.room
        claim = room.claim(app_id)
        try:
            return build_aside(self._workshop, app_id, source, log, stopped)
        finally:
            room.settle(claim, None)

    def purge_cache(self, app_id: AppId) -> None:
        """Let the app's next build start with empty caches, whatever was built before."""
        self._workshop.builder.purge_cache(app_id)

    def push(self, push_id: str) -> Push:
        return self._journal.get(push_id)

    def recent(self, app_id: AppId, limit: int = 20) -> list[Push]:
        return self._journal.recent(app_id, limit)

    def latest(self, app_ids: Collection[AppId]) -> dict[AppId, Push]:
        return self._journal.latest(app_ids)

    # -- for the worker --------------------------------------------------------------------------------------------

    def deploy(self, push_id: str) -> None:
        deploy_push(self._workshop, push_id)

    def dispatch(self) -> None:
        """Nudge a worker for every push that nobody works on: begun ones, and as many queued ones as can build now."""
        begun_first = sorted(self._journal.unfinished(), key=lambda push: push.state is PushState.RECEIVED)
        first_of_app = {push.app_id: push for push in reversed(begun_first)}
        idle = [push for push in first_of_app.values() if not self._leases.is_held(line_of_pushes(push.app_id))]
        places = range(self._workshop.settings.parallel_builds)
        free = sum(not self._leases.is_held(build_slot(number)) for number in places)
        begun = [push for push in idle if push.state is not PushState.RECEIVED]
        queued = sorted((push for push in idle if push.state is PushState.RECEIVED), key=lambda push: push.created_at)
        for push in [*begun, *queued[:free]]:
            self._queue.nudge(DEPLOY_PUSH, push.id)

    def sweep(self) -> None:
        """Find what a dead worker left: pushes, releases, open logs."""
        self.dispatch()
        unfinished = {push.id for push in self._journal.unfinished()}
        self._workshop.releases.resume(lambda push_id: push_id in unfinished)
        for push in self._journal.with_open_log():
            self._end_log(push)

    def prune(self, app_id: AppId) -> None:
        """Drop the objects of refused pushes, and bring the others into one pack."""
        self._repositories.prune(app_id)

    def forget_app(self, app_id: AppId) -> None:
        self._journal.forget_app(app_id)
        self._repositories.forget_app(app_id)
        self._workshop.room.forget_app(app_id)

    def _add(self, app_id: AppId, kind: PushKind, update: RefUpdate, options: Sequence[str], actor: Actor) -> Push:
        push_id, commit = new_id(), str(update.new)
        self._repositories.pin(app_id, push_id, commit)
        push, superseded = self._journal.add(push_id, app_id, kind, update, options, actor)
        for old_id in superseded:
            self._end_log(self._journal.get(old_id), f"Superseded by a newer push ({commit[:8]}).")
        self._queue.nudge(DEPLOY_PUSH, push.id)
        return push

    def _unfinished(self, app_id: AppId, push_id: str | None) -> Push:
        waiting = self._journal.unfinished(app_id)
        found = [push for push in waiting if push_id is None or push.id == push_id]
        if not found:
            raise Conflict("No deploy of this app is under way.", "See the recent ones: portside builds")
        return found[0]

    def _end_log(self, push: Push, problem: str = "") -> None:
        log = self._logs.writer(push.log_id)
        if problem:
            log.problem(problem)
        log.close()
        self._journal.record(push.id, log_closed=True)


__all__ = ["DEPLOY_PUSH", "DISPATCH", "PRUNE", "Pushes"]

"""The front of `releases`: apps, config, releases, rollback."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import datetime

from core.database import Database
from core.edge import contained
from core.errors import Cancelled, Conflict, DeadlineExceeded, UserError
from core.ids import AppId, UserId
from core.leases import Leases
from core.logs import LogStreams, LogWriter
from core.patience import Patience
from core.queue import Queue
from core.secrets import Sealer
from releases.adoption import Adoption
from releases.apps import Apps
from releases.bakes import Bakes, NoTraffic, Traffic
from releases.content import FIRST_PROTOCOL, Content, RollbackPreview, check_delta, describe_delta, preview
from releases.delivery import RELEASE_PHASE, Delivery, Parts, Stopped
from releases.history import History
from releases.ledger import Draft, Ledger
from releases.line import turn
from releases.proof import Proof
from releases.rows import DECIDED_ALONE
from releases.settings import ReleaseSettings
from releases.stock import Stock
from releases.tables import ReleaseRow
from releases.types import Actor, App, ImageStore, KeptReleases, NewImage, Release, ReleaseKind, ReleaseState
from scheduler import Scheduler, line_of

DELIVER = "releases.deliver"
BAKES = "releases.bakes"
DROP_IMAGES = "releases.drop_images"


class Releases:
    """What people do with apps and releases. Asking is quick and only writes records; `deliver` does the work."""

    def __init__(
        self,
        database: Database,
        leases: Leases,
        scheduler: Scheduler,
        images: ImageStore,
        sealer: Sealer,
        logs: LogStreams,
        queue: Queue,
        settings: ReleaseSettings,
        traffic: Traffic | None = None,
        protocol_of: Callable[[AppId], str] = lambda app_id: FIRST_PROTOCOL,
    ) -> None:
        """`protocol_of`: what an app is set to be spoken to in, from its next release on."""
        self._apps = Apps(database)
        self._adoption = Adoption(database, sealer, scheduler, protocol_of)
        self._ledger = Ledger(database, sealer, settings)
        self._history = History(database, sealer)
        self.bakes = Bakes(database, self._history, traffic or NoTraffic())
        self._parts = Parts(self._ledger, images, scheduler, settings, self.bakes, protocol_of)
        self._proof = Proof(self._ledger, self._history, images, scheduler)
        self._stock = Stock(self._ledger, self._history, images, self._proof, leases, self.bakes, settings.keep)
        self._leases = leases
        self._logs = logs
        self._queue = queue
        self._checked_floors: dict[AppId, int] = {}

    # -- apps ------------------------------------------------------------------------------------------------------

    def create_app(self, name: str | None, owner_id: UserId) -> App:
        """A new app; without a name it gets a friendly one. UserError for a bad name, Conflict for a taken one."""
        return self._apps.create(name, owner_id)

    def rename(self, app_id: AppId, name: str) -> App:
        return self._apps.rename(app_id, name)

    def app(self, name_or_id: str) -> App:
        return self._apps.get(name_or_id)

    def apps(self, ids: Collection[AppId] | None = None) -> list[App]:
        return self._apps.all(ids)

    def destroy(self, app_id: AppId) -> None:
        """End an app: its name is free at once, what is under way is cancelled, the rest is forgotten by the sweep."""
        self._apps.destroy(app_id)
        self._ledger.cancel_undecided(app_id)

    def destroyed(self) -> list[AppId]:
        return self._apps.destroyed()

    def forget_app(self, app_id: AppId) -> None:
        self.bakes.forget_app(app_id)
        self._apps.forget(app_id)

    # -- asking for a release --------------------------------------------------------------------------------------

    def submit_image(
        self,
        app_id: AppId,
        image: NewImage,
        commit: str,
        push_id: str,
        log_id: str,
        actor: Actor,
        description: str = "",
    ) -> Release:
        """The release of a push. Asked again for the same push, it gives the release that was made then."""
        types = (dict(image.processes), dict(image.healthchecks), dict(image.overlap))
        more = (image.stop, image.hold_s, image.bake)
        formation = (dict(image.quantities), dict(image.sizes))
        content = Content(image.image_id, "", commit, image.port, *types, *more, *formation, image.cron, image.shrink)
        said = description or f"Deploy {commit[:8]}"
        draft = Draft(ReleaseKind.IMAGE, said, actor, image=content, push_id=push_id, log_id=log_id)
        return self._ledger.submit(app_id, draft, self._floor(app_id))

    def submit_config(self, app_id: AppId, delta: Mapping[str, str | None], actor: Actor) -> Release:
        """A change of config as a release of its own; None takes a key away. UserError for a bad name or value."""
        check_delta(delta)
        set_now = {key: value for key, value in delta.items() if value is not None}
        removed = tuple(key for key, value in delta.items() if value is None)
        draft = Draft(ReleaseKind.CONFIG, describe_delta(delta), actor, delta=set_now, removed=removed)
        return self._submit(app_id, draft)

    def submit_rollback(
        self,
        app_id: AppId,
        version_or_id: str | None,
        actor: Actor,
        code_only: bool = False,
        with_phase: bool = False,
        why: str = "",
    ) -> Release:
        """Bring an earlier release back, config included (not with `code_only`), as a new release.

        Without a version: the one that was live before the current one. Deploys that are under way are cancelled.
        Its release phase is run only `with_phase`: most can't be run backwards.
        Raises UserError when there is nothing to go back to, or the image is no longer in the registry.
        """
        target = self._target(app_id, version_or_id)
        if with_phase and RELEASE_PHASE not in target.processes:
            message = f"{target.name} has no release phase: there was no `release:` in its Procfile."
            raise UserError(message, f"Roll back without it: portside rollback {target.name}")
        words = f"Rollback to {target.name}" + (" (code only)" if code_only else "") + (f": {why}" if why else "")
        draft = Draft(
            ReleaseKind.ROLLBACK, words, actor, target_id=target.id, code_only=code_only, with_phase=with_phase
        )
        return self._submit(app_id, draft)

    def preview_rollback(self, app_id: AppId, version_or_id: str | None, code_only: bool = False) -> RollbackPreview:
        """What that rollback would change; the same errors."""
        target = self._target(app_id, version_or_id)
        app = self._apps.get(app_id)
        content, now = self._history.content(target.id), self._history.current_content(app_id)
        return preview(target.version, content, app.current_version or 0, now, code_only)

    def _submit(self, app_id: AppId, draft: Draft) -> Release:
        release = self._ledger.submit(app_id, draft, self._floor(app_id))
        self._queue.nudge(DELIVER, release.id)
        return release

    def _target(self, app_id: AppId, version_or_id: str | None) -> Release:
        if version_or_id is not None:
            target = self._history.find(app_id, version_or_id)
        else:
            target = self._before_current(app_id)
        if target.state is not ReleaseState.LIVE:
            raise Conflict(f"{target.name} never went live, so there is nothing to bring back.", _SEE, code=_INVALID)
        if not target.image_ref:
            message = f"{target.name} has no image: it only set config, before the first push."
            raise Conflict(message, _SEE, code=_INVALID)
        if not target.has_image_stored or not self._proof.can_be_brought_back(target):
            raise _gone(target)
        return target

    def _before_current(self, app_id: AppId) -> Release:
        earlier = self._history.before_current(app_id)
        if earlier is None:
            raise Conflict("There is no earlier release to go back to.", _SEE, code=_INVALID)
        return earlier

    def _floor(self, app_id: AppId) -> int:
        """The highest number known outside the records, which an old backup may lack; looked up once per process."""
        if app_id not in self._checked_floors:
            known = (self._parts.images.highest_version(app_id), self._parts.scheduler.highest_version(app_id))
            self._checked_floors[app_id] = max(known)
        return self._checked_floors[app_id]

    # -- delivering ------------------------------------------------------------------------------------------------

    def deliver(self, release_id: str, log: LogWriter | None = None, stopped: Stopped = lambda: None) -> Release:
        """Wait for the release's turn and take it live; gives it decided, live or failed.

        `log`: where to tell the story (default: the release's own log, closed at the end). `stopped` may give an
        exception to stop with. Raises LeaseLost when another worker has taken the release over.
        """
        release = self._history.get(release_id)
        own = log or self._logs.writer(release.log_id)
        timeout_s = self._parts.settings.turn_timeout_s
        try:
            with turn(release, self._history, self._leases, timeout_s, stopped) as lease:
                if lease is not None:
                    Delivery(self._parts, self._apps.get(release.app_id), release_id, lease, own, stopped).run()
        except (Cancelled, DeadlineExceeded):  # its turn never came: whoever finds it next shall not take it live
            self._ledger.ask_to_cancel(release_id)
            raise
        if log is None:
            own.close()
        if self._stock.is_over(release.app_id):
            self._queue.nudge(DROP_IMAGES, release.app_id)
        return self._history.get(release_id)

    def resume(self, made_by_push: Callable[[str], bool]) -> None:
        """Nudge a worker for each app's next release if nobody works on it, but for those a push looks after."""
        self._adoption.look()
        seen: set[AppId] = set()
        for release in self._history.undecided():
            if release.app_id in seen:
                continue
            seen.add(release.app_id)
            with contained(f"resuming {release.name} of app {release.app_id}"):
                watched = release.push_id is not None and made_by_push(release.push_id)
                if not watched and not self._leases.is_held(line_of(release.app_id)):
                    self._queue.nudge(DELIVER, release.id)

    def close_logs(self) -> None:
        """Close the logs of decided releases whose worker died before it did; a push looks after its own."""
        self._logs.close_left_open(ReleaseRow.log_id, ReleaseRow.updated_at, *DECIDED_ALONE)

    def look_at_bakes(self) -> None:
        """Look at the releases that are on trial, and take back those that are worse than the one before."""
        if not self.bakes.under_way():  # a lease is two writes to the disk
            return
        with self._leases.held(BAKES) as lease:
            if lease is not None:
                self.bakes.look(lambda app_id, to, actor, why: self.submit_rollback(app_id, to, actor, why=why))

    def patience(self, log: LogWriter, stopped: Stopped) -> Patience:
        """For what asks the registry or the engine: a release waits for these as long as for its delivery."""
        return Patience(self._parts.settings.away_s, log.detail, stopped)

    def cancel(self, release_id: str) -> None:
        """Stop a release before its switch; after it, this does nothing."""
        self._ledger.ask_to_cancel(release_id)

    def drop_old_images(self, app_id: AppId) -> None:
        """Give up the images that nobody can want back: of failed releases, and of those beyond the newest `keep`."""
        self._stock.give_up_old(app_id)

    def check_images(self, app_id: AppId) -> None:
        """Prove which releases can be brought back; what the registry lost is put back from the engine. Raises Away."""
        self._stock.check(self._apps.get(app_id))

    def kept(self) -> KeptReleases:
        """What releases need that serve, may serve soon, or can be brought back."""
        return self._history.kept()

    # -- looking ---------------------------------------------------------------------------------------------------

    def releases(self, app_id: AppId, limit: int | None = None) -> list[Release]:
        """The newest first."""
        return self._history.newest(app_id, limit)

    def release(self, app_id: AppId, version_or_id: str) -> Release:
        return self._history.find(app_id, version_or_id)

    def by_ids(self, release_ids: Collection[str]) -> dict[str, Release]:
        return self._history.by_ids(release_ids)

    def of_push(self, push_id: str) -> Release | None:
        return self._history.of_push(push_id)

    def overtaken(self, app_id: AppId, since: datetime) -> str:
        """Why what was begun at `since` must not go live any more; empty when it may."""
        if not self._apps.lives(app_id):
            return "the app was destroyed."
        if self._history.rollbacks_after(app_id, since):
            return "a rollback was asked for while this push was under way."
        return ""

    def keeps_data(self, app_id: AppId) -> bool:
        """Whether a volume is mounted in the app's instances."""
        return bool(self._parts.scheduler.mounts(app_id))

    def config(self, app_id: AppId) -> dict[str, str]:
        """The live config together with the changes that wait for their turn."""
        return self._history.expected_config(app_id)

    def config_of(self, release_id: str) -> dict[str, str]:
        return dict(self._history.content(release_id).config)


_SEE = "See which releases there are: portside releases"
_INVALID = "invalid_params"


def _gone(target: Release) -> UserError:
    return UserError(
        f"The image of {target.name} is no longer in the registry, so it can't be brought back.",
        f"Push that commit again: portside deploy {target.commit[:8]}" if target.commit else _SEE,
    )

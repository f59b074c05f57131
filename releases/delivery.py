"""The delivery of one release: from its turn in the line to serving, or to an honest failure.

Every step may run twice: a worker that takes over after a crash starts here again and finds what is done already.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from core import timing
from core.edge import record_bug
from core.errors import Cancelled, DeadlineExceeded, LeaseLost, NotFound, PortsideError, UserError
from core.ids import AppId
from core.leases import Lease
from core.logs import LogWriter
from core.patience import Patience
from core.secrets import Mask
from releases.bakes import Bakes
from releases.ledger import Ledger
from releases.proof import labels_of
from releases.settings import ReleaseSettings
from releases.types import App, ImageStore, ReleaseKind
from scheduler import Pause, ProcessType, RunSpec, Scheduler, read_checks

RELEASE_PHASE = "release"
ASK_EVERY_S = 0.5

Stopped = Callable[[], BaseException | None]


@dataclass(frozen=True)
class Parts:
    """What a delivery works with."""

    ledger: Ledger
    images: ImageStore
    scheduler: Scheduler
    settings: ReleaseSettings
    bakes: Bakes
    protocol_of: Callable[[AppId], str]


class Delivery:
    """One release on its way. `run` tells the story."""

    def __init__(self, parts: Parts, app: App, release_id: str, lease: Lease, log: LogWriter, stopped: Stopped) -> None:
        self._parts = parts
        self._app = app
        self._lease = lease
        self._log = log
        self._release, self._content = parts.ledger.begin(release_id, lease, parts.protocol_of(app.id))
        self._stopped = _Watch(parts.ledger, release_id, lease, stopped)
        self._patience = Patience(parts.settings.away_s, log.detail, self._stopped)
        log.hide(Mask(self._content.config.values()))

    def run(self) -> None:
        """Take the release live, or mark it failed with the reason. Raises only LeaseLost: then it is another's."""
        try:
            if self._serves_already():
                self._deploy(lambda: self._content.image_ref)  # for what that worker had still to do
            else:
                self._stop_if_asked()
                if self._content.has_image:
                    self._start_and_switch()
            self._parts.ledger.succeed(self._release.id, self._lease)
        except LeaseLost:
            raise
        except PortsideError as error:
            self._fail(error)
        except Exception as error:  # a bug ends this release, not the worker
            self._fail(record_bug(error, f"delivery of {self._app.name} {self._release.name}"))
        else:
            self._log.step(f"Released {self._release.name}")

    def _serves_already(self) -> bool:
        """Whether an earlier worker died between the switch and its record: then it is too late to stop or to fail."""
        current = self._parts.scheduler.current(self._app.id)
        return current is not None and current.release_id == self._release.id

    def _start_and_switch(self) -> None:
        with ThreadPoolExecutor(1, thread_name_prefix="publish") as pool:
            publishing = pool.submit(timing.carried(lambda: self._patience.through(self._publish)))
            with self._release_phase():
                self._announce_bake()
                self._patience.through(lambda: self._deploy(publishing.result), self._check_engine)

    def _check_engine(self) -> None:
        self._parts.scheduler.check_engine(self._app.id)

    def _deploy(self, publish: Callable[[], str]) -> None:
        self._parts.scheduler.deploy(self._spec(), self._lease, self._log, publish, self._stopped)

    def _announce_bake(self) -> None:
        bake = self._parts.bakes.before_switch(self._release, self._content.bake)
        if bake is not None:
            minutes = bake.policy.minutes
            self._log.detail(f"On trial for {minutes} min once it serves: worse than before, and it is rolled back.")

    def _publish(self) -> str:
        """Put the release's image in the registry under its own number; gives the pullable reference."""
        images, release, app = self._parts.images, self._release, self._app
        labels, image_id = labels_of(app, release.name, self._content.commit), self._content.image_id
        with timing.step("upload"):
            if self._content.image_ref:
                ref = self._published_again(self._content.image_ref, labels)
            else:
                ref = images.publish(app.id, app.name, image_id, release.version, labels, self._stopped)
        self._parts.ledger.record_ref(release.id, ref, self._lease)
        return ref

    def _published_again(self, earlier_ref: str, labels: Mapping[str, str]) -> str:
        """Under this release's number: in the registry itself, or, if that has lost it, from the engine's copy."""
        images, release, app = self._parts.images, self._release, self._app
        try:
            return images.republish(app.id, app.name, earlier_ref, release.version, labels)
        except NotFound:
            self._log.detail("The registry has lost the image: publishing it again from the engine's copy.")
        image = (self._content.image_id, earlier_ref)
        ref = images.restore(app.id, app.name, *image, release.version, labels, self._stopped)
        if ref is None:
            message = "The image is neither in the registry nor in the engine any more."
            raise UserError(message, f"Build it again: portside deploy {self._content.commit[:8]}")
        return ref

    @contextmanager
    def _release_phase(self) -> Iterator[None]:
        """Run the Procfile's `release:` before the block; what rests for it rests until the switch in the block.

        Not on a rollback, unless it was asked for.
        """
        command = self._content.processes.get(RELEASE_PHASE)
        if command is None or (self._release.kind is ReleaseKind.ROLLBACK and not self._release.with_phase):
            yield
            return
        pause = Pause(self._content.stop, self._content.hold_s)
        with self._parts.scheduler.paused(self._app.id, pause, self._lease, self._log, self._stopped):
            self._run_release_phase(command)
            yield

    def _run_release_phase(self, command: str) -> None:
        """In a one-off container of the new release."""
        self._log.step(f"Running release phase: {command}")
        timeout_s = self._parts.settings.release_phase_timeout_s
        spec, lease, log = self._spec(), self._lease, self._log
        with timing.step("release phase"):
            code = self._parts.scheduler.run_once(spec, RELEASE_PHASE, command, lease, log, self._stopped, timeout_s)
        if code != 0:
            raise UserError(f"The release phase ended with exit code {code}.", f"Mend `{command}` and push again.")

    def _spec(self) -> RunSpec:
        content, app, release = self._content, self._app, self._release
        types = {name: command for name, command in content.processes.items() if name != RELEASE_PHASE}
        return RunSpec(
            app_id=app.id,
            app_name=app.name,
            release_id=release.id,
            version=release.version,
            commit=content.commit,
            image_id=content.image_id,
            image_ref=content.image_ref,
            processes=tuple(ProcessType(name, command) for name, command in types.items()),
            env=content.config,
            port=content.port,
            health={name: read_checks(text) for name, text in content.healthchecks.items()},
            overlap=content.overlap,
            shrink=content.shrink,
            first_quantities=content.quantities,
            first_sizes=content.sizes,
            cron=content.cron,
            protocol=content.protocol if release.kind is ReleaseKind.ROLLBACK else "",
        )

    def _stop_if_asked(self) -> None:
        reason = self._stopped()
        if reason is not None:
            raise reason

    def _fail(self, error: PortsideError) -> None:
        self._log.problem(str(error))
        self._log.problem(f"{self._release.name} failed; what served before still does.")
        reason = "cancelled" if isinstance(error, Cancelled) else error.message
        self._parts.ledger.fail(self._release.id, reason, self._lease)


class _Watch:
    """Says why to stop: the lease is gone, somebody cancelled, the deadline passed. Asks the records twice a second."""

    def __init__(self, ledger: Ledger, release_id: str, lease: Lease, outer: Stopped) -> None:
        self._ledger = ledger
        self._release_id = release_id
        self._lease = lease
        self._outer = outer
        self._next = 0.0

    def __call__(self) -> BaseException | None:
        if self._lease.lost.is_set():
            return LeaseLost()
        if time.monotonic() < self._next:
            return None
        self._next = time.monotonic() + ASK_EVERY_S
        if self._ledger.is_cancelled(self._release_id):
            return Cancelled("Cancelled before the switch.")
        if self._ledger.is_late(self._release_id):
            return DeadlineExceeded("The release took longer than it may.")
        return self._outer()

"""The proof that releases can be brought back: their images are in the registry, or go back there while the engine has
copies of them."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from core.errors import Away, PortsideError
from releases.history import History
from releases.ledger import Ledger
from releases.types import App, ImageStore, Release, ReleaseState
from scheduler import Scheduler

log = logging.getLogger("portside.releases")


@dataclass(frozen=True)
class Proof:
    """Asks the registry, and keeps what it says."""

    ledger: Ledger
    history: History
    images: ImageStore
    scheduler: Scheduler

    def look(self, app: App) -> None:
        """See to the image of each release that could be brought back, the current one first. Raises Unavailable."""
        found = [one for one in self.history.with_image(app.id) if one.state is ReleaseState.LIVE]
        for release in sorted(found, key=lambda one: not one.current):
            self._see(release, self.images.has(release.image_ref, closely=True) or self._is_put_back(app, release))

    def can_be_brought_back(self, release: Release) -> bool:
        """Whether the registry has the image, or the engine, from whose copy the rollback publishes it again."""
        is_to_be_had = self.images.has(release.image_ref, closely=release.image_lost)
        is_to_be_had = is_to_be_had or self.images.holds(release.image_id, release.image_ref)
        self._see(release, is_to_be_had)
        return is_to_be_had

    def _is_put_back(self, app: App, release: Release) -> bool:
        """An image that can't be put back now is tried again by the next look; it stops no other."""
        try:
            ref = self.images.restore(
                app.id,
                app.name,
                release.image_id,
                release.image_ref,
                release.version,
                labels_of(app, release.name, release.commit),
            )
        except Away:
            raise
        except PortsideError as error:
            log.warning("%s of %s can't be put back into the registry: %s", release.name, app.name, error)
            return False
        if ref is None:
            log.warning("%s of %s: its image is in neither registry nor engine", release.name, app.name)
            return False
        log.info("%s of %s is back in the registry, from the engine's copy", release.name, app.name)
        if ref != release.image_ref:
            self.ledger.moved(release.id, ref)
            self.scheduler.moved(app.id, release.id, ref)
        return True

    def _see(self, release: Release, is_there: bool) -> None:
        if is_there is release.image_lost:
            self.ledger.image_seen(release.id, is_there)


def labels_of(app: App, release_name: str, commit: str) -> dict[str, str]:
    """What is written on a release's image."""
    return {
        "portside.app": app.name,
        "portside.app-id": app.id,
        "portside.release": release_name,
        "portside.commit": commit,
    }

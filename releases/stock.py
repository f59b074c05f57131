"""The images that an app's releases keep: how many, and whether they are all there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from core.ids import AppId
from core.leases import Leases
from releases.bakes import Bakes
from releases.history import History
from releases.ledger import Ledger
from releases.proof import Proof
from releases.types import App, ImageStore, Release, ReleaseState


@dataclass(frozen=True)
class Stock:
    """Of all apps. One process at a time looks after an app's images: what one gives up, another, who has read of it
    before, would find lost and put back. Who finds the app taken leaves it to the next sweep."""

    ledger: Ledger
    history: History
    images: ImageStore
    proof: Proof
    leases: Leases
    bakes: Bakes
    keep: int

    def is_over(self, app_id: AppId) -> bool:
        """Whether an app has more images than it keeps, so that `give_up_old` is due."""
        return self.history.count_with_image(app_id) > self.keep

    def give_up_old(self, app_id: AppId) -> None:
        """Take the images that nobody can want back out of the registry and the engine."""
        if not self._to_give_up(app_id):  # a lease is two writes to the disk
            return
        with self.leases.held(_images_of(app_id)) as lease:
            if lease is None:
                return
            for release in self._to_give_up(app_id):
                self.images.forget_release(app_id, release.version)
                self.ledger.without_image(app_id, release.version)

    def _to_give_up(self, app_id: AppId) -> Sequence[Release]:
        wanted_back = self.history.asked_back(app_id) | self.bakes.may_go_back_to(app_id)
        return to_give_up(self.history.with_image(app_id), wanted_back, self.keep)

    def check(self, app: App) -> None:
        """See to the image of each release that could be brought back. Raises Unavailable."""
        with self.leases.held(_images_of(app.id)) as lease:
            if lease is not None:
                self.proof.look(app)


def to_give_up(with_image: Sequence[Release], wanted_back: Collection[str], keep: int) -> Sequence[Release]:
    """Of an app's decided releases with an image, the newest first: all but the newest `keep` that were live, the
    current one, and those that a waiting rollback goes to, or a trial may. Images that are lost count as kept: they may
    return."""
    live = [release.id for release in with_image if release.state is ReleaseState.LIVE]
    stay = {*live[:keep], *wanted_back}
    return [release for release in with_image if not release.current and release.id not in stay]


def _images_of(app_id: AppId) -> str:
    return f"images.{app_id}"

"""The values that cross the front door of `releases`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from core.ids import AppId, UserId
from releases.bake_policy import BakePolicy


class ReleaseState(StrEnum):
    PENDING = "pending"  # has its number, waits for its turn in the app's line
    DELIVERING = "delivering"  # its content is decided; instances are being started
    LIVE = "live"  # it served, or still does: App.current_release_id says which one does now
    FAILED = "failed"  # it never served; its config change is not kept


class ReleaseKind(StrEnum):
    IMAGE = "image"
    CONFIG = "config"
    ROLLBACK = "rollback"


class Actor(Protocol):
    """Who asks for a release; `accounts.Identity` fits."""

    @property
    def user_id(self) -> UserId: ...
    @property
    def email(self) -> str: ...


@dataclass(frozen=True)
class App:
    """One app. `released_at` is when its current release went live; None before the first."""

    id: AppId
    name: str
    owner_id: UserId
    created_at: datetime
    updated_at: datetime
    released_at: datetime | None
    current_release_id: str | None
    current_version: int | None


@dataclass(frozen=True)
class NewImage:
    """What a build gives to a release. `processes` maps a process type to its command, None meaning the image's own.

    `healthchecks`: app.json's list for each type that has one, as JSON text.
    `overlap`: whether an old and a new instance of a type may run side by side, for the types that app.json says it of.
    `quantities` and `sizes`: app.json's formation, for the app's first deploy. `cron`: its list, as JSON text.
    `shrink`: how far `web` may shrink while this release starts, where app.json says it.
    What rests during the release phase: the types in `stop`, and for `hold_s` the app's requests.
    `bake`: the trial that the release asks for, where the app has none of its own.
    """

    image_id: str
    processes: Mapping[str, str | None]
    port: int
    healthchecks: Mapping[str, str] = field(default_factory=dict)
    overlap: Mapping[str, bool] = field(default_factory=dict)
    stop: tuple[str, ...] = ()
    hold_s: float = 0.0
    bake: BakePolicy | None = None
    quantities: Mapping[str, int] = field(default_factory=dict)
    sizes: Mapping[str, str] = field(default_factory=dict)
    cron: str = "[]"
    shrink: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Release:
    """One numbered release. `reason`: why it failed.

    `with_phase`: it is a rollback that runs its release phase.

    `restorable`: it was live once, its image is kept, and was in the registry when that was last asked (`image_lost`:
    it was not).
    """

    id: str
    app_id: AppId
    version: int
    state: ReleaseState
    kind: ReleaseKind
    current: bool
    has_image_stored: bool
    image_lost: bool
    description: str
    user_id: UserId
    user_email: str
    commit: str
    image_id: str
    image_ref: str
    processes: Mapping[str, str | None]
    push_id: str | None
    log_id: str
    reason: str
    created_at: datetime
    updated_at: datetime
    with_phase: bool = False

    @property
    def name(self) -> str:
        return f"v{self.version}"

    @property
    def status(self) -> str:
        """The word that the Platform API uses: pending, succeeded or failed."""
        words = {ReleaseState.LIVE: "succeeded", ReleaseState.FAILED: "failed"}
        return words.get(self.state, "pending")

    @property
    def is_unrestorable(self) -> bool:
        """It could have been brought back, but its image is gone: given up as too old, or lost by the registry."""
        return self.state is ReleaseState.LIVE and bool(self.image_ref) and not self.restorable

    @property
    def why_unrestorable(self) -> str:
        """Which of these it is; "" unless `is_unrestorable`."""
        if not self.is_unrestorable:
            return ""
        lost = "the registry has lost its image, and the engine has no copy of it"
        return "its image was given up: only the newest releases keep theirs" if not self.has_image_stored else lost

    @property
    def restorable(self) -> bool:
        return self.state is ReleaseState.LIVE and self.has_image_stored and not self.image_lost

    @property
    def is_decided(self) -> bool:
        return self.state in (ReleaseState.LIVE, ReleaseState.FAILED)


@dataclass(frozen=True)
class KeptReleases:
    """What all releases that serve, may serve soon, or can be brought back need."""

    versions: frozenset[tuple[AppId, int]]
    image_ids: frozenset[str]
    log_ids: frozenset[str]


class ImageStore(Protocol):
    """Where release images live; `builder.ImageStore` is the real one.

    A reference is pullable and names the image by digest. Raises core.errors.Unavailable when the registry is down.
    """

    def publish(
        self,
        app_id: AppId,
        app_name: str,
        image_id: str,
        version: int,
        labels: Mapping[str, str],
        stopped: Callable[[], BaseException | None],
    ) -> str: ...

    def republish(self, app_id: AppId, app_name: str, ref: str, version: int, labels: Mapping[str, str]) -> str: ...

    def restore(
        self,
        app_id: AppId,
        app_name: str,
        image_id: str,
        ref: str,
        version: int,
        labels: Mapping[str, str],
        stopped: Callable[[], BaseException | None] = ...,
    ) -> str | None: ...

    def holds(self, image_id: str, ref: str) -> bool: ...

    def has(self, ref: str, closely: bool = False) -> bool: ...

    def highest_version(self, app_id: AppId) -> int: ...

    def forget_release(self, app_id: AppId, version: int) -> None: ...

    def forget_app(self, app_id: AppId) -> None: ...

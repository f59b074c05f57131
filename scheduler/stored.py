"""What others see of an app's storage, and of changes of its storage and sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.ids import AppId
from scheduler.checking import described
from scheduler.checks import HealthCheck
from scheduler.states import ChangeState


@dataclass(frozen=True)
class StoredVolume:
    """A volume of an app. `path` None: mounted nowhere. `size_bytes` None: not measured."""

    name: str
    path: str | None
    types: tuple[str, ...]
    size_bytes: int | None
    created_at: datetime


@dataclass(frozen=True)
class StorageChange:
    """A mount (`path` None: an unmount) that was asked for; `reason` says why it failed."""

    id: str
    app_id: AppId
    state: ChangeState
    name: str
    path: str | None
    types: tuple[str, ...]
    user_email: str
    log_id: str
    reason: str
    created_at: datetime

    @property
    def is_decided(self) -> bool:
        return self.state is not ChangeState.PENDING

    @property
    def status(self) -> str:
        """In the words that releases and builds have: pending, succeeded, failed."""
        return "succeeded" if self.state is ChangeState.DONE else str(self.state)

    @property
    def description(self) -> str:
        return f"Unmount {self.name}" if self.path is None else f"Mount {self.name} at {self.path}"


@dataclass(frozen=True)
class SizeChange:
    """New sizes of process types, or checks set for them, that were asked for; `reason`: why the change failed."""

    id: str
    app_id: AppId
    state: ChangeState
    sizes: Mapping[str, str]
    user_email: str
    log_id: str
    reason: str
    created_at: datetime
    checks: Mapping[str, tuple[HealthCheck, ...]] = field(default_factory=dict)

    @property
    def is_decided(self) -> bool:
        return self.state is not ChangeState.PENDING

    @property
    def status(self) -> str:
        """As `StorageChange.status`."""
        return "succeeded" if self.state is ChangeState.DONE else str(self.state)

    @property
    def description(self) -> str:
        if self.checks:
            return "Set checks of " + ", ".join(
                f"{name}: {described(own)}" for name, own in sorted(self.checks.items())
            )
        return "Resize " + ", ".join(f"{name} to {size}" for name, size in sorted(self.sizes.items()))

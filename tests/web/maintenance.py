"""Maintenance mode as the web knows it, kept in memory."""

from __future__ import annotations

from datetime import UTC, datetime

from core.ids import AppId
from router import MaintenanceMode


class MaintenanceInMemory:
    """Takes any page."""

    def __init__(self) -> None:
        self.modes: dict[AppId, MaintenanceMode] = {}

    def turn_on(self, app_id: AppId, page: str | None = None) -> None:
        self.modes[app_id] = MaintenanceMode(datetime(2026, 1, 2, tzinfo=UTC), page)

    def turn_off(self, app_id: AppId) -> None:
        self.modes.pop(app_id, None)

    def of(self, app_id: AppId) -> MaintenanceMode | None:
        return self.modes.get(app_id)

    def apps(self) -> frozenset[AppId]:
        return frozenset(self.modes)

"""Which process an instance is, for whoever knows only its id: the router's log."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from core.database import Database
from scheduler.records import process_of
from scheduler.tables import InstanceRow

_MOST_KEPT = 20_000


@dataclass(frozen=True)
class Named:
    """`process`: `web.1`; `version`: its release's number. An instance that no record knows has "" and 0."""

    process: str
    version: int


class InstanceNames:
    """Looks each instance up once: neither its process nor its release changes. For one thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: OrderedDict[str, Named] = OrderedDict()

    def of(self, instance_id: str) -> Named:
        known = self._kept.get(instance_id)
        if known is None:
            known = self._kept[instance_id] = self._look_up(instance_id)
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return known

    def process_of(self, instance_id: str) -> str:
        return self.of(instance_id).process

    def _look_up(self, instance_id: str) -> Named:
        with self._database.read() as session:
            row = session.get(InstanceRow, instance_id)
            return Named("", 0) if row is None else Named(process_of(row), row.version)

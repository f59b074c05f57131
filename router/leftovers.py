"""Files of apps that are no more: a request whose line is late makes those of a forgotten app anew."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from core.database import Database
from router.tables import RouteRow

_KEPT = frozenset({".log", ".metrics"})


class Leftovers:
    """Of the files in `folders`, each `APP_ID.…`, those whose app the records do not have."""

    def __init__(self, database: Database, *folders: Path) -> None:
        self._database = database
        self._folders = folders

    def drop(self) -> None:
        """Remove them. May be done at any time: an app's record is there before its first file."""
        files = [path for folder in self._folders if folder.is_dir() for path in folder.iterdir()]  # before the records
        with self._database.read() as session:
            known = set(session.scalars(select(RouteRow.app_id)))
        for path in files:
            if path.suffix in _KEPT and path.name.partition(".")[0] not in known:
                path.unlink(missing_ok=True)

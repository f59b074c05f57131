"""What each app last went live with, in a sealed file beside the database: records restored from a backup lack it.

Labels of containers can't hold it, for it holds the app's config.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from core.database import Database
from core.edge import contained
from core.ids import AppId
from core.secrets import Sealer
from scheduler.tables import AppRunRow


@dataclass(frozen=True)
class Keepsake:
    """One row of `app_runs`, as it was at a switch."""

    app_id: AppId
    rollout: str
    release_id: str
    version: int
    spec: str
    sealed_env: str
    watched: bool


class Keepsakes:
    """The files, each `APP_ID` in `folder`, read and written whole."""

    def __init__(self, folder: Path, sealer: Sealer) -> None:
        self._folder = folder
        self._sealer = sealer

    def keep(self, row: AppRunRow) -> None:
        """Write down what the app runs now."""
        values = {name: getattr(row, name) for name in Keepsake.__dataclass_fields__}
        sealed = self._sealer.seal({name: str(value) for name, value in asdict(Keepsake(**values)).items()})
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = self._folder / f".{row.app_id}.{os.getpid()}.{threading.get_ident()}"
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(sealed)
        os.replace(aside, self._folder / row.app_id)

    def write_down(self, database: Database, app_id: AppId) -> None:
        """Keep what the records say now that the app runs. What goes wrong is told in the log alone."""
        with contained(f"writing down what app {app_id} runs"), database.read() as session:
            self.keep(session.get_one(AppRunRow, app_id))

    def forget(self, app_id: AppId) -> None:
        (self._folder / app_id).unlink(missing_ok=True)

    def all(self) -> Iterator[Keepsake]:
        """Each that can be read; one that can't (sealed with another key) is told in the log."""
        paths = sorted(self._folder.iterdir()) if self._folder.is_dir() else []
        for path in paths:
            if not path.name.startswith("."):
                with contained(f"what {path.name} last went live with"):
                    yield self._read(path)

    def _read(self, path: Path) -> Keepsake:
        said = self._sealer.unseal(path.read_text())
        version, watched = int(said.pop("version")), said.pop("watched") == "True"
        return Keepsake(**{**said, "app_id": AppId(said["app_id"])}, version=version, watched=watched)  # type: ignore[arg-type]

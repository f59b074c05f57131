"""A platform from a backup's file: read and checked aside first, then put in place of what is in the home."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tarfile
import tempfile
import zlib
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from core.errors import UserError
from server import lifecycle
from server.backup import DATABASE, FORMAT, KEYS, MANIFEST, REPOSITORIES, require_sqlite
from server.migrate import knows
from server.part_names import is_router
from server.site import Site

_ENTRIES = (DATABASE, REPOSITORIES, *KEYS)
_OF_DATABASE = (f"{DATABASE}-wal", f"{DATABASE}-shm")  # they belong to the file they stand beside, and to no other


@dataclass(frozen=True)
class Restored:
    """`aside`: where what was in the home is kept; None if it was empty."""

    made_at: str
    aside: Path | None


def restore(site: Site, database_url: str, file: Path, replace: bool) -> Restored:
    """Put what `file` holds into the home. With `replace`, what is there goes into a folder aside; else it is refused.

    Raises UserError for a file that is no backup or is damaged, one of a newer Portside, and while the platform runs.
    """
    require_sqlite(database_url, "psql")
    with lifecycle.alone(site):
        _require_stopped(site)
        if (site.home / DATABASE).exists() and not replace:
            raise UserError(
                f"There is a platform in {site.home} already.",
                "Add --replace: what is there is kept in a folder aside.",
            )
        with tempfile.TemporaryDirectory(dir=site.home, prefix=".restore-") as folder:
            made_at = _unpack(file, Path(folder))
            return Restored(made_at, _exchange(site.home, Path(folder)))


def _require_stopped(site: Site) -> None:
    running = [part.name for part in lifecycle.status(site) if part.state != "stopped" and not is_router(part.name)]
    if running:
        raise UserError(f"The platform runs: {', '.join(running)}.", "portside-server stop (apps are served on)")


def _unpack(file: Path, folder: Path) -> str:
    """Everything of the backup in `folder`, proven whole; gives when it was made."""
    try:
        with tarfile.open(file, "r:gz") as archive:
            _extract(archive, folder)
        manifest = json.loads((folder / MANIFEST).read_text())
        is_known = manifest["format"] == FORMAT and knows(manifest["tables"])
    except FileNotFoundError as error:
        raise _no_backup(file, "it is not there" if not file.exists() else "parts are missing") from error
    except (OSError, EOFError, tarfile.TarError, zlib.error, ValueError, KeyError, TypeError) as error:
        raise _no_backup(file, "it is damaged, or something else") from error
    if not is_known:
        message = f"{file} was made by a newer Portside ({manifest.get('portside', '?')})."
        raise UserError(message, "Install that version, then restore.")
    if not _is_whole(folder / DATABASE):
        raise _no_backup(file, "its records are damaged")
    return str(manifest["made_at"])


def _extract(archive: tarfile.TarFile, folder: Path) -> None:
    """Files and folders that a backup can have, and nothing else: no link, nothing outside of `folder`.

    (The filters of tarfile do that too; the Python of Debian 12 may lack them.)
    """
    for member in archive:
        path = PurePosixPath(member.name)
        if path.parts[0] not in (MANIFEST, *_ENTRIES) or ".." in path.parts:
            continue
        target = folder / path
        if member.isdir():
            target.mkdir(parents=True, exist_ok=True)
        elif member.isfile() and (content := archive.extractfile(member)) is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                shutil.copyfileobj(content, file)
            target.chmod(member.mode & 0o777)


def _no_backup(file: Path, why: str) -> UserError:
    return UserError(
        f"{file} is no backup that can be restored: {why}.", "Name a file that portside-server backup wrote."
    )


def _is_whole(database: Path) -> bool:
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            found: tuple[str] = connection.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.Error:
        return False
    return found[0] == "ok"


def _exchange(home: Path, unpacked: Path) -> Path | None:
    """What is there goes aside, then the backup's entries come; the database last, so that a half is seen as none."""
    aside = home / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    there = [name for name in (DATABASE, *_OF_DATABASE, REPOSITORIES, *KEYS) if (home / name).exists()]
    if there:
        aside.mkdir(mode=0o700)
    for name in there:
        shutil.move(home / name, aside / name)
    for name in reversed(_ENTRIES):
        if (unpacked / name).exists():
            shutil.move(unpacked / name, home / name)
    return aside if there else None

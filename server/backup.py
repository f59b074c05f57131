"""One file with all that a platform can't make again: records, repositories, keys. Written while everything runs.

SQLite's online backup gives the records as of one moment (https://www.sqlite.org/backup.html). The repositories follow
after them, so each commit that the records name is there. Images are not in it: the registry has those.
"""

from __future__ import annotations

import io
import json
import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from core.errors import UserError

FORMAT = 1
MANIFEST = "portside-backup.json"
DATABASE = "portside.db"
REPOSITORIES = "repos"
KEYS = ("secret.key", "web.key", "ssh_host_key", "run_certificate.pem", "portside.toml")
_PASSING = ("incoming-", "tmp_")  # a push that is being received; a pack that git is writing


def write_backup(home: Path, database_url: str, file: Path) -> int:
    """Write a new `file` of mode 0600 and give its bytes; an interrupted one leaves nothing.

    Raises UserError when the records are not in a SQLite file, and when `file` exists or can't be written.
    """
    require_sqlite(database_url, "pg_dump")
    database = home / DATABASE
    if not database.is_file():
        raise UserError(f"There is no platform in {home}: {DATABASE} is missing.", "Set PORTSIDE_HOME to its folder.")
    if file.exists():
        raise UserError(f"{file} exists already.", "Name a file that does not.")
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as raw, tarfile.open(fileobj=raw, mode="w:gz", compresslevel=1) as archive:
            _fill(archive, home, database)
            archive.close()
            raw.flush()
            os.fsync(raw.fileno())
        unfinished.replace(file)
    except OSError as error:
        raise UserError(f"{file} can't be written: {error.strerror}.", "Name another file.") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return file.stat().st_size


def require_sqlite(database_url: str, instead: str) -> None:
    """Raise UserError for records that are on a PostgreSQL server, which has better means of its own."""
    if not database_url.startswith("sqlite"):
        raise UserError(
            "The records are in PostgreSQL, which this command does not copy.",
            f"Use {instead} for the records; copy {REPOSITORIES}/ and {', '.join(KEYS)} of PORTSIDE_HOME yourself.",
        )


def _fill(archive: tarfile.TarFile, home: Path, database: Path) -> None:
    with tempfile.TemporaryDirectory(dir=home, prefix=".backup-") as folder:
        copy = Path(folder) / DATABASE
        copy_database(database, copy)
        _add_bytes(archive, MANIFEST, json.dumps(_manifest(copy)).encode())
        _add_file(archive, copy, DATABASE)
    for name in KEYS:
        if (home / name).is_file():
            _add_file(archive, home / name, name)
    repositories = home / REPOSITORIES
    if repositories.is_dir():
        for repository in sorted(path for path in repositories.iterdir() if path.is_dir()):
            _add_repository(archive, repository, home)


def copy_database(source: Path, copy: Path) -> None:
    """The records as of one moment, while others read and write them."""
    with closing(sqlite3.connect(source)) as here, closing(sqlite3.connect(copy)) as there:
        here.backup(there)


def revision_of(database: Path) -> str:
    """The newest migration that the tables have had; empty for none."""
    with closing(sqlite3.connect(database)) as connection:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else ""


def _manifest(database: Path) -> dict[str, object]:
    made_at = datetime.now(UTC).isoformat(timespec="seconds")
    return {"format": FORMAT, "portside": version("portside"), "made_at": made_at, "tables": revision_of(database)}


def _add_repository(archive: tarfile.TarFile, repository: Path, home: Path) -> None:
    """References before objects: whatever a reference names was stored before it was set.

    Git never changes an object's file, but it may gather loose ones into a pack while we copy. So when one has gone, we
    look again for what is new.
    """
    objects, added, gone = repository / "objects", set[Path](), True
    for path in _files(repository):
        if objects not in path.parents:
            _add_if_there(archive, path, home)
    while gone:
        gone = False
        for path in _files(objects):
            if path not in added:
                gone = not _add_if_there(archive, path, home) or gone
                added.add(path)


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(_PASSING))
        yield from (Path(parent, name) for name in sorted(names) if not name.startswith(_PASSING))
        if not names and not folders:
            yield Path(parent)  # git knows a repository by its folders, empty ones too


def _add_if_there(archive: tarfile.TarFile, path: Path, home: Path) -> bool:
    if path.suffix == ".lock":
        return True
    try:
        _add_file(archive, path, str(path.relative_to(home)))
    except FileNotFoundError:
        return False
    return True


def _add_file(archive: tarfile.TarFile, path: Path, name: str) -> None:
    if path.is_dir():
        archive.addfile(archive.gettarinfo(path, arcname=name))
        return
    with path.open("rb") as content:
        archive.addfile(archive.gettarinfo(fileobj=content, arcname=name), content)


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o600
    archive.addfile(member, io.BytesIO(content))

"""Backups: written beside writers, restored whole or not at all."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from core.database import Database
from core.errors import UserError
from server.backup import MANIFEST, write_backup
from server.migrate import migrate
from server.restore import Restored, restore
from server.site import read_site


def url_of(home: Path) -> str:
    return f"sqlite:///{home / 'portside.db'}"


def git(repository: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repository), "-c", "user.name=A", "-c", "user.email=a@b.c", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with records, a repository of one commit, and a key."""
    home = tmp_path_factory.mktemp("made") / "home"
    repository = home / "repos" / "app.git"
    repository.mkdir(parents=True)
    git(repository, "init", "-q", "--bare")
    tree = git(repository, "hash-object", "-t", "tree", "-w", "/dev/null")
    git(repository, "update-ref", "refs/heads/main", git(repository, "commit-tree", "-m", "first", tree))
    (home / "secret.key").write_text("the key")
    (home / "secret.key").chmod(0o600)
    database = Database(url_of(home))
    migrate(database)
    with database.write() as session:
        session.execute(text("CREATE TABLE pairs (one INTEGER, other INTEGER)"))
        session.execute(text("INSERT INTO pairs VALUES (0, 0)"))
    database.close()
    return home


@pytest.fixture
def home(made_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made_once, tmp_path / "home")


def pair_in(home: Path) -> tuple[int, int]:
    database = Database(url_of(home))
    try:
        with database.read() as session:
            one, other = session.execute(text("SELECT one, other FROM pairs")).one()
            return one, other
    finally:
        database.close()


def set_pair(home: Path, value: int) -> None:
    database = Database(url_of(home))
    with database.write() as session:
        session.execute(text("UPDATE pairs SET one = :value, other = :value"), {"value": value})
    database.close()


def restored(home: Path, file: Path, replace: bool = False) -> Restored:
    return restore(read_site({"PORTSIDE_HOME": str(home)}), url_of(home), file, replace)


def test_a_backup_brings_records_repositories_and_keys_to_an_empty_home(home: Path, tmp_path: Path) -> None:
    file, new = tmp_path / "b.tar.gz", tmp_path / "new"
    assert write_backup(home, url_of(home), file) == file.stat().st_size
    assert file.stat().st_mode & 0o777 == 0o600
    set_pair(home, 7)
    assert restored(new, file).aside is None
    assert pair_in(new) == (0, 0)
    assert (new / "secret.key").read_text() == "the key"
    assert (new / "secret.key").stat().st_mode & 0o777 == 0o600
    repository = new / "repos" / "app.git"
    assert git(repository, "log", "--format=%s", "main") == "first"
    git(repository, "fsck", "--strict")
    assert not list(new.glob(".restore-*"))
    assert not list(home.glob(".backup-*"))


def test_a_backup_holds_no_half_of_what_is_written_meanwhile(home: Path, tmp_path: Path) -> None:
    done, begun = threading.Event(), threading.Event()

    def write() -> None:
        database, number = Database(url_of(home)), 0
        while not done.is_set():
            number += 1
            with database.write() as session:
                session.execute(text("UPDATE pairs SET one = :number"), {"number": number})
                session.execute(text("UPDATE pairs SET other = :number"), {"number": number})
            begun.set()
        database.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert begun.wait(30)
        for number in range(3):
            write_backup(home, url_of(home), tmp_path / f"{number}.tar.gz")
    finally:
        done.set()
        writer.join()
    for number in range(3):
        restored(tmp_path / f"new{number}", tmp_path / f"{number}.tar.gz")
        one, other = pair_in(tmp_path / f"new{number}")
        assert one == other


def test_what_was_in_the_home_is_replaced_only_if_asked_and_kept_aside(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "b.tar.gz"
    write_backup(home, url_of(home), file)
    set_pair(home, 7)
    with pytest.raises(UserError) as refusal:
        restored(home, file)
    assert refusal.value.message == f"There is a platform in {home} already."
    assert refusal.value.hint == "Add --replace: what is there is kept in a folder aside."
    assert pair_in(home) == (7, 7)
    aside = restored(home, file, replace=True).aside
    assert aside is not None
    assert (pair_in(home), pair_in(aside)) == ((0, 0), (7, 7))
    assert (aside / "repos" / "app.git").is_dir()


def test_a_backup_never_writes_over_a_file(home: Path, tmp_path: Path) -> None:
    file = tmp_path / "b.tar.gz"
    file.write_text("mine")
    with pytest.raises(UserError, match="exists already"):
        write_backup(home, url_of(home), file)
    assert file.read_text() == "mine"


def test_a_home_with_no_platform_has_no_backup(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no platform in"):
        write_backup(tmp_path, url_of(tmp_path), tmp_path / "b.tar.gz")


def test_records_in_postgresql_are_left_to_its_own_tools(home: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError) as refusal:
        write_backup(home, "postgresql+psycopg://db/portside", tmp_path / "b.tar.gz")
    assert refusal.value.message == "The records are in PostgreSQL, which this command does not copy."


@pytest.mark.parametrize("size", [0, 300, -200])
def test_a_damaged_backup_changes_nothing(home: Path, tmp_path: Path, size: int) -> None:
    whole, cut = tmp_path / "b.tar.gz", tmp_path / "cut.tar.gz"
    write_backup(home, url_of(home), whole)
    cut.write_bytes(whole.read_bytes()[:size])
    set_pair(home, 7)
    with pytest.raises(UserError, match="is no backup that can be restored"):
        restored(home, cut, replace=True)
    assert pair_in(home) == (7, 7)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError) as refusal:
        restored(tmp_path / "home", tmp_path / "none")
    assert refusal.value.message == f"{tmp_path / 'none'} is no backup that can be restored: it is not there."


def test_a_backup_of_a_newer_portside_is_refused(tmp_path: Path) -> None:
    file, manifest = tmp_path / "b.tar.gz", tmp_path / "manifest"
    manifest.write_text(json.dumps({"format": 1, "portside": "99.0", "made_at": "now", "tables": "9999"}))
    with closing(tarfile.open(file, "w:gz")) as archive:
        archive.add(manifest, MANIFEST)
    with pytest.raises(UserError) as refusal:
        restored(tmp_path / "home", file)
    assert refusal.value.message == f"{file} was made by a newer Portside (99.0)."


def test_nothing_of_an_archive_is_written_outside_of_the_home(home: Path, tmp_path: Path) -> None:
    file, evil = tmp_path / "b.tar.gz", tmp_path / "evil.tar.gz"
    write_backup(home, url_of(home), file)
    (tmp_path / "content").write_text("evil")
    with closing(tarfile.open(file)) as good, closing(tarfile.open(evil, "w:gz")) as archive:
        for member in good:
            archive.addfile(member, good.extractfile(member) if member.isfile() else None)
        archive.add(tmp_path / "content", "repos/../../../outside")
        archive.add(tmp_path / "content", "run/outside")
    new = tmp_path / "new"
    restored(new, evil)
    assert pair_in(new) == (0, 0)
    assert not list(tmp_path.rglob("outside"))

"""The bare repositories, one per app at `ROOT/APP_ID.git`.

Every change of refs or of which objects exist is made under one file lock per repository, so a branch moves by
compare-and-swap and nothing is pruned between the moment a pack is stored and the moment a ref holds it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dulwich.objects import Commit, ObjectID
from dulwich.refs import Ref
from dulwich.repo import Repo

from core.errors import NotFound
from core.ids import AppId, is_id, new_id
from gitreceiver.commands import DEPLOY_REFS, OWN_REFS
from gitreceiver.git import Git
from gitreceiver.settings import ReceiverSettings
from gitreceiver.source import GitSource

_PUSHES = f"{OWN_REFS}pushes/"
_ARRIVING = f"{OWN_REFS}arriving/"
_YOUNG_S = 3600.0
_LOCK = "portside.lock"
MOST_PACKS = 50
"""As git's own `gc.autoPackLimit`: each push brings a pack, and who reads an object looks into all of them."""


class Repositories:
    """All repositories below `root`. Safe to use from several threads and processes."""

    def __init__(self, root: Path, settings: ReceiverSettings | None = None) -> None:
        self.root = root
        self.settings = settings or ReceiverSettings()

    def path(self, app_id: AppId) -> Path:
        """Where the app's repository is or will be; raises ValueError for what is no id."""
        if not is_id(app_id):
            raise ValueError(f"not an app id: {app_id!r}")
        return self.root / f"{app_id}.git"

    def exists(self, app_id: AppId) -> bool:
        return (self.path(app_id) / "HEAD").exists()

    def create(self, app_id: AppId) -> None:
        """Make the app's repository, bare and empty with HEAD at main, unless it is there."""
        path = self.path(app_id)
        if self.exists(app_id):
            return
        self.root.mkdir(parents=True, exist_ok=True)
        making = path.with_name(f"{path.name}.{new_id()[:8]}")
        Repo.init_bare(making, mkdir=True, default_branch=b"main").close()
        try:
            making.rename(path)
        except OSError:  # somebody else was first
            shutil.rmtree(making)
            if not self.exists(app_id):
                raise

    def open(self, app_id: AppId) -> Repo:
        """The repository for reading with dulwich, made if need be. Close it after use."""
        self.create(app_id)
        return Repo(self.path(app_id))

    def git(self, app_id: AppId, quarantine: Path | None = None) -> Git:
        """The git command on the repository, which is made if need be."""
        self.create(app_id)
        return Git(self.path(app_id), quarantine)

    @contextmanager
    def locked(self, app_id: AppId) -> Iterator[None]:
        """Hold the repository's lock. It ends with the process that holds it; it does not nest."""
        self.create(app_id)
        descriptor = os.open(self.path(app_id) / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            _drop_stale_ref_locks(self.path(app_id))
            yield
        finally:
            os.close(descriptor)

    def hold_arriving(self, app_id: AppId, commit: str) -> str:
        """Hold a commit that has no push record yet; gives the name to `let_go`. The caller holds the lock."""
        ref = f"{_ARRIVING}{new_id()}"
        with self.open(app_id) as repo:
            _set(repo, ref, commit)
        return ref

    def let_go(self, app_id: AppId, ref: str) -> None:
        """End a hold made by `hold_arriving`."""
        self._remove(app_id, ref)

    def pin(self, app_id: AppId, push_id: str, commit: str) -> None:
        """Hold `commit` for the push until `unpin`, hidden from clients."""
        with self.locked(app_id), self.open(app_id) as repo:
            _set(repo, f"{_PUSHES}{push_id}", commit)

    def unpin(self, app_id: AppId, push_id: str) -> None:
        self._remove(app_id, f"{_PUSHES}{push_id}")

    def keep_pins(self, app_id: AppId, push_ids: Collection[str]) -> None:
        """Unpin every push but these and those of the last hour, whose records may be in the making."""
        with self.locked(app_id), self.open(app_id) as repo:
            for ref in _old_refs(self.path(app_id), _PUSHES):
                if ref.removeprefix(_PUSHES) not in push_ids:
                    repo.refs.remove_if_equals(_name(ref), None)

    def branch(self, app_id: AppId, ref: str) -> str | None:
        """The commit at `ref` (`refs/heads/main`), or None while it is unborn."""
        with self.open(app_id) as repo:
            return _get(repo, ref)

    def may_move(self, app_id: AppId, ref: str, new_commit: str) -> bool:
        """Whether a branch could move to `new_commit` without force, as things are."""
        now = self.branch(app_id, ref)
        return now is None or self.git(app_id).is_ancestor(now, new_commit)

    def move_branch(self, app_id: AppId, ref: str, new_commit: str, forced: bool) -> bool:
        """Move a branch to `new_commit` if that descends from where it is now, or `forced`, or it is unborn.

        HEAD follows a deploy branch, so that a clone checks out what was deployed. Gives whether it moved.
        """
        with self.locked(app_id), self.open(app_id) as repo:
            if not forced and not self.may_move(app_id, ref, new_commit):
                return False
            _set(repo, ref, new_commit)
            if ref in DEPLOY_REFS:
                repo.refs.set_symbolic_ref(Ref(b"HEAD"), Ref(ref.encode()))
            return True

    def replace_ref(self, app_id: AppId, ref: str, old: str | None, new: str | None) -> bool:
        """Set any ref from `old` to `new` (None: there is none). The caller holds the lock.

        False when it is not at `old`. Raises OSError for a name that can't stand beside another (`a/b` beside `a`).
        """
        with self.open(app_id) as repo:
            if _get(repo, ref) != old:
                return False
            if new is None:
                return bool(repo.refs.remove_if_equals(_name(ref), None))
            _set(repo, ref, new)
            return True

    def resolve(self, app_id: AppId, text: str) -> str | None:
        """The full id of the commit that a branch, a tag, or a full or short id names; None if there is no such one."""
        return self.git(app_id).resolve(text)

    def source(self, app_id: AppId, commit: str) -> GitSource:
        """The files of a commit, read straight from the object store; NotFound for no such commit."""
        return GitSource(self.git(app_id), self._commit(app_id, commit).tree.decode())

    def commit_subject(self, app_id: AppId, commit: str) -> str:
        """The first line of a commit's message."""
        message = self._commit(app_id, commit).message.decode(errors="replace").strip()
        return message.splitlines()[0] if message else ""

    def is_scattered(self, app_id: AppId) -> bool:
        """Whether the app's objects lie in so many packs that `prune` is due."""
        return sum(1 for _ in (self.path(app_id) / "objects/pack").glob("*.pack")) > MOST_PACKS

    def prune(self, app_id: AppId) -> None:
        """Delete the objects that no ref and no running push reaches, and bring the others into one pack."""
        if not self.exists(app_id):
            return
        with self.locked(app_id):
            with self.open(app_id) as repo:
                for ref in _old_refs(self.path(app_id), _ARRIVING):  # their process was killed
                    repo.refs.remove_if_equals(_name(ref), None)
            self.git(app_id).drop_unreachable()

    def forget_app(self, app_id: AppId) -> None:
        """Delete the app's repository. Fine to repeat."""
        path = self.path(app_id)
        if path.exists():
            gone = path.with_name(f"{path.name}.gone-{new_id()[:8]}")
            with suppress(FileNotFoundError):
                path.rename(gone)
        for leftover in self.root.glob(f"{app_id}.git.*"):
            shutil.rmtree(leftover, ignore_errors=True)

    def _remove(self, app_id: AppId, ref: str) -> None:
        with self.locked(app_id), self.open(app_id) as repo:
            repo.refs.remove_if_equals(_name(ref), None)

    def _commit(self, app_id: AppId, commit: str) -> Commit:
        with self.open(app_id) as repo:
            try:
                found = repo[ObjectID(commit.encode())]
            except (KeyError, ValueError) as error:
                raise NotFound(f"There is no commit {commit} in the app's repository.", "Push it first.") from error
            if not isinstance(found, Commit):
                raise NotFound(f"{commit} is a {found.type_name.decode()}, not a commit.", "Name a commit.")
            return found


def _name(ref: str) -> Ref:
    return Ref(ref.encode(errors="surrogateescape"))


def _get(repo: Repo, ref: str) -> str | None:
    sha = repo.refs.read_ref(_name(ref))
    return None if sha is None else sha.decode()


def _set(repo: Repo, ref: str, commit: str) -> None:
    repo.refs.set_if_equals(_name(ref), None, ObjectID(commit.encode()))


def _drop_stale_ref_locks(path: Path) -> None:
    """Remove what a killed process left: only we write refs, and only under the lock that we hold now."""
    for stale in [*(path / "refs").rglob("*.lock"), path / "HEAD.lock", path / "packed-refs.lock"]:
        stale.unlink(missing_ok=True)


def _old_refs(path: Path, prefix: str) -> list[str]:
    """Our own refs under `prefix` that were set more than an hour ago. (They are never packed: only we pack.)"""
    newest = time.time() - _YOUNG_S
    return [f"{prefix}{file.name}" for file in (path / prefix).glob("*") if file.stat().st_mtime < newest]

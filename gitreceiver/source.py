"""An app's files at one commit, read from the object store with no checkout on disk."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from functools import cached_property, partial

from dulwich.objects import ObjectID
from dulwich.repo import Repo

from builder import Entry
from core.errors import NotFound
from gitreceiver.git import File, Git


class GitSource:
    """What `builder.Source` asks for, over one tree of a bare repository. Safe to use from several threads.

    Sizes come from `git ls-tree`, which tells them without unpacking anything; contents from dulwich, which was
    measured to be as quick as `git cat-file --batch` (30,000 files, 127 MB: 1.3 s each).
    """

    def __init__(self, git: Git, tree_id: str) -> None:
        self.tree_id = tree_id
        self._git = git
        self._lock = threading.Lock()

    @cached_property
    def _files(self) -> dict[str, File]:
        return {file.path: file for file in self._git.files(self.tree_id)}

    @cached_property
    def _repo(self) -> Repo:
        repo = Repo(self._git.path)
        weakref.finalize(self, repo.close)
        return repo

    def entries(self) -> Iterator[Entry]:
        """Every file in git's order; `read` gives a file's content (a symbolic link's target)."""
        for file in self._files.values():
            yield Entry(file.path, file.mode, file.size_bytes, partial(self._content, file))

    def read(self, path: str) -> bytes | None:
        """The content of one file, or None if there is none."""
        file = self._files.get(path)
        return None if file is None else self._content(file)

    def paths(self) -> tuple[str, ...]:
        return tuple(self._files)

    def _content(self, file: File) -> bytes:
        with self._lock:
            try:
                _, content = self._repo.object_store.get_raw(ObjectID(file.blob.encode()))
            except KeyError as error:
                message = f"{file.path} is no longer in the app's repository."
                raise NotFound(message, "Push the commit again.") from error
        return content

"""Every call of the git command, on one bare repository. dulwich does the rest; git is here for its speed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from core import process

_REVISION = re.compile(r"^[0-9A-Za-z][0-9A-Za-z_./~^-]*$")
_LONG_S = 3600.0

# Old histories carry these; they harm nobody, and their owners can't mend them (git fsck --help, "FSCK MESSAGES").
_FORGIVEN = ("badTimezone", "missingSpaceBeforeDate", "zeroPaddedFilemode")


@dataclass(frozen=True)
class File:
    """A file in a tree: its path (undecodable bytes as surrogates), git's mode, the blob's id and size."""

    path: str
    mode: int
    blob: str
    size_bytes: int


class Git:
    """git on the bare repository at `path`.

    With `quarantine`, new objects are written to that directory, and looked for there and in the repository.
    """

    def __init__(self, path: Path, quarantine: Path | None = None) -> None:
        self.path = path
        self._env = {
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
        }
        if quarantine is not None:  # the variables of git's own receive-pack, tmp-objdir.c
            self._env["GIT_OBJECT_DIRECTORY"] = str(quarantine)
            self._env["GIT_ALTERNATE_OBJECT_DIRECTORIES"] = str(path / "objects")
            self._env["GIT_QUARANTINE_PATH"] = str(quarantine)

    @property
    def env(self) -> Mapping[str, str]:
        return self._env

    def argv(self, *arguments: str) -> list[str]:
        return ["git", f"--git-dir={self.path}", *arguments]

    def index_pack(self) -> list[str]:
        """The command that reads a pack from its input, checks every object, completes a thin pack, and stores it."""
        forgiven = ",".join(f"{name}=ignore" for name in _FORGIVEN)
        return self.argv("index-pack", "--stdin", "--fix-thin", f"--strict={forgiven}")

    def types(self, ids: Iterable[str]) -> dict[str, str]:
        """The type of each object that is there: `commit`, `tag`, `tree`, `blob`."""
        wanted = "".join(f"{sha}\n" for sha in ids).encode()
        answer = self._run("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=wanted).text
        pairs = (line.split(" ") for line in answer.splitlines())
        return {sha: kind for sha, kind in pairs if kind != "missing"}

    def is_connected(self, ids: Iterable[str]) -> bool:
        """Whether everything that `ids` reach is there, as far as no ref already vouches for it."""
        wanted = "".join(f"{sha}\n" for sha in ids).encode()
        arguments = ("rev-list", "--objects", "--stdin", "--not", "--all", "--quiet")  # as git's connected.c
        return self._run(*arguments, stdin=wanted, check=False).code == 0

    def is_ancestor(self, old: str, new: str) -> bool:
        return self._run("merge-base", "--is-ancestor", old, new, check=False).code == 0

    def resolve(self, text: str) -> str | None:
        """The full id of the commit that `text` names, or None."""
        if not _REVISION.match(text) or ".." in text:
            return None
        found = self._run("rev-parse", "--verify", "--quiet", f"{text}^{{commit}}", check=False)
        return found.text.strip() if found.code == 0 else None

    def files(self, tree: str) -> tuple[File, ...]:
        """All files below `tree`, in git's order; submodules are left out."""
        listing = self._run("ls-tree", "-r", "-l", "-z", "--full-tree", tree).stdout
        rows = listing.decode(errors="surrogateescape").split("\0")
        return tuple(_file(row) for row in rows if row and " blob " in row.split("\t", 1)[0])

    def drop_unreachable(self) -> None:
        """Pack what refs reach into one pack and delete every other object."""
        self._run("repack", "-a", "-d", "-q", timeout_s=_LONG_S)
        self._run("prune", "--expire=now", timeout_s=_LONG_S)

    def _run(
        self, *arguments: str, stdin: bytes | None = None, check: bool = True, timeout_s: float = 600
    ) -> process.Finished:
        return process.run(self.argv(*arguments), stdin=stdin, env=self._env, check=check, timeout_s=timeout_s)


def _file(row: str) -> File:
    """From `100644 blob ID     SIZE<tab>PATH`."""
    facts, path = row.split("\t", 1)
    mode, _kind, blob, size = facts.split()
    return File(path, int(mode, 8), blob, int(size))

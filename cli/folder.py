"""A folder as a gzipped tar: the files that git would take in it, and no others.

git itself decides what is ignored (.gitignore, in a repository or not); what .dockerignore leaves out of a build is
left out by the server, which needs the file to explain its decisions.
"""

from __future__ import annotations

import os
import stat
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import IO

from cli.errors import CliError, GitFailed

LARGEST_BYTES = 256 << 20  # as the server has it


def packed(folder: Path) -> IO[bytes]:
    """An open temporary file with the tar, at its beginning. Raises CliError, GitFailed."""
    paths = _paths(folder)
    size_bytes = sum(os.lstat(folder / path).st_size for path in paths)
    if size_bytes > LARGEST_BYTES:
        message = f"{folder} holds {size_bytes >> 20} MB; at most {LARGEST_BYTES >> 20} MB can be sent."
        raise CliError(message, "List what the build does not need in .gitignore, or push with git.")
    spool = tempfile.TemporaryFile(prefix="portside-")  # noqa: SIM115 - given to the caller
    with tarfile.open(fileobj=spool, mode="w:gz", compresslevel=1) as archive:
        for path in paths:
            _add(archive, folder, path)
    spool.seek(0)
    return spool


def _add(archive: tarfile.TarFile, folder: Path, path: str) -> None:
    """One file or link; each hard link as a file of its own, with no owner and no time."""
    found = os.lstat(folder / path)
    member = tarfile.TarInfo(path)
    member.mode = 0o755 if found.st_mode & stat.S_IXUSR else 0o644
    if stat.S_ISLNK(found.st_mode):
        member.type, member.linkname = tarfile.SYMTYPE, os.readlink(folder / path)
        archive.addfile(member)
        return
    with open(folder / path, "rb") as content:
        member.size = os.fstat(content.fileno()).st_size
        archive.addfile(member, content)


def _paths(folder: Path) -> list[str]:
    """The files and links in `folder` that git would add, and those it has; sorted, relative."""
    if not folder.is_dir():
        raise CliError(f"{folder} is not a folder.", "Name the app's folder: portside build --local .")
    names = _git("ls-files", "-z", "--cached", "--others", "--exclude-standard", folder=folder)
    if names is None:
        names = _without_repository(folder)
    found = {name for name in names.split("\0") if name and _is_sendable(folder / name)}
    if not found:
        raise CliError(f"There are no files in {folder} that git would take.", "See what .gitignore leaves out.")
    return sorted(found)


def _without_repository(folder: Path) -> str:
    """The same for a folder in no repository: git looks at it from an empty one that is made aside."""
    with tempfile.TemporaryDirectory(prefix="portside-git-") as aside:
        _git("init", "--quiet", "--bare", aside, folder=folder)
        names = _git(
            *("--git-dir", aside, "--work-tree", ".", "ls-files", "-z", "--others", "--exclude-standard"), folder=folder
        )
    if names is None:
        raise GitFailed(f"git can't list the files in {folder}.", "Is it readable?")
    return names


def _is_sendable(path: Path) -> bool:
    """Files and links: no submodule's folder, no socket, none that is listed but deleted."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) or stat.S_ISLNK(mode)


def _git(*arguments: str, folder: Path) -> str | None:
    """What git says, None when it refuses. Raises GitFailed when there is no git."""
    try:
        answer = subprocess.run(
            ["git", *arguments], cwd=folder, capture_output=True, stdin=subprocess.DEVNULL, check=False
        )
    except FileNotFoundError:
        raise GitFailed("The git command is not installed here.", "Install git.") from None
    return os.fsdecode(answer.stdout) if answer.returncode == 0 else None

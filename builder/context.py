"""The build context: a source tree as a tar stream, made while it is read, with nothing written to disk.

Two layouts, so that the Dockerfile's name never meets a file of the app:

- A pack's build has the pack's `Dockerfile` at the root and the whole app under `source/`.
- A Dockerfile app has its files at the root, as `docker build .` would see them. If its own .dockerignore leaves the
  Dockerfile out, the engine must still find it, so it travels as `.git/portside/Dockerfile`: git itself allows no
  path of that form in a tree, and what the user left out is not in reach of `COPY`.

`.git` is never sent. A file's time is made from its content: the same files give the same bytes, and a web server that
makes ETags from time and size never takes two contents of a file for the same.
"""

from __future__ import annotations

import posixpath
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from builder.dockerignore import Ignore
from builder.types import EXECUTABLE_MODE, SYMLINK_MODE, Entry, Source

SOURCE_FOLDER = "source"
HIDDEN_DOCKERFILE = ".git/portside/Dockerfile"
FIRST_TIME_S = 1_000_000_000  # 2001; the latest is in 2009
TIME_RANGE_S = 1 << 28


@dataclass(frozen=True)
class Extra:
    """A file that is not the app's."""

    path: str
    content: bytes


def folders(paths: tuple[str, ...]) -> set[str]:
    """Every folder above the files at `paths`."""
    found: set[str] = set()
    for path in paths:
        folder = posixpath.dirname(path)
        while folder and folder not in found:
            found.add(folder)
            folder = posixpath.dirname(folder)
    return found


def kept_folders(paths: tuple[str, ...], ignore: Ignore) -> list[str]:
    """The folders to send: those not left out, and those above a file that an exception brought back."""
    above_files = folders(tuple(path for path in paths if not ignore.excludes(path)))
    return sorted(above_files | {folder for folder in folders(paths) if not ignore.excludes(folder)})


def tar_stream(
    source: Source | None, ignore: Ignore, extras: tuple[Extra, ...] = (), under: str = ""
) -> Iterator[bytes]:
    """The context in chunks: `extras`, then the folders and files of `source` that `ignore` keeps, below `under`."""
    for extra in extras:
        for folder in sorted(folders((extra.path,))):
            yield _folder(folder)
        yield from _file(extra.path, 0o644, extra.content)
    if source is not None:
        prefix = f"{under}/" if under else ""
        if under:
            yield _folder(under)
        for folder in kept_folders(source.paths(), ignore):
            yield _folder(prefix + folder)
        for entry in source.entries():
            if not ignore.excludes(entry.path):
                yield from _entry(prefix, entry)
    yield bytes(2 * tarfile.BLOCKSIZE)


def _entry(prefix: str, entry: Entry) -> Iterator[bytes]:
    content = entry.read()
    if entry.mode == SYMLINK_MODE:
        yield _header(prefix + entry.path, tarfile.SYMTYPE, 0o777, link=content.decode(errors="surrogateescape"))
    else:
        yield from _file(prefix + entry.path, 0o755 if entry.mode == EXECUTABLE_MODE else 0o644, content)


def _file(path: str, mode: int, content: bytes) -> Iterator[bytes]:
    time_s = FIRST_TIME_S + zlib.crc32(content) % TIME_RANGE_S
    yield _header(path, tarfile.REGTYPE, mode, size_bytes=len(content), time_s=time_s)
    yield content
    yield bytes(-len(content) % tarfile.BLOCKSIZE)


def _folder(path: str) -> bytes:
    return _header(path, tarfile.DIRTYPE, 0o755)


def _header(
    path: str, kind: bytes, mode: int, size_bytes: int = 0, link: str = "", time_s: int = FIRST_TIME_S
) -> bytes:
    info = tarfile.TarInfo(path)
    info.type, info.mode, info.size, info.linkname, info.mtime = kind, mode, size_bytes, link, time_s
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")

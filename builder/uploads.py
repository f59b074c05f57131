"""A source that comes as a tar file instead of a git tree: what `portside build --local` sends.

The tar is kept as one nameless temporary file and read in place; nothing in it is ever unpacked onto the disk, so a
path or a link in it can lead nowhere. It must still be what git could hold (files and symbolic links, at plain
relative paths, none below a link), for it goes on to the engine as a git tree would.
"""

from __future__ import annotations

import hashlib
import tarfile
import tempfile
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import IO, Protocol

from dulwich.index import commit_tree
from dulwich.object_store import MemoryObjectStore
from dulwich.objects import ObjectID

from builder.context import folders
from builder.types import EXECUTABLE_MODE, FILE_MODE, SYMLINK_MODE, Entry
from core.errors import UserError

LARGEST_BYTES = 256 << 20
MOST_FILES = 100_000
_CHUNK_BYTES = 1 << 20
_GZIP = b"\x1f\x8b"
_READ_GZIP = zlib.MAX_WBITS | 16
_HINT = "Send what `portside build --local` sends: a tar of files and symbolic links."


class BadUpload(UserError):
    """What was sent is not a tar of an app's files."""

    code = "bad_request"


class Readable(Protocol):
    """What an upload is read from."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True)
class _File:
    mode: int
    start: int
    size_bytes: int
    link: bytes = b""


class TarSource:
    """A `Source` over an uploaded tar. Safe to use from several threads; close it to free the disk."""

    def __init__(self, tar: IO[bytes]) -> None:
        """`tar` is an open uncompressed tar file, closed with the source. Raises BadUpload."""
        self._tar = tar
        self._lock = threading.Lock()
        self._files = dict(sorted(_listed(tar).items()))
        self.tree_id = self._git_tree_id()

    @classmethod
    def receive(cls, upload: Readable, limit_bytes: int = LARGEST_BYTES) -> TarSource:
        """The source in a tar, plain or gzipped, read to its end; raises BadUpload, also when over `limit_bytes`."""
        spool = tempfile.TemporaryFile(prefix="portside-upload-")  # noqa: SIM115 - the source closes it
        try:
            size_bytes = 0
            for chunk in _plain(upload):
                size_bytes += len(chunk)
                if size_bytes > limit_bytes:
                    message = f"The folder is over {limit_bytes >> 20} MB."
                    raise BadUpload(message, "List what the build does not need in .gitignore, or push with git.")
                spool.write(chunk)
            spool.seek(0)
            return cls(spool)
        except BaseException:
            spool.close()
            raise

    def entries(self) -> Iterator[Entry]:
        for path, file in self._files.items():
            yield Entry(path, file.mode, file.size_bytes, partial(self._content, file))

    def read(self, path: str) -> bytes | None:
        file = self._files.get(path)
        return None if file is None else self._content(file)

    def paths(self) -> tuple[str, ...]:
        return tuple(self._files)

    def close(self) -> None:
        self._tar.close()

    def _content(self, file: _File) -> bytes:
        if file.mode == SYMLINK_MODE:
            return file.link
        with self._lock:
            self._tar.seek(file.start)
            return self._tar.read(file.size_bytes)

    def _git_tree_id(self) -> str:
        """The id that git would give these files: pushing them later finds the image that is built now."""
        blobs = []
        for path, file in self._files.items():
            content = self._content(file)
            digest = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
            blobs.append((path.encode(errors="surrogateescape"), ObjectID(digest.encode()), file.mode))
        return commit_tree(MemoryObjectStore(), blobs).decode()


def _plain(upload: Readable) -> Iterator[bytes]:
    """The upload in chunks, unzipped if need be; no chunk is ever much over a megabyte, however well it was packed."""
    chunk = upload.read(_CHUNK_BYTES)
    if not chunk.startswith(_GZIP):
        while chunk:
            yield chunk
            chunk = upload.read(_CHUNK_BYTES)
        return
    unzip = zlib.decompressobj(_READ_GZIP)
    try:
        while chunk and not unzip.eof:
            yield unzip.decompress(chunk, _CHUNK_BYTES)
            chunk = unzip.unconsumed_tail or upload.read(_CHUNK_BYTES)
    except zlib.error as error:
        raise BadUpload(f"The upload is not readable gzip: {error}.", _HINT) from error
    if not unzip.eof:
        raise BadUpload("The upload ended in the middle.", "Try again.")


def _listed(tar: IO[bytes]) -> dict[str, _File]:
    found: dict[str, _File] = {}
    try:
        with tarfile.open(fileobj=tar, mode="r:") as archive:
            for member in archive:
                file = None if member.isdir() else _file(member)
                if file is not None:
                    found[_path(member.name)] = file
                if len(found) > MOST_FILES:
                    raise BadUpload(f"The upload holds over {MOST_FILES} files.", _HINT)
    except (tarfile.TarError, UnicodeError, EOFError) as error:
        raise BadUpload(f"The upload is not a readable tar file: {error}.", _HINT) from error
    for folder in folders(tuple(found)) & found.keys():
        raise BadUpload(f"{folder} is in the upload both as a file or link and as a folder.", _HINT)
    return found


def _file(member: tarfile.TarInfo) -> _File:
    if member.issym():
        target = member.linkname.encode(errors="surrogateescape")
        if not target or b"\0" in target:
            raise BadUpload(f"The link {member.name} leads nowhere.", _HINT)
        return _File(SYMLINK_MODE, 0, len(target), target)
    if member.type not in (tarfile.REGTYPE, tarfile.AREGTYPE) or member.sparse is not None or member.size < 0:
        raise BadUpload(f"{member.name} is neither a file nor a symbolic link.", _HINT)
    mode = EXECUTABLE_MODE if member.mode & 0o100 else FILE_MODE
    return _File(mode, member.offset_data, member.size)


def _path(name: str) -> str:
    """A member's path as git writes it; raises BadUpload for one that git would not hold."""
    path = name.removeprefix("./")
    parts = path.split("/")
    if any(part in ("", ".", "..") or part.lower() == ".git" for part in parts) or "\0" in path or "\\" in path:
        raise BadUpload(f"{name!r} can't be a file's path in an app.", _HINT)
    return path

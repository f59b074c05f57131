"""Symbolic links inside a source tree, followed as a file system would."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from builder.problems import LinkBroken, LinkLoop, failed
from builder.types import SYMLINK_MODE, Entry, Source

MOST_LINKS = 40  # as Linux: path_resolution(7)


class LinkedSource:
    """A source whose `read` follows links; raises BuildFailed for one that leads nowhere, outside, or in a circle."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._links = {entry.path: entry for entry in source.entries() if entry.mode == SYMLINK_MODE}

    @property
    def tree_id(self) -> str:
        return self._source.tree_id

    def entries(self) -> Iterator[Entry]:
        return self._source.entries()

    def paths(self) -> tuple[str, ...]:
        return self._source.paths()

    def read(self, path: str) -> bytes | None:
        """One file's content, wherever links put it, or None when there is nothing at `path`."""
        place = path
        for _ in range(MOST_LINKS):
            link = self._first_link(place)
            if link is None:
                content = self._source.read(place)
                if content is None and place != path:
                    raise failed(LinkBroken(path, place))
                return content
            target = self._links[link].read().decode(errors="replace")
            place = posixpath.normpath(posixpath.join(posixpath.dirname(link), target) + place[len(link) :])
            if place.startswith(("/", "..")):
                raise failed(LinkBroken(path, target))
        raise failed(LinkLoop(path))

    def _first_link(self, path: str) -> str | None:
        """The shortest part of the path that is a link."""
        if not self._links:
            return None
        parts = path.split("/")
        prefixes = ("/".join(parts[:count]) for count in range(1, len(parts) + 1))
        return next((prefix for prefix in prefixes if prefix in self._links), None)

"""A file that is only there to be deleted: on a full disk even the command that frees space needs a little of it.

Its leases stand in the database, whose write-ahead log can't grow on a full disk; so could nothing be started anew.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.site import Site

SIZE_BYTES = 16 << 20
FILE = "ballast"


@contextmanager
def dropped(site: Site) -> Iterator[None]:
    """Let the block have the room that the file takes; afterwards it is laid again, if it fits."""
    path = site.home / FILE
    path.unlink(missing_ok=True)
    try:
        yield
    finally:
        _lay(path)


def _lay(path: Path) -> None:
    if not path.parent.is_dir() or shutil.disk_usage(path.parent).free < 2 * SIZE_BYTES:
        return  # what little there is, is better free
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, SIZE_BYTES)
        finally:
            os.close(descriptor)
    except OSError:  # somebody else was quicker to take it
        path.unlink(missing_ok=True)

"""A small disk of a test's own: an ext4 file system in a file, mounted where a platform's home will be."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.traces import unmount

FILLER = "filler"
_CHUNK = bytes(1 << 20)


class SmallDisk:
    """`with SmallDisk(folder, size_mb) as disk: …`; needs root. Nothing is left of it afterwards."""

    def __init__(self, folder: Path, size_mb: int) -> None:
        self._folder = folder
        self._file = folder.with_name(f"{folder.name}.disk")
        self._size_mb = size_mb

    def __enter__(self) -> SmallDisk:
        self._folder.mkdir(parents=True)
        with self._file.open("wb") as file:
            file.truncate(self._size_mb << 20)
        # -m 0: no blocks for root alone, who would never see this disk full
        subprocess.run(["mkfs.ext4", "-q", "-F", "-m", "0", str(self._file)], check=True, capture_output=True)
        subprocess.run(["mount", "-o", "loop", str(self._file), str(self._folder)], check=True)
        return self

    def __exit__(self, *_: object) -> None:
        unmount(self._folder)
        self._file.unlink(missing_ok=True)

    @property
    def free_bytes(self) -> int:
        found = os.statvfs(self._folder)
        return found.f_bavail * found.f_frsize

    def fill(self) -> None:
        """Write until not a byte more goes in."""
        with (self._folder / FILLER).open("ab", buffering=0) as file:
            size = len(_CHUNK)
            while size:
                try:
                    file.write(_CHUNK[:size])
                except OSError:
                    size //= 2
            os.fsync(file.fileno())

    def give_back(self) -> None:
        """Free what `fill` took."""
        (self._folder / FILLER).unlink()

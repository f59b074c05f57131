"""What a build takes on the engine's disk: measured while it runs."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Took:
    """What one build took: the engine's disk at its fullest, and the layers of its image that were new, in bytes."""

    disk_bytes: int
    layers_bytes: int


@dataclass(frozen=True)
class Layers:
    """An image's layers from the lowest, by digest; and the sizes in its history from the lowest, where instructions
    without a layer have 0."""

    digests: tuple[str, ...]
    sizes: tuple[int, ...]


@dataclass(frozen=True)
class Usage:
    """What the engine's disk is taken by, in bytes: by each image (its id) alone, and by BuildKit's caches: in all,
    and those of them that no build uses just now."""

    own_bytes: Mapping[str, int]
    caches_bytes: int
    idle_caches_bytes: int


class Gauge:
    """The fall of free space where the engine keeps its data, from now to its lowest: layers, build cache and what a
    step holds only for a while.

    Two builds at once count each other's. That errs on the side of a refusal, and a build's own is seen when it is
    alone again: only the latest few are compared.
    """

    def __init__(self, folder: Path | None) -> None:
        """`folder` None: the engine's disk is out of reach, and nothing is measured."""
        self._folder = folder
        self._before_bytes = self._lowest_bytes = self._free_bytes()

    def look(self) -> None:
        """To be called often: one statvfs(3), microseconds."""
        self._lowest_bytes = min(self._lowest_bytes, self._free_bytes())

    def looking(self, stopped: Callable[[], BaseException | None]) -> Callable[[], BaseException | None]:
        """`stopped`, with a look each time that it is asked."""

        def ask() -> BaseException | None:
            self.look()
            return stopped()

        return ask

    def took(self, layers_bytes: int) -> Took:
        """What was taken until now, of which at most `layers_bytes` by new layers.

        What looks new may have been there, as the base of an app's first image: it took nothing of the disk then.
        """
        taken_bytes = self._before_bytes - self._lowest_bytes if self._folder else layers_bytes
        return Took(taken_bytes, min(taken_bytes, layers_bytes))

    def _free_bytes(self) -> int:
        return shutil.disk_usage(self._folder).free if self._folder else 0


def caches_to_keep_bytes(caches_bytes: int, quota_bytes: int, free_bytes: int, wanted_free_bytes: int) -> int:
    """How much build cache a gc leaves: the quota, or less where the disk would else not have what it needs free.

    Caches only save time, so they go before anybody's push is refused.
    """
    return max(0, min(quota_bytes, caches_bytes - max(0, wanted_free_bytes - free_bytes)))


def new_layers_bytes(image: Layers, known: Sequence[Layers]) -> int:
    """How much of `image` stands above what the `known` images have of it, at most.

    The engine tells sizes by instruction and not by layer: a layer of 0 bytes looks like an instruction without one.
    As many of the sizes above 0 are taken from the top as layers are new, so the answer may be too big and never too
    small.
    """
    shared = max((_common(image.digests, other.digests) for other in known), default=0)
    fresh = len(image.digests) - shared
    sizes = [size for size in image.sizes if size]
    return sum(sizes[-fresh:]) if fresh else 0


def _common(mine: Sequence[str], others: Sequence[str]) -> int:
    pairs = zip(mine, others, strict=False)
    return next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(mine), len(others)))

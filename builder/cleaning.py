"""Giving space back: images that nobody needs, build caches over their quota, language images out of the registry."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from builder import packs
from builder.buildkit import BuildKit
from builder.debian import DEFAULT, STACKS
from builder.disk import Usage, caches_to_keep_bytes
from builder.engine import Engine
from builder.garbage import Kept, Needed, unneeded
from builder.limits import Limiter
from builder.official import official_images
from builder.records import Records
from builder.registry import Registry
from builder.settings import BuilderSettings
from builder.stacks import Stacks
from core import clock
from core.database import Database
from core.errors import UserError

MB = 1_000_000


@dataclass(frozen=True)
class Freed:
    """How many names went, and how many bytes with them."""

    count: int
    size_bytes: int


class Cleaning:
    """The builder's part of `portside-server gc`. Safe while builds and deploys run."""

    def __init__(self, database: Database, engine: Engine, registry: Registry, settings: BuilderSettings) -> None:
        self._engine = engine
        self._registry = registry
        self._settings = settings
        self._records = Records(database)
        self._stacks = Stacks(engine, BuildKit(engine, Limiter(settings.limits)), settings)

    def drop_images(self, kept: Callable[[], Kept]) -> Freed:
        """Take off every name of ours that nothing needs.

        `kept` is asked after the engine: what is made in between is then not among the images that were seen.
        """
        self._engine.remove_stills()
        images = self._engine.images()
        needed = self._needed(kept())
        before_bytes = self._engine.layers_bytes()
        references = unneeded(images, needed, clock.now())
        for reference in references:
            self._engine.untag(reference)
        after_bytes = self._engine.layers_bytes() if references else before_bytes
        return Freed(len(references), max(0, before_bytes - after_bytes))

    def drop_caches(self) -> int:
        """Bring BuildKit's caches down to what may stay, the longest unused first; gives the bytes freed.

        That is their quota, or less on a disk that is nearly full. (To BuildKit 0 means no bound, as it should here.)
        """
        return self._engine.prune_build_cache(self._caches_to_keep_bytes(self._engine.usage()))

    def freeable_bytes(self, kept: Callable[[], Kept]) -> int:
        """What `drop_images` and `drop_caches` would free now, at least. The registry's share is not reckoned."""
        images, usage = self._engine.images(), self._engine.usage()
        going = set(unneeded(images, self._needed(kept()), clock.now()))
        gone = [one.id for one in images if (names := one.names or one.digests) and going.issuperset(names)]
        caches_bytes = min(usage.idle_caches_bytes, usage.caches_bytes - self._caches_to_keep_bytes(usage))
        return max(0, caches_bytes) + sum(usage.own_bytes.get(image_id, 0) for image_id in gone)

    def _caches_to_keep_bytes(self, usage: Usage) -> int:
        quota_bytes, root = self._settings.cache_quota_mb * MB, self._engine.data_root
        if root is None:
            return quota_bytes
        free_bytes = shutil.disk_usage(root).free
        return caches_to_keep_bytes(usage.caches_bytes, quota_bytes, free_bytes, self._settings.wanted_free_mb * MB)

    def drop_language_manifests(self) -> int:
        """Take superseded language images out of the registry; gives how many. Apps' images keep their layers."""
        names, dropped = self._languages() or frozenset(), 0
        current = {name.rpartition(":")[2] for name in names}
        for repository in {f"stacks/{name.removeprefix('portside/').partition(':')[0]}" for name in names}:
            for tag in self._registry.tags(repository):
                digest = self._registry.digest(repository, tag) if tag not in current else None
                if digest is not None:
                    self._registry.delete_manifest(repository, digest)
                    dropped += 1
        return dropped

    def _needed(self, kept: Kept) -> Needed:
        return Needed(
            registry_host=self._registry.host,
            kept=kept,
            builds=self._records.wanted(self._settings.kept_builds),
            known_builds=self._records.known(),
            languages=self._languages(),
        )

    def _languages(self) -> frozenset[str] | None:
        with suppress(UserError):  # no base image: then nothing can be said of what stands on it
            with_image = [pack for pack in packs.EVERY if pack.language_image]
            stacks = [stack for stack in STACKS if stack == DEFAULT or self._stacks.is_here(stack)]
            officials = ["", *(one.image for one in official_images(self._settings.official_images))]
            kinds = itertools.product(with_image, stacks, officials)
            return frozenset(self._stacks.language_image(*kind).name for kind in kinds)
        return None

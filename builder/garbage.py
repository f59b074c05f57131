"""What of the engine's images nobody needs: a pure decision. `cleaning.py` acts on it.

Ours are, by name: builds that the records know (`portside/build:ID`), language images (`portside/PACK:STACK-DIGEST`),
and all under `REGISTRY/apps/` and `REGISTRY/stacks/`. Everything else on the machine belongs to somebody else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

LANGUAGE_GRACE = timedelta(days=1)  # another platform on this engine may just have built it from its own version
_LANGUAGE = re.compile(r"^portside/(?!build:|base:)[\w.-]+:[\w.-]+-[0-9a-f]{12}$")
_VERSION = re.compile(r"^v([1-9]\d*)$")
_BUILD = re.compile(r"^portside/build:([0-9a-f-]{36})$")


@dataclass(frozen=True)
class EngineImage:
    """One image of the engine. `names` are its tags, `digests` its `repository@sha256:…` references."""

    id: str
    names: tuple[str, ...]
    digests: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True)
class Kept:
    """What releases need: (app id, number) of each release, and the images that they run."""

    releases: frozenset[tuple[str, int]] = frozenset()
    image_ids: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Needed:
    """All that must stay. `builds` are the wanted ones of `known_builds`; `languages` the names in use
    today, None when that can't be told."""

    registry_host: str
    kept: Kept = field(default_factory=Kept)
    builds: frozenset[str] = frozenset()
    known_builds: frozenset[str] = frozenset()
    languages: frozenset[str] | None = None


def unneeded(images: Iterable[EngineImage], needed: Needed, now: datetime) -> list[str]:
    """The references to take off, each a tag or a digest. With its last one an image goes, and its space with it."""
    return [
        reference for image in images if image.id not in needed.kept.image_ids for reference in _of(image, needed, now)
    ]


def _of(image: EngineImage, needed: Needed, now: datetime) -> Iterator[str]:
    is_old = now - image.created_at > LANGUAGE_GRACE
    yield from (name for name in image.names if _is_unneeded(name, needed, is_old))
    ours = (f"{needed.registry_host}/apps/", f"{needed.registry_host}/stacks/")
    if not image.names and image.digests and all(digest.startswith(ours) for digest in image.digests):
        yield from image.digests


def _is_unneeded(name: str, needed: Needed, is_old: bool) -> bool:
    if match := _BUILD.match(name):
        return match[1] in needed.known_builds and match[1] not in needed.builds
    if _LANGUAGE.match(name):
        return is_old and needed.languages is not None and name not in needed.languages
    prefix = f"{needed.registry_host}/apps/"
    app_id, _, tag = name.removeprefix(prefix).partition(":")
    version = _VERSION.match(tag)
    return name.startswith(prefix) and version is not None and (app_id, int(version[1])) not in needed.kept.releases

"""Official images: where a server gets the versions of a language that no stack has, as its settings say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from builder.types import Wanted
from core.errors import UserError

# Of these the language image takes no package of Debian's that a later stage needs in the same version.
LANGUAGES = ("Go", "Python", "Rust")
EXAMPLE = "python 3.12 = python:3.12-slim"
_LINE = re.compile(r"\s*([A-Za-z]+)\s+(\d+(?:\.\d+)*)\s*=\s*([\w.:/@-]+)\s*")


@dataclass(frozen=True)
class OfficialImage:
    """`image` holds `version` of `language`; it stands on Debian, with the language where its makers put it."""

    language: str
    version: str
    image: str


def official_images(lines: Iterable[str]) -> tuple[OfficialImage, ...]:
    """The images that a setting names, each as `LANGUAGE VERSION = IMAGE`; raises UserError for what it can't mean."""
    return tuple(map(_parse, lines))


def image_for(wanted: Wanted, images: Iterable[OfficialImage]) -> OfficialImage | None:
    """The first image of the version wanted: a pin of `3.12.4` takes `3.12`, a pin of `3` does not."""
    fits = (one for one in images if one.language == wanted.language and wanted.file)
    return next((one for one in fits if f"{wanted.version}.".startswith(f"{one.version}.")), None)


def _parse(line: str) -> OfficialImage:
    match = _LINE.fullmatch(line)
    language = next((one for one in LANGUAGES if match and one.lower() == match[1].lower()), None)
    if match is None or language is None:
        hint = f"Write it as: {EXAMPLE}. The language is one of {', '.join(LANGUAGES)}."
        raise UserError(f"PORTSIDE_BUILDER_OFFICIAL_IMAGES has {line.strip()!r}, which names no image.", hint)
    return OfficialImage(language, match[2], match[3])

"""The Dockerfile pack: an app that says itself how it is built."""

from __future__ import annotations

from collections.abc import Mapping

from builder.own_dockerfile import own_dockerfile, told_of
from builder.types import Detected, Source

name = "dockerfile"
template: str | None = None
language_image: str | None = None
build_config: tuple[str, ...] = ()
files: tuple[str, ...] = ("Dockerfile",)
needs_procfile = False


def detect(source: Source) -> Detected | None:
    """An app with a `Dockerfile` at its root, or with another that portside.toml names."""
    own = own_dockerfile(source)
    if own is None:
        return None
    text = (source.read(own.path) or b"").decode(errors="replace")
    return Detected("Dockerfile detected", told_of(own, text), own=own)


def environment(config: Mapping[str, str]) -> Mapping[str, str]:
    """None: what a Dockerfile wants of the config it gets as secrets, each under its own name."""
    return {}


def headline(step: str) -> str | None:
    """The steps are the user's own: they are shown as they are."""
    return None

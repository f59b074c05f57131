"""The Dockerfile pack: an app that says itself how it is built."""

from __future__ import annotations

from collections.abc import Mapping

from builder.types import Detected, Source

name = "dockerfile"
template: str | None = None
language_image: str | None = None
build_config: tuple[str, ...] = ()
files: tuple[str, ...] = ("Dockerfile",)
needs_procfile = False


def detect(source: Source) -> Detected | None:
    """An app with a `Dockerfile` at its root."""
    return Detected("Dockerfile detected") if "Dockerfile" in source.paths() else None


def environment(config: Mapping[str, str]) -> Mapping[str, str]:
    """None: a Dockerfile that wants a secret has no agreed name for it."""
    return {}


def headline(step: str) -> str | None:
    """The steps are the user's own: they are shown as they are."""
    return None

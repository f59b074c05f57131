"""One Flask application for many worlds: adding its hundred routes takes longer than most tests.

It is built on parts that pass everything on to the parts of the test that runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, fields, replace
from typing import Any

from flask import Flask

from web import WebParts


class RevolvingStage:
    """The applications that `build` made, one for each kind of settings, and the parts that are on."""

    def __init__(self, build: Callable[[WebParts], Flask]) -> None:
        self._build = build
        self._apps: dict[tuple[Any, ...], Flask] = {}
        self._on: WebParts | None = None

    def bring_on(self, parts: WebParts) -> Flask:
        """The application before these parts, until the next are brought on."""
        self._on = parts
        kind = astuple(parts.settings)
        if kind not in self._apps:
            passing: Any = {one.name: _Passing(self, one.name) for one in fields(parts) if one.name != "secret"}
            self._apps[kind] = self._build(replace(parts, **passing))
        return self._apps[kind]

    def part(self, name: str) -> Any:
        return getattr(self._on, name)


class _Passing:
    """The part `name` of whichever parts are on."""

    def __init__(self, stage: RevolvingStage, name: str) -> None:
        self._stage = stage
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self._stage.part(self._name), attribute)

    def __call__(self, *arguments: Any) -> Any:
        return self._stage.part(self._name)(*arguments)

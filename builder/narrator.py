"""A build's progress told in the packs' words."""

from __future__ import annotations

from collections.abc import Callable

from builder import packs
from builder.explain import Plan
from builder.progress import CACHED, Line
from core.logs import LogWriter

_TAKING_OVER = "--directory=/built"


def narrator(plan: Plan, log: LogWriter) -> Callable[[Line], None]:
    """What takes the lines of a plan's build and tells them to `log`: a heading in words, or the line as it is.

    That a step was cached of which no word is told is not told either.
    """

    silent: set[str] = set()

    def tell(line: Line) -> None:
        headline = _headline(plan, line) if line.number else None
        if headline:
            log.step(headline)
        elif headline is not None:
            silent.add(line.number)
        elif line.text != CACHED or line.under not in silent:
            log.detail(str(line))

    return tell


def _headline(plan: Plan, line: Line) -> str | None:
    if plan.assets is not None and line.number.startswith(packs.ASSETS_STAGE):
        return packs.ASSETS.assets_headline(line.text)
    if plan.assets is not None and _TAKING_OVER in line.text:
        return "Adding the app's files and its assets"
    return plan.pack.headline(line.text)

"""Languages whose builds end in programs: which of them is the app's web process, where that is certain."""

from __future__ import annotations

from collections.abc import Sequence

from builder.problems import SeveralPrograms, failed
from builder.types import Source

USUAL = ("web", "server")
FOLDER = "bin"  # below the app's own folder, and on PATH


def web_program(names: Sequence[str], app: str) -> str | None:
    """The only program, else the one named as the app, `web` or `server`, in this order; else None."""
    if len(set(names)) == 1:
        return names[0]
    return next((name for name in (app, *USUAL) if name in names), None)


def processes(source: Source, names: Sequence[str], app: str) -> tuple[tuple[str, str], ...]:
    """What runs without a Procfile; raises BuildFailed when there is none and nobody could know."""
    web = web_program(names, app)
    if web is None and not any(path.lower().partition(".")[0] == "procfile" for path in source.paths()):
        raise failed(SeveralPrograms(tuple(names), example(names)))
    return (("web", f"{FOLDER}/{web}"),) if web else ()


def example(names: Sequence[str]) -> str:
    """A line of a Procfile for an app with these programs."""
    return f"web: {FOLDER}/{names[0]}"

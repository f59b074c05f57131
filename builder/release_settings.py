"""What an app says of its release phase: the table [release] of portside.toml."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from builder.portside_toml import SETTINGS_FILE, portside_toml, table_mistakes
from builder.problems import Mistake, SettingsWrong, Wrong, failed
from builder.types import Resting, Source

TABLE = "release"
KEYS = ("stop", "hold")
MOST_HOLD_S = 600  # a server's own limit is lower, and holds


def resting(source: Source, processes: Collection[str] | None) -> Resting:
    """What rests while the release phase runs. `processes`: the Procfile's types, if there is one. BuildFailed."""
    told = portside_toml(source).get(TABLE, {})
    mistakes = tuple(_mistakes(told, processes))
    if mistakes:
        raise failed(SettingsWrong(SETTINGS_FILE, mistakes, f"under [{TABLE}]: {', '.join(KEYS)}"))
    return Resting(tuple(told.get("stop", ())), float(told.get("hold", 0)))


def _mistakes(told: Any, processes: Collection[str] | None) -> Iterator[Mistake]:
    yield from table_mistakes(TABLE, told, KEYS)
    if not isinstance(told, dict):
        return
    if "stop" in told:
        yield from _wrong_stop(told["stop"], processes)
    hold = told.get("hold", 0)
    if isinstance(hold, bool) or not isinstance(hold, int | float) or not 0 <= hold <= MOST_HOLD_S:
        yield _not("hold", f"a number of seconds, 0 to {MOST_HOLD_S}")


def _wrong_stop(stop: Any, processes: Collection[str] | None) -> Iterator[Mistake]:
    if not isinstance(stop, list) or not all(isinstance(each, str) for each in stop):
        yield _not("stop", 'a list of process types, such as ["worker"]')
        return
    known = sorted(set(processes or ()) - {"web", "release"})
    for each in stop:
        if each == "web":
            yield _not("stop", "process types but web, which serves on: hold = 20 lets its requests wait")
        elif processes is not None and each not in known:
            listed = ", ".join(known) or "none but web"
            yield _not("stop", f"process types of the Procfile, and {each!r} is not there: {listed}")


def _not(key: str, other: str) -> Mistake:
    return Mistake(SETTINGS_FILE, 0, 0, Wrong.NOT_ONE_OF, f"{TABLE}.{key}", other)

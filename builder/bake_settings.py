"""What an app says of its bake window: the table [bake] of portside.toml."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from builder.portside_toml import SETTINGS_FILE, portside_toml, table_mistakes
from builder.problems import Mistake, SettingsWrong, Wrong, failed
from builder.types import Source, Trial

TABLE = "bake"
KEYS = ("minutes", "errors", "p95", "requests")
DEFAULT_ERRORS_PERCENT = 5.0
_NUMBER = re.compile(r"\d+(\.\d+)?")


def trial(source: Source) -> Trial | None:
    """The bake window that releases of this source ask for; None without the table. Raises BuildFailed."""
    told = portside_toml(source).get(TABLE)
    if told is None:
        return None
    mistakes = tuple(_mistakes(told))
    if mistakes:
        raise failed(SettingsWrong(SETTINGS_FILE, mistakes, f"under [{TABLE}]: {', '.join(KEYS)}"))
    errors, p95 = _number(told.get("errors"), "%"), _number(told.get("p95"), "x")
    if errors is None and p95 is None:
        errors = DEFAULT_ERRORS_PERCENT
    return Trial(told.get("minutes", Trial.minutes), errors, p95, told.get("requests", Trial.least_requests))


def _mistakes(told: Any) -> Iterator[Mistake]:
    yield from table_mistakes(TABLE, told, KEYS)
    if not isinstance(told, dict):
        return
    if not _is_count(told.get("minutes", 1), 1440):
        yield _not("minutes", "a whole number, 1 to 1440")
    if not _is_count(told.get("requests", 1), 100_000):
        yield _not("requests", "a whole number, 1 to 100000")
    if "errors" in told and not 0 < (_number(told["errors"], "%") or 0) <= 100:
        yield _not("errors", 'a share over 0 and up to 100, such as "5%"')
    if "p95" in told and not 1 < (_number(told["p95"], "x") or 0) <= 1000:
        yield _not("p95", 'a factor over 1, such as "2x"')


def _is_count(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _number(value: Any, unit: str) -> float | None:
    """A number, or one in a text with its unit; None for anything else."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and _NUMBER.fullmatch(text := value.strip().removesuffix(unit)):
        return float(text)
    return None


def _not(key: str, other: str) -> Mistake:
    return Mistake(SETTINGS_FILE, 0, 0, Wrong.NOT_ONE_OF, f"{TABLE}.{key}", other)

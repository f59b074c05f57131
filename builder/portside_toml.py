"""portside.toml: what an app says to Portside alone. Each part of the builder reads its own keys of it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from typing import Any

from builder.near import nearest
from builder.problems import BadSyntax, Mistake, Wrong, failed
from builder.types import Source

SETTINGS_FILE = "portside.toml"
_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")


def portside_toml(source: Source) -> dict[str, Any]:
    """What it says, nothing when there is none; raises BuildFailed when it can't be read."""
    content = source.read(SETTINGS_FILE)
    if content is None:
        return {}
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        line, column = (int(place[1]), int(place[2])) if place else (content.count(b"\n") + 1, 1)
        reason = _PLACE.sub("", str(error))
        raise failed(BadSyntax(SETTINGS_FILE, "TOML", line, column, reason)) from error
    except UnicodeDecodeError as error:
        raise failed(BadSyntax(SETTINGS_FILE, "TOML", 1, 1, "it is not UTF-8 text")) from error


def table_mistakes(table: str, told: Any, keys: Sequence[str]) -> Iterator[Mistake]:
    """What is wrong with a table as such: it is none, or has keys that nobody knows."""
    if not isinstance(told, dict):
        yield Mistake(SETTINGS_FILE, 0, 0, Wrong.WRONG_KIND, table, "a table of settings")
        return
    for key in told:
        if key not in keys:
            meant = nearest(key, keys)
            wrong, other = (Wrong.UNKNOWN_KEY, meant) if meant else (Wrong.NOT_ONE_OF, f"one of {', '.join(keys)}")
            yield Mistake(SETTINGS_FILE, 0, 0, wrong, f"{table}.{key}", other)

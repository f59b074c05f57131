"""What the person sees: data on stdout, everything else on stderr.

A table is rich's on a terminal (fitted to its width) and plain aligned text in a pipe (whole values, no escape codes).
rich is imported only when a terminal will show what it draws.
"""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import click

MARK = " ▸    "


def data(text: str) -> None:
    """One line of what was asked for."""
    click.echo(text)


def as_json(value: Any) -> None:
    """What was asked for, for a program."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def progress(text: str) -> None:
    """One line about what is going on."""
    click.echo(text, err=True, color=_colour(sys.stderr))


def problem(message: str, hint: str = "") -> None:
    """Why it did not work and what to do, marked as Heroku's command marks it."""
    for number, line in enumerate([*message.splitlines(), *hint.splitlines()]):
        mark = click.style(MARK, fg="red" if number == 0 else "cyan")
        click.echo(mark + printable(line), err=True, color=_colour(sys.stderr))


def stream_piece(text: str, *, to_stdout: bool = True) -> None:
    """A piece of a text that is still being written, as it is."""
    click.echo(text, nl=False, err=not to_stdout)


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Rows under headers."""
    cells = [[printable(cell) for cell in row] for row in rows]
    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        _rich_table(headers, cells)
        return
    widths = [max(map(_width, column)) for column in zip(headers, *cells, strict=True)]
    for line in (headers, *cells):
        padded = (cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(padded).rstrip())


def facts(pairs: Iterable[tuple[str, str]]) -> None:
    """Names and values, one pair a line, the values aligned."""
    listed = [(f"{name}:", printable(value)) for name, value in pairs]
    width = max((_width(name) for name, _ in listed), default=0)
    for name, value in listed:
        click.echo(f"{name}{' ' * (width - _width(name))}  {value}".rstrip())


def printable(text: str) -> str:
    """`text` on one line and without control characters, so that no name or message can steer the terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


def when(moment: str | None, now: datetime | None = None) -> str:
    """An API time as people read it: local, with how long ago it was while that is short."""
    if not moment:
        return ""
    try:
        at = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    except ValueError:
        return moment
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    age_s = ((now or datetime.now(UTC)) - at).total_seconds()
    shown = at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    for limit_s, unit_s, unit in ((60, 1, "s"), (3600, 60, "m"), (86400, 3600, "h")):
        if 0 <= age_s < limit_s:
            return f"{shown} ({int(age_s // unit_s)}{unit} ago)"
    return shown


def _rich_table(headers: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold" if _colour(sys.stdout) else "")
    for header in headers:
        drawn.add_column(header, overflow="fold")
    for row in cells:
        drawn.add_row(*(Text(cell) for cell in row))
    Console().print(drawn)


def _width(text: str) -> int:
    """How many columns a terminal gives `text` (wide East Asian characters take two, combining ones none)."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _colour(stream: Any) -> bool:
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

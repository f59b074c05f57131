"""What a row of the bench says, and how rows are shown: pure."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table


@dataclass(frozen=True)
class Samples:
    """Repeated measurements of one thing, in `unit`."""

    values: tuple[float, ...]
    unit: str

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def __str__(self) -> str:
        """The median with the whole spread: `1.52 s (1.41 to 1.80, 7 rounds)`."""
        low, high = min(self.values), max(self.values)
        if len(self.values) == 1:
            return f"{short(low)} {self.unit}"
        return f"{short(self.median)} {self.unit} ({short(low)} to {short(high)}, {len(self.values)} rounds)"


def seconds(values: Sequence[float]) -> Samples:
    return Samples(tuple(values), "s")


def short(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


@dataclass(frozen=True)
class Row:
    """One budget. `figure` is what the budget bounds: a ratio (`unit` "x") or a measurement in `unit`.

    `kept` holds the raw numbers for --json.
    """

    what: str
    measured: str
    reference: str
    figure: float
    budget: float
    unit: str
    note: str = ""
    kept: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        return self.figure <= self.budget


@dataclass(frozen=True)
class Broken:
    """A row that could not be measured, and why."""

    what: str
    why: str


def ratio(
    what: str,
    measured: Samples,
    reference: Samples,
    budget: float,
    note: str = "",
    beside: Mapping[str, Samples] | None = None,
) -> Row:
    """A row whose figure is the median measured over the median of the reference.

    The note says the same ratio to each further reference in `beside`; the budget does not bound these.
    """
    kept = {"measured": measured.values, "reference": reference.values}
    for name, other in (beside or {}).items():
        said = f"{short(measured.median / other.median)} x {name}: {other}"
        note = f"{note}; {said}" if note else said
        kept[name] = other.values
    return Row(what, str(measured), str(reference), measured.median / reference.median, budget, "x", note, kept)


def table(rows: Sequence[Row | Broken]) -> Table:
    """All rows for the terminal."""
    made = Table(title="Portside against its budgets", show_lines=True)
    for heading in ("what", "measured", "reference", "figure", "budget", "met"):
        made.add_column(heading, justify="right" if heading in ("figure", "budget") else "left")
    for row in rows:
        if isinstance(row, Broken):
            made.add_row(row.what, f"[red]not measured:[/] {row.why}", "", "", "", "[red]no[/]")
            continue
        measured = f"{row.measured}\n[dim]{row.note}[/]" if row.note else row.measured
        met = "[green]yes[/]" if row.met else "[red]no[/]"
        figure, budget = (f"{short(value)} {row.unit}" for value in (row.figure, row.budget))
        made.add_row(row.what, measured, row.reference, figure, f"≤ {budget}", met)
    return made


def as_json(rows: Sequence[Row | Broken]) -> str:
    """All rows for a program."""
    return json.dumps([_plain(row) for row in rows], indent=2, ensure_ascii=False)


def _plain(row: Row | Broken) -> dict[str, Any]:
    if isinstance(row, Broken):
        return {"what": row.what, "not_measured": row.why, "met": False}
    kept = {name: list(values) for name, values in row.kept.items()}
    return {**row.__dict__, "kept": kept, "met": row.met}

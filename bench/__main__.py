"""`python -m bench [NAME…] [--full] [--json FILE]`."""

from __future__ import annotations

import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import click
from rich.console import Console

from bench import deploys, failures, fleet, languages, lists, many, memory, receive, revert, routing, warm
from bench.bed import Bed
from bench.figures import Broken, Row, as_json, table
from tests.traces import reap_the_dead

ROWS: dict[str, Callable[[Bed], Row]] = {
    "push": deploys.push_to_live,
    "rollback": deploys.rollback,
    "warm": warm.rollback,
    "revert": revert.push_of_a_revert,
    "memory": memory.idle,
    "failures": failures.during_changes,
    "kills": failures.during_kills,
    "many": many.at_once,
    "receive": receive.big_push,
    "api": lists.api_list,
    "home": lists.home,
}
"""By name, in the order in which they are measured: the thousand apps come last, since they stay."""


LANGUAGES = "languages"
"""The table of builds, which has no budget: minutes long."""
ROUTING = "routing"
"""The router beside bare HAProxy and nginx: measured first, while no platform runs."""
FLEET = "fleet"
"""Hundreds of apps on an engine of their own: a quarter of an hour, and so only when it is asked for."""


@click.command()
@click.argument("names", nargs=-1, type=click.Choice([*ROWS, LANGUAGES, ROUTING, FLEET]))
@click.option("--json", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write the rows there too.")
@click.option("--full", "is_full", is_flag=True, help="Fail nothing during 50 deploys, not 5: takes 15 minutes more.")
@click.option("--apps", type=int, help="The apps of the fleet (default: 200, or as many as memory allows).")
def main(names: tuple[str, ...], file: Path | None, is_full: bool, apps: int | None) -> None:
    """Measure Portside against its budgets: all of them, or the NAMEs given."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before it was done"))  # and so leave nothing behind
    reap_the_dead()
    console = Console(width=None if sys.stdout.isatty() else 150)
    rows: list[Row | Broken] = []
    if FLEET in names:
        told, found = fleet.measure(apps)
        console.print(told)
        rows += found
    if ROUTING in (names or (ROUTING,)):
        rows += _routing(console)
    if not names or set(names) - {FLEET, ROUTING}:
        rows += _on_a_bed(names, Bed(is_full), console)
    if rows:
        console.print(table(rows))
    if file is not None:
        file.write_text(as_json(rows))


def _routing(console: Console) -> list[Row | Broken]:
    """The rows of the router, which needs no platform; its table is printed."""
    try:
        told, found = routing.measure()
    except Exception as error:  # the edge of the program
        traceback.print_exc()
        return [Broken(ROUTING, f"{type(error).__name__}: {error}")]
    console.print(told)
    return list(found)


def _on_a_bed(names: tuple[str, ...], bed: Bed, console: Console) -> list[Row | Broken]:
    """The chosen rows (no name: all), on one platform; the languages' table is printed."""
    try:
        bed.start()
        if LANGUAGES in (names or (LANGUAGES,)):
            console.print(languages.by_language(bed))
        return [_measured(bed, name) for name in ROWS if name in (names or ROWS)]
    finally:
        bed.end()


def _measured(bed: Bed, name: str) -> Row | Broken:
    """One row. Whatever goes wrong is told in the table, and the next is measured."""
    begun = time.monotonic()
    click.echo(f"{name} … ", nl=False, err=True)
    try:
        row: Row | Broken = ROWS[name](bed)
        said = f"{row.figure:.2f} {row.unit}" if isinstance(row, Row) else ""
    except Exception as error:  # the edge of the program
        traceback.print_exc()
        said = "not measured"
        row = Broken(name, f"{type(error).__name__}: {error}")
    click.echo(f"{said} ({time.monotonic() - begun:.0f} s)", err=True)
    return row


if __name__ == "__main__":
    main()

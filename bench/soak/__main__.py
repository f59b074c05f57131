"""`python -m bench.soak [--minutes N] [--per-s N]`."""

from __future__ import annotations

import signal
import sys

import click
from rich.console import Console
from rich.table import Table

from bench.figures import short
from bench.soak.run import Outcome, soak, told
from tests.traces import reap_the_dead


@click.command()
@click.option("--minutes", type=float, default=60.0, show_default=True, help="How long the app is changed.")
@click.option("--per-s", type=int, default=100, show_default=True, help="Requests a second, all the while.")
def main(minutes: float, per_s: int) -> None:
    """Change an app without a pause under traffic, and tell what failed and what was left behind."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended before it was done"))  # and so leave nothing behind
    reap_the_dead()
    outcome = soak(minutes, per_s, lambda words: click.echo(words, err=True))
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(table(outcome))
    console.print(summary(outcome))
    sys.exit(0 if outcome.is_well else 1)


def summary(outcome: Outcome) -> str:
    """What was done, and what failed."""
    kinds = "".join(f"\n  {count} of {kind}" for kind, count in outcome.failures.most_common())
    rate = outcome.sent / outcome.spent_s
    return (
        f"{outcome.spent_s / 60:.1f} minutes: {told(outcome.done)}; {outcome.sent:,} requests ({rate:.0f}/s, slowest"
        f" {outcome.slowest_s:.2f} s), {outcome.words:,} words over a WebSocket.\n"
        f"{outcome.failures.total()} failed.{kinds}\n{'Well.' if outcome.is_well else 'NOT WELL.'}"
    )


def table(outcome: Outcome) -> Table:
    """One line for each thing that could grow."""
    made = Table(title="Before and after", box=None)
    for heading in ("what", "before", "most", "after", "allowed", "per hour (2nd half)", ""):
        made.add_column(heading, justify="left" if heading in ("what", "") else "right")
    for one in outcome.verdicts:
        slope = "" if one.slope_per_h is None else f"{one.slope_per_h:+.1f}"
        numbers = (short(value) for value in (one.before, one.most, one.after, one.allowed))
        made.add_row(one.what, *numbers, slope, "ok" if one.is_well else "[red]grew[/]")
    return made


if __name__ == "__main__":
    main()

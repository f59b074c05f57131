"""Metrics: how many requests an app got, how they ended, how long they took."""

from __future__ import annotations

from typing import Any

import click

from cli.commandline import app_options, command, json_option
from cli.printing import as_json, table
from cli.session import Session, pass_session


@command("metrics", examples=["portside metrics", "portside metrics --minutes 1440", "portside metrics --json"])
@click.option(
    "--minutes", type=click.IntRange(1, 1440), default=60, show_default=True, help="How far back, a day at most."
)
@app_options
@json_option
@pass_session
def metrics(session: Session, minutes: int) -> None:
    """Show the requests of an app, in all and by release."""
    target = session.target()
    found = target.api.get(target.path(f"/metrics?minutes={minutes}"))
    if session.as_json:
        as_json(found)
        return
    rows = [("all", found["whole"])]
    rows += [(f"v{each['version']}" if each["version"] else "no release", each) for each in found["releases"]]
    table(("RELEASE", "REQUESTS", "2XX", "3XX", "4XX", "5XX", "P50", "P95", "P99"), [_row(*row) for row in rows])


def _row(name: str, each: dict[str, Any]) -> tuple[str, ...]:
    classes = (str(each["status"][status]) for status in ("2xx", "3xx", "4xx", "5xx"))
    times = ("" if each[time] is None else f"{each[time]:.0f} ms" for time in ("p50_ms", "p95_ms", "p99_ms"))
    return (name, str(each["requests"]), *classes, *times)


COMMANDS = (metrics,)

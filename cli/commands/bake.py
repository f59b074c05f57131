"""Bake windows: new releases on trial, and taken back by themselves when they are worse than the one before."""

from __future__ import annotations

import re

import click

from cli.client import Json
from cli.commandline import app_options, command, json_option
from cli.printing import as_json, facts, problem, progress
from cli.records import bake_words
from cli.session import Session, Target, pass_session

_NUMBER = re.compile(r"(\d+(?:\.\d+)?)")


@command("bake", examples=["portside bake", "portside bake --json"])
@app_options
@json_option
@pass_session
def bake(session: Session) -> None:
    """Show an app's bake window, and how the newest release on trial fares."""
    target = session.target()
    found = target.api.get(_path(target))
    if session.as_json:
        as_json(found)
    elif not found.get("policy") and not found.get("trial"):
        problem(f"{target.app} has no bake window.", "Set one: portside bake:set --minutes 10 --errors 5% --p95 2x")
    else:
        facts(_lines(found))


@command("bake:set", examples=["portside bake:set --minutes 10 --errors 5% --p95 2x", "portside bake:set --errors 1%"])
@click.option("--minutes", type=int, default=10, show_default=True, help="How long after its switch.")
@click.option("--errors", metavar="PERCENT", help="Worse: its share of 5xx grows by more than so many points.")
@click.option("--p95", metavar="FACTOR", help="Worse: its 95th percentile of time is over so many times the former.")
@click.option("--requests", type=int, default=50, show_default=True, help="Judge nothing before so many requests.")
@app_options
@json_option
@pass_session
def bake_set(session: Session, minutes: int, errors: str | None, p95: str | None, requests: int) -> None:
    """Put each new release of an app on trial: when it is worse than the one before it, it is rolled back.

    Both are counted by the router. With neither --errors nor --p95, it is --errors 5%.
    """
    if errors is None and p95 is None:
        errors = "5%"
    body: Json = {"minutes": minutes, "least_requests": requests}
    body |= {"errors_percent": parse_number(errors, "%", "--errors")} if errors is not None else {}
    body |= {"p95_factor": parse_number(p95, "x", "--p95")} if p95 is not None else {}
    target = session.target()
    found = target.api.put(_path(target), body)
    if session.as_json:
        as_json(found)
    progress(f"From its next release on, {target.app} has a bake window: {_bounds(found['policy'])}.")


@command("bake:unset", examples=["portside bake:unset"])
@app_options
@pass_session
def bake_unset(session: Session) -> None:
    """Put no release of an app on trial any more; a trial that is under way ends."""
    target = session.target()
    target.api.delete(_path(target))
    progress(f"{target.app} has no bake window any more.")


def parse_number(text: str, unit: str, option: str) -> float:
    """`5%` or `5` as 5, `2x` or `2` as 2. Raises click.UsageError."""
    found = _NUMBER.fullmatch(text.strip().removesuffix(unit))
    if not found:
        raise click.UsageError(f"{option}: {text!r} is not a number. Give one like 5{unit}.")
    return float(found[1])


def _path(target: Target) -> str:
    return target.path("/bake")


def _bounds(policy: Json) -> str:
    bounds = [f"{policy['minutes']} min"]
    if policy.get("errors_percent") is not None:
        bounds.append(f"5xx up to {policy['errors_percent']:g} points more")
    if policy.get("p95_factor") is not None:
        bounds.append(f"p95 up to {policy['p95_factor']:g} times")
    return f"{', '.join(bounds)}, judged from {policy['least_requests']} requests on"


def _lines(found: Json) -> list[tuple[str, str]]:
    policy, trial = found.get("policy"), found.get("trial")
    lines = [("Window", _bounds(policy) if policy else "none from the next release on")]
    if trial:
        lines += [
            ("Release", f"v{found['release']['version']}"),
            ("Trial", bake_words(trial) or ""),
            ("Now", _numbers(trial["now"])),
            ("Before", _numbers(trial["before"])),
        ]
    return lines


def _numbers(numbers: Json) -> str:
    if not numbers.get("requests"):
        return "no requests yet"
    share = 100 * numbers["errors"] / numbers["requests"]
    p95 = f", p95 {numbers['p95_ms']:.0f} ms" if numbers.get("p95_ms") is not None else ""
    return f"5xx {share:.1f} % of {numbers['requests']} requests{p95}"


COMMANDS = (bake, bake_set, bake_unset)

"""Processes: what runs, how many of each, and restarting."""

from __future__ import annotations

import re
from dataclasses import asdict

import click

from cli.client import Json, segment
from cli.commandline import app_options, command, json_option
from cli.printing import as_json, data, problem, progress, table, when
from cli.records import Formation, Instance, read
from cli.session import Session, Target, pass_session

_CHANGE = re.compile(r"^([A-Za-z][A-Za-z0-9_-]*)(=|\+|-)(\d+)$")
_INSTANCE = re.compile(r"^[A-Za-z][A-Za-z0-9_-]*\.\d+$")


@command("ps", examples=["portside ps", "portside ps --json", "portside ps:scale web=2"])
@app_options
@json_option
@pass_session
def ps(session: Session) -> None:
    """List the running instances of an app."""
    target = session.target()
    instances = [read(Instance.of, each) for each in target.api.get_list(target.path("/dynos"))]
    instances.sort(key=_order)
    if session.as_json:
        as_json([asdict(each) for each in instances])
    elif instances:
        rows = [
            (
                each.name,
                each.state,
                f"v{each.release}" if each.release else "",
                when(each.created_at),
                each.command or "",
            )
            for each in instances
        ]
        table(("NAME", "STATE", "RELEASE", "SINCE", "COMMAND"), rows)
    else:
        problem(f"Nothing of {target.app} is running.", "Start something with `portside ps:scale web=1`.")


@command("ps:scale", examples=["portside ps:scale", "portside ps:scale web=2 worker+1"])
@click.argument("changes", nargs=-1, metavar="[TYPE=N|TYPE+N|TYPE-N]...")
@app_options
@json_option
@pass_session
def ps_scale(session: Session, changes: tuple[str, ...]) -> None:
    """Set how many instances of each process type run; without changes, show it."""
    updates = [parse_change(change) for change in changes]
    target = session.target()
    path = target.path("/formation")
    answer = target.api.patch(path, {"updates": updates}) if updates else target.api.get_list(path)
    formation = [read(Formation.of, each) for each in answer]
    if session.as_json:
        as_json([asdict(each) for each in formation])
    elif updates:
        running = ", ".join(f"{each.type} at {each.quantity}" for each in formation)
        progress(f"Scaled {target.app}: {running}.")
    elif formation:
        data(" ".join(f"{each.type}={each.quantity}" for each in formation))
    else:
        problem(f"{target.app} has no process types yet.", "They come with the first deploy: `git push portside main`.")


@command("ps:restart", examples=["portside ps:restart", "portside ps:restart web", "portside ps:restart web.1"])
@click.argument("process", required=False, metavar="[TYPE|NAME]")
@app_options
@pass_session
def ps_restart(session: Session, process: str | None) -> None:
    """Restart an app, one process type or one instance, with no moment of nobody serving."""
    target = session.target()
    target.api.delete(restart_path(target, process))
    progress(f"Restarting {process or 'everything'} of {target.app}.")


def parse_change(text: str) -> Json:
    """`web=2`, `worker+1` or `worker-1` as the API's update: relative quantities keep their sign, as Heroku's do.

    Raises:
        click.UsageError: it is none of these.
    """
    found = _CHANGE.match(text)
    if not found:
        raise click.UsageError(f"{text!r} is not a change. Give TYPE=N, TYPE+N or TYPE-N, like web=2.")
    kind, sign, number = found.groups()
    return {"type": kind, "quantity": number if sign == "=" else f"{sign}{number}"}


def restart_path(target: Target, process: str | None) -> str:
    """The API's path that restarts everything, a process type (`web`) or one instance (`web.1`)."""
    if process is None:
        return target.path("/dynos")
    if _INSTANCE.match(process):
        return target.path(f"/dynos/{segment(process)}")
    return target.path(f"/formations/{segment(process)}")


def _order(instance: Instance) -> tuple[bool, str, int]:
    """`web` first, then by name and number."""
    number = instance.name.rpartition(".")[2]
    return (instance.type != "web", instance.type, int(number) if number.isdigit() else 0)


COMMANDS = (ps, ps_scale, ps_restart)

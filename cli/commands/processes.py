"""Processes: what runs, how many of each, how large; restarting and stopping."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import UTC, datetime

import click

from cli.client import Json, segment
from cli.commandline import app_options, command, json_option
from cli.edge import goes_on_without_us
from cli.errors import OutcomeFailed
from cli.following import follow
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
                each.size or "",
                when(each.created_at),
                each.command or "",
            )
            for each in instances
        ]
        table(("NAME", "STATE", "RELEASE", "SIZE", "SINCE", "COMMAND"), rows)
        for each in instances:
            if each.state == "crashed":
                problem(_crash(each))
            elif each.detail:
                problem(f"{each.name}: {each.detail}.")
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


@command("ps:stop", examples=["portside ps:stop web.2", "portside ps:stop worker"])
@click.argument("process", metavar="TYPE|NAME")
@app_options
@pass_session
def ps_stop(session: Session, process: str) -> None:
    """Stop one instance, or all of a type, at once; new ones take their place.

    Unlike `ps:restart`, it does not wait for the new ones. To have none, scale: `portside ps:scale worker=0`.
    """
    target = session.target()
    target.api.post(f"{restart_path(target, process)}/actions/stop", {})
    kind = process.partition(".")[0]
    if kind == "run":
        progress(f"Ending {process} of {target.app}.")
        return
    progress(f"Stopping {process} of {target.app}; a new one takes its place. For none: portside ps:scale {kind}=0")


@command("ps:type", examples=["portside ps:type", "portside ps:type web=512m", "portside ps:type web=1g:0.5 clock=64m"])
@click.argument("sizes", nargs=-1, metavar="[TYPE=MEMORY[:CPUS[:PROCESSES]]]...")
@app_options
@json_option
@pass_session
def ps_type(session: Session, sizes: tuple[str, ...]) -> None:
    """Set what each instance of a process type may use; without sizes, show it.

    The instances are replaced by new ones, as after `config:set`. If they do not start, the sizes stay as they were.
    `standard` is the server's own limit.
    """
    updates = [parse_size(size) for size in sizes]
    target = session.target()
    path = target.path("/formation")
    if updates:
        _await_sizes(target, target.api.patch(path, {"updates": updates}))
    formation = [read(Formation.of, each) for each in target.api.get_list(path)]
    if session.as_json:
        as_json([asdict(each) for each in formation])
    elif formation:
        rows = [
            (each.type, each.size or "", f"{each.memory_mb} MB", f"{each.cpus:g}", f"{each.pids}", f"{each.quantity}")
            for each in formation
        ]
        table(("TYPE", "SIZE", "MEMORY", "CPUS", "PROCESSES", "INSTANCES"), rows)
    else:
        problem(f"{target.app} has no process types yet.", "They come with the first deploy: `git push portside main`.")


@command("ps:shrink", examples=["portside ps:shrink", "portside ps:shrink web=50%", "portside ps:shrink web=auto"])
@click.argument("rule", required=False, metavar="[web=N|web=N%|web=auto[:N]|web=off|web=default]")
@app_options
@json_option
@pass_session
def ps_shrink(session: Session, rule: str | None) -> None:
    """Set how many old web instances stay while a new set starts; without a rule, show it.

    For a host whose memory does not hold two full sets: at each deploy the rest is drained and ended first, then the
    new set starts, and the route switches to it at once as ever. `web=2` or `web=50%` always; `web=auto`, `web=auto:2`:
    only as far as memory asks for. `web=default`: as app.json says.
    """
    target = session.target()
    path = target.path("/formation")
    answer = target.api.patch(path, {"updates": [parse_shrink(rule)]}) if rule else target.api.get_list(path)
    formation = [read(Formation.of, each) for each in answer]
    if session.as_json:
        as_json([asdict(each) for each in formation])
    elif rule:
        progress(f"While a new set of {target.app} starts: {_shrinks(formation[0])}.")
    else:
        table(("TYPE", "SHRINK"), [(each.type, each.shrink or "off") for each in formation if each.type == "web"])


def parse_shrink(text: str) -> Json:
    """`web=50%` as the API's update. What is a rule, the server knows.

    Raises:
        click.UsageError: it has not that form.
    """
    kind, equals, rule = text.partition("=")
    if not (kind and equals and rule):
        raise click.UsageError(
            f"{text!r} does not say how far a type may shrink. Give web=2, web=50%, web=auto or web=off."
        )
    return {"type": kind, "shrink": None if rule == "default" else rule}


def _shrinks(entry: Formation) -> str:
    rule = entry.shrink or "off"
    scarce, _, amount = rule.partition(":")
    if rule == "off":
        return f"all {entry.type} instances stay"
    if scarce != "auto":
        return f"{rule} of its {entry.type} instances stay"
    return f"{entry.type} shrinks as far as memory asks for, {amount or '1'} at least stay"


def _await_sizes(target: Target, answer: list[Json]) -> None:
    """Show the output of the change until it is decided. Raises OutcomeFailed."""
    change = next((each["size_change"] for each in answer if each.get("size_change")), None)
    if change is None:
        progress(f"{target.app} has these sizes already.")
        return
    path = target.path(f"/formation-changes/{segment(str(change.get('id')))}")
    with goes_on_without_us("The change of sizes", f"portside ps:type -a {target.app}"):
        final = follow(target.api, path, change)
    if final.get("status") != "succeeded":
        reason = final.get("reason") or "see above"
        raise OutcomeFailed(
            f"The change of sizes failed: {reason}\n{target.app} runs on as it was.",
            f"See `portside logs -a {target.app}`.",
        )
    progress(f"Resized {target.app}.")


def _crash(instance: Instance) -> str:
    """Why it is down and when it is tried again, in a line."""
    again = f"; next attempt at {_time(instance.next_attempt_at)}" if instance.next_attempt_at else ""
    return f"{instance.name} crashed: {instance.detail or 'no reason is known'}{again}."


def _time(moment: str) -> str:
    """The time of day, in UTC: it is soon."""
    return f"{datetime.fromisoformat(moment.replace('Z', '+00:00')).astimezone(UTC):%H:%M:%S} UTC"


def parse_size(text: str) -> Json:
    """`web=512m:0.5` as the API's update. What is a size, the server knows.

    Raises:
        click.UsageError: it has not that form.
    """
    kind, equals, size = text.partition("=")
    if not (kind and equals and size):
        raise click.UsageError(f"{text!r} is not a size of a type. Give TYPE=SIZE, like web=512m or web=512m:0.5.")
    return {"type": kind, "size": size}


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


COMMANDS = (ps, ps_scale, ps_restart, ps_stop, ps_type, ps_shrink)

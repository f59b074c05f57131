"""Cron: the entries of app.json that the live release runs at their times."""

from __future__ import annotations

import click

from cli.client import Json, segment
from cli.commandline import app_options, command, json_option
from cli.printing import as_json, problem, progress, table, when
from cli.session import Session, pass_session

_entry = click.argument("entry", metavar="ID")


@command("cron:list", examples=["portside cron:list", "portside cron:list --json"])
@app_options
@json_option
@pass_session
def cron_list(session: Session) -> None:
    """List an app's cron entries, when each runs next and how it went last. Times are UTC."""
    target = session.target()
    entries = target.api.get_list(target.path("/cron"))
    if session.as_json:
        as_json(entries)
    elif entries:
        rows = [
            (str(one["id"]), str(one["schedule"]), _next(one), _outcome(one.get("last")), str(one["command"]))
            for one in entries
        ]
        table(("ID", "SCHEDULE", "NEXT", "LAST", "COMMAND"), rows)
    else:
        problem(f"{target.app} has no cron entries.", "Put them into the `cron` of app.json and push.")


@command("cron:history", examples=["portside cron:history", "portside cron:history 5f2b9c01"])
@click.argument("entry", metavar="[ID]", required=False)
@app_options
@json_option
@pass_session
def cron_history(session: Session, entry: str | None) -> None:
    """Show what came of each moment of an app's cron entries, newest first."""
    target = session.target()
    found = target.api.get_list(target.path("/cron-runs"))
    found = [one for one in found if entry in (None, one["entry"]["id"])]
    if session.as_json:
        as_json(found)
    elif found:
        rows = [
            (when(one["due_at"]), str(one["entry"]["id"]), one["run"] or "", _outcome(one), one["detail"] or "")
            for one in found
        ]
        table(("DUE", "ENTRY", "RUN", "STATE", "DETAIL"), rows)
    else:
        problem("Nothing was due yet.", "See when it is: portside cron:list")


@command("cron:run", examples=["portside cron:run 5f2b9c01"])
@_entry
@app_options
@json_option
@pass_session
def cron_run(session: Session, entry: str) -> None:
    """Run a cron entry once, now; what it writes goes to the app's log."""
    target = session.target()
    begun = target.api.post(target.path(f"/cron/{segment(entry)}/actions/run"))
    if session.as_json:
        as_json(begun)
    else:
        progress(f"Running {begun['command']} on {target.app} as {begun['name']}.")
        progress(f"See it with `portside logs -t -p {begun['name']}`, end it with `portside run:kill {begun['name']}`.")


@command("cron:suspend", examples=["portside cron:suspend 5f2b9c01"])
@_entry
@app_options
@pass_session
def cron_suspend(session: Session, entry: str) -> None:
    """Run a cron entry no more, until it is resumed; later releases keep to it."""
    target = session.target()
    target.api.post(target.path(f"/cron/{segment(entry)}/actions/suspend"))
    progress(f"{entry} of {target.app} is suspended.")


@command("cron:resume", examples=["portside cron:resume 5f2b9c01"])
@_entry
@app_options
@pass_session
def cron_resume(session: Session, entry: str) -> None:
    """Run a suspended cron entry again, from its next moment on."""
    target = session.target()
    changed = target.api.post(target.path(f"/cron/{segment(entry)}/actions/resume"))
    progress(f"{entry} of {target.app} runs next at {changed['next_at']}.")


def _next(entry: Json) -> str:
    if entry["next_at"]:
        return str(entry["next_at"])
    return "suspended" if entry["suspended"] else "maintenance"


def _outcome(run: Json | None) -> str:
    if run is None:
        return ""
    return str(run["state"]) if run.get("exit_code") is None else f"{run['state']} ({run['exit_code']})"


COMMANDS = (cron_list, cron_history, cron_run, cron_suspend, cron_resume)

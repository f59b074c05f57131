"""One-off runs: a command in a container of the app's live release, attached to this terminal or not."""

from __future__ import annotations

import os
import shlex
from typing import Any

import click

from cli.client import Json, segment
from cli.commandline import app_options, command, json_option
from cli.printing import as_json, problem, progress, table, when
from cli.session import Session, pass_session

_RAW = {"ignore_unknown_options": True, "allow_interspersed_args": False}
_words = click.argument("words", nargs=-1, required=True, metavar="COMMAND...", type=click.UNPROCESSED)


def _options(function: Any) -> Any:
    """What every run may be given. They come before the command, whose own options are its own."""
    function = click.option("-e", "--env", "variables", multiple=True, metavar="NAME=VALUE", help="Set a variable.")(
        function
    )
    help_text = "Its memory, CPUs and processes."
    function = click.option("--size", metavar="SIZE", help=help_text)(function)
    help_text = "End it after so many seconds."
    return click.option("--time-limit", "limit_s", type=click.IntRange(1), metavar="SECONDS", help=help_text)(function)


@command(
    "run",
    examples=["portside run bash", "portside run python manage.py migrate", "portside run --size 1g bash"],
    context_settings=_RAW,
)
@_words
@_options
@click.option("--no-tty", is_flag=True, help="Without a terminal, even when this is one.")
@app_options
@pass_session
def run(session: Session, /, words: tuple[str, ...], no_tty: bool, **options: Any) -> int:
    """Run a command in a container of its own, with the app's code and config; ends with its exit code."""
    from cli.attached import attend, terminal_size

    window = None if no_tty else terminal_size()
    target = session.target()
    body = run_body(words, **options)
    if window is not None:
        terminal = {"TERM": os.environ.get("TERM", "xterm"), "COLUMNS": str(window[0]), "LINES": str(window[1])}
        body["env"] = terminal | body["env"]
    begun = target.api.post(target.path("/dynos"), {**body, "attach": True})
    if window is not None:
        progress(f"Running {body['command']} on {target.app} as {begun['name']}.")
    return attend(str(begun["attach_url"]), str(begun["attach_fingerprint"]), window is not None)


@command("run:detached", examples=["portside run:detached python import.py"], context_settings=_RAW)
@_words
@_options
@app_options
@json_option
@pass_session
def run_detached(session: Session, /, words: tuple[str, ...], **options: Any) -> None:
    """Run a command without waiting for it; what it writes goes to the app's log."""
    target = session.target()
    begun = target.api.post(target.path("/dynos"), {**run_body(words, **options), "attach": False})
    if session.as_json:
        as_json(begun)
    else:
        progress(f"Running {begun['command']} on {target.app} as {begun['name']}.")
        progress(f"See it with `portside logs -t -p {begun['name']}`, end it with `portside run:kill {begun['name']}`.")


@command("run:list", examples=["portside run:list", "portside run:list --json"])
@app_options
@json_option
@pass_session
def run_list(session: Session) -> None:
    """List the one-off runs of an app, and those that ended within the last hour."""
    target = session.target()
    runs = target.api.get_list(target.path("/runs"))
    if session.as_json:
        as_json(runs)
    elif runs:
        rows = [
            (str(one["name"]), _state(one), f"v{one['release']['version']}", when(one["created_at"]), one["command"])
            for one in runs
        ]
        table(("NAME", "STATE", "RELEASE", "SINCE", "COMMAND"), rows)
    else:
        problem(f"{target.app} has no one-off runs.", "Start one with `portside run bash`.")


@command("run:kill", examples=["portside run:kill run.3"])
@click.argument("name", metavar="NAME")
@app_options
@pass_session
def run_kill(session: Session, name: str) -> None:
    """End a one-off run: SIGTERM, and SIGKILL if it does not end on that."""
    target = session.target()
    target.api.post(target.path(f"/dynos/{segment(name)}/actions/stop"))
    progress(f"Ending {name} of {target.app}.")


def run_body(
    words: tuple[str, ...], variables: tuple[str, ...] = (), limit_s: int | None = None, size: str | None = None
) -> Json:
    """What the API is asked for. One word is a command line for the shell; several mean what they meant here.

    Raises:
        click.UsageError: a variable is not NAME=VALUE.
    """
    for variable in variables:
        if not variable.partition("=")[0] or "=" not in variable:
            raise click.UsageError(f"{variable!r} is not NAME=VALUE.")
    env = dict(variable.split("=", 1) for variable in variables)
    line = words[0] if len(words) == 1 else shlex.join(words)
    limits = {"time_to_live": limit_s, "size": size}
    return {"command": line, "env": env, **{name: value for name, value in limits.items() if value is not None}}


def _state(run: Json) -> str:
    """`ended` alone does not tell whether it went well, nor `waiting` for what."""
    if run["state"] == "waiting":
        return "waiting for its client" if run.get("attached") else "waiting for its turn"
    return str(run["state"]) if run.get("exit_code") is None else f"{run['state']} ({run['exit_code']})"


COMMANDS = (run, run_detached, run_list, run_kill)

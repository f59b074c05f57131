"""Health checks: what is in force, and what is set beside app.json."""

from __future__ import annotations

from typing import Any

import click

from cli.client import Json, segment
from cli.commandline import app_options, command, json_option
from cli.edge import goes_on_without_us
from cli.errors import OutcomeFailed
from cli.following import follow
from cli.printing import as_json, problem, progress, table
from cli.session import Session, Target, pass_session

KINDS = click.Choice(("startup", "readiness", "liveness"))


@command("checks", examples=["portside checks", "portside checks --json"])
@app_options
@json_option
@pass_session
def checks(session: Session) -> None:
    """Show the health checks in force, and where each comes from."""
    target = session.target()
    found = target.api.get_list(target.path("/checks"))
    if session.as_json:
        as_json(found)
    elif found:
        rows = [
            (str(one["process_type"]), str(one["check"]["type"]), one["asks"], _often(one), one["source"])
            for one in found
        ]
        table(("TYPE", "CHECK", "ASKS", "FAILS", "FROM"), rows)
    else:
        problem(f"{target.app} has no process types yet.", "They come with the first deploy: `git push portside main`.")


@command(
    "checks:set",
    examples=[
        "portside checks:set web --path /health",
        "portside checks:set web --type readiness --path /ready --attempts 2 --wait 3",
        "portside checks:set worker --type liveness --command bin/check --command --quick",
    ],
)
@click.argument("process_type", metavar="TYPE")
@click.option("--type", "kind", type=KINDS, default="startup", show_default=True, help="What it decides.")
@click.option("--path", help="GET of it answers well.")
@click.option("--content", help="What the answer must have in it.")
@click.option(
    "--command", "argv", multiple=True, metavar="WORD", help="It ends with 0, run inside; once for each word."
)
@click.option("--listening", is_flag=True, help="The port accepts connections.")
@click.option("--uptime", type=int, metavar="SECONDS", help="It has run for so long.")
@click.option("--port", type=int, help="The port, if not PORT.")
@click.option("--attempts", type=int, help="How many failures in a row make it fail.")
@click.option("--timeout", type=int, metavar="SECONDS", help="For one answer.")
@click.option("--wait", type=int, metavar="SECONDS", help="Between two attempts.")
@app_options
@json_option
@pass_session
def checks_set(
    session: Session, /, process_type: str, kind: str, argv: tuple[str, ...], listening: bool, **said: Any
) -> None:
    """Set a health check of a process type, in the place of app.json's of the same type.

    The instances are replaced by new ones. If they do not start with it, the checks stay as they were.
    """
    body = {"type": kind, "command": list(argv) or None, "listening": listening or None, **said}
    target = session.target()
    answer = target.api.put(
        _path(target, process_type), {key: value for key, value in body.items() if value is not None}
    )
    _await(session, target, answer)


@command("checks:unset", examples=["portside checks:unset web", "portside checks:unset web --type liveness"])
@click.argument("process_type", metavar="TYPE")
@click.option("--type", "kind", type=KINDS, help="This one alone.")
@app_options
@json_option
@pass_session
def checks_unset(session: Session, process_type: str, kind: str | None) -> None:
    """Take back the checks that were set for a process type: app.json's hold again."""
    target = session.target()
    path = _path(target, process_type) + (f"/{segment(kind)}" if kind else "")
    _await(session, target, target.api.delete(path))


def _path(target: Target, process_type: str) -> str:
    return target.path(f"/checks/{segment(process_type)}")


def _often(entry: Json) -> str:
    """When it counts as failed."""
    check = entry["check"]
    if check["type"] == "startup":
        return ""
    return f"{check.get('attempts', 3)} times, {check.get('wait', 5):g} s apart"


def _await(session: Session, target: Target, answer: Json) -> None:
    """Show the output of the change until it is decided. Raises OutcomeFailed."""
    change = answer.get("change")
    if change is None:
        progress(f"{target.app} has these checks already.")
    else:
        path = target.path(f"/formation-changes/{segment(str(change.get('id')))}")
        with goes_on_without_us("The change of checks", f"portside checks -a {target.app}"):
            change = follow(target.api, path, change)
        if change.get("status") != "succeeded":
            reason = change.get("reason") or "see above"
            raise OutcomeFailed(
                f"The change of checks failed: {reason}\n{target.app} runs on as it was.",
                f"See `portside logs -a {target.app}`.",
            )
    if session.as_json:
        as_json(change)


COMMANDS = (checks, checks_set, checks_unset)

"""How much of an app its visitors get, and for how long it may be silent."""

from __future__ import annotations

import click

from cli.client import Json
from cli.commandline import app_options, command, json_option
from cli.errors import CliError
from cli.printing import as_json, facts
from cli.session import Session, pass_session

_TIMEOUTS = {"Idle": "idle_s", "Tunnel": "tunnel_s"}


@command("limits", examples=["portside limits", "portside limits --json"])
@app_options
@json_option
@pass_session
def limits(session: Session) -> None:
    """Show how many requests an app takes."""
    target = session.target()
    _show_limits(session, target.api.get(target.path("/limits")))


@command(
    "limits:set",
    examples=["portside limits:set --requests-per-second 20", "portside limits:set --connections 200"],
)
@click.option("--requests-per-second", type=int, metavar="NUMBER", help="From one address; more are answered 429.")
@click.option("--connections", type=int, metavar="NUMBER", help="Requests and WebSockets at once; more get 503.")
@app_options
@json_option
@pass_session
def limits_set(session: Session, requests_per_second: int | None, connections: int | None) -> None:
    """Limit how many requests an app takes."""
    asked = {"requests_per_second": requests_per_second, "connections": connections}
    wanted = {name: value for name, value in asked.items() if value is not None}
    if not wanted:
        raise CliError("Nothing to set.", "For example: portside limits:set --requests-per-second 20")
    _show_limits(session, _patch(session, "/limits", wanted))


@command("limits:unset", examples=["portside limits:unset", "portside limits:unset --connections"])
@click.option("--requests-per-second", is_flag=True, help="This one.")
@click.option("--connections", is_flag=True, help="This one.")
@app_options
@json_option
@pass_session
def limits_unset(session: Session, requests_per_second: bool, connections: bool) -> None:
    """Take limits away: those named, or both."""
    _show_limits(session, _unset(session, "/limits", requests_per_second=requests_per_second, connections=connections))


@command("timeouts", examples=["portside timeouts", "portside timeouts --json"])
@app_options
@json_option
@pass_session
def timeouts(session: Session) -> None:
    """Show for how long an app may be silent."""
    target = session.target()
    _show_timeouts(session, target.api.get(target.path("/timeouts")))


@command("timeouts:set", examples=["portside timeouts:set --idle 120", "portside timeouts:set --tunnel 86400"])
@click.option("--idle", "idle_s", type=int, metavar="SECONDS", help="Before its answer begins, and between two pieces.")
@click.option("--tunnel", "tunnel_s", type=int, metavar="SECONDS", help="On a WebSocket, from either side.")
@app_options
@json_option
@pass_session
def timeouts_set(session: Session, idle_s: int | None, tunnel_s: int | None) -> None:
    """Let an app be silent for longer, or less long, than usual. It holds for new requests."""
    wanted = {name: value for name, value in (("idle_s", idle_s), ("tunnel_s", tunnel_s)) if value is not None}
    if not wanted:
        raise CliError("Nothing to set.", "For example: portside timeouts:set --idle 120")
    _show_timeouts(session, _patch(session, "/timeouts", wanted))


@command("timeouts:unset", examples=["portside timeouts:unset", "portside timeouts:unset --idle"])
@click.option("--idle", is_flag=True, help="This one.")
@click.option("--tunnel", is_flag=True, help="This one.")
@app_options
@json_option
@pass_session
def timeouts_unset(session: Session, idle: bool, tunnel: bool) -> None:
    """Have timeouts as every app has them: those named, or both."""
    _show_timeouts(session, _unset(session, "/timeouts", idle_s=idle, tunnel_s=tunnel))


def _patch(session: Session, path: str, wanted: Json) -> Json:
    target = session.target()
    answer: Json = target.api.patch(target.path(path), wanted)
    return answer


def _unset(session: Session, path: str, **said: bool) -> Json:
    """Take away what is said; all, where nothing is."""
    named = [name for name, is_said in said.items() if is_said]
    return _patch(session, path, dict.fromkeys(named or said))


def _show_limits(session: Session, found: Json) -> None:
    if session.as_json:
        as_json(found)
        return
    rate, connections = found.get("requests_per_second"), found.get("connections")
    facts(
        {
            "Requests per second": "no limit" if rate is None else f"{rate} from one address",
            "Connections": "no limit" if connections is None else f"{connections} at once",
        }.items()
    )


def _show_timeouts(session: Session, found: Json) -> None:
    if session.as_json:
        as_json(found)
        return
    facts((label, _told(found[name], found["usual"][name])) for label, name in _TIMEOUTS.items() if name in found)


def _told(own: int | None, usual: float) -> str:
    return f"{usual:g} s" if own is None else f"{own} s (usual: {usual:g} s)"


COMMANDS = (limits, limits_set, limits_unset, timeouts, timeouts_set, timeouts_unset)

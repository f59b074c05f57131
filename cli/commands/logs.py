"""Logs: what the processes of an app print, as server-sent events (https://html.spec.whatwg.org/multipage/#parsing-an-event-stream)."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import click

from cli.client import Api, Json
from cli.commandline import app_options, command
from cli.edge import INTERRUPTED
from cli.errors import ApiError, CliError, ConnectionCut
from cli.printing import data, problem
from cli.session import Session, pass_session

_PREFIX = re.compile(r"^(\S+ \S+\[[^\]]*\]:)(.*)$", re.DOTALL)
_COLOURS = ("cyan", "green", "magenta", "yellow", "blue")
_RECONNECT_S = 1.0
_MOST_LINES = 1500  # what the server gives at most, as Heroku does


@dataclass(frozen=True)
class Event:
    """One line of log, with the id from which a cut stream can be taken up again."""

    id: str
    text: str


@command("logs", examples=["portside logs", "portside logs -t", "portside logs -n 500 -p worker.1"])
@click.option("-t", "--tail", is_flag=True, help="Go on showing new lines until Ctrl-C.")
@click.option(
    "-n", "--num", type=click.IntRange(0, _MOST_LINES), default=100, show_default=True, help="How many past lines."
)
@click.option("-p", "--ps", "process", metavar="PROCESS", help="Only this process type or instance: web, web.1.")
@click.option("-s", "--source", metavar="SOURCE", help="Only lines of this source: app, portside.")
@app_options
@pass_session
def logs(session: Session, tail: bool, num: int, process: str | None, source: str | None) -> None:
    """Show an app's log."""
    target = session.target()
    asked: Json = {"lines": num, "tail": tail} | ({"dyno": process} if process else {})
    asked |= {"source": source} if source else {}
    url = target.api.post(target.path("/log-sessions"), asked).get("logplex_url")
    if not url:
        raise CliError(
            "The server gave no address for the log.", "Check that command and server fit: `portside version`."
        )
    try:
        for event in _events(target.api, str(url), tail):
            data(coloured(event.text) if sys.stdout.isatty() else event.text)
    except KeyboardInterrupt:
        raise click.exceptions.Exit(INTERRUPTED) from None


def coloured(line: str) -> str:
    """The line with its time and process in a colour of that process."""
    found = _PREFIX.match(line)
    if not found:
        return line
    colour = _COLOURS[sum(found[1].rpartition(" ")[2].encode()) % len(_COLOURS)]
    return click.style(found[1], fg=colour) + found[2]


def parse_events(lines: Iterable[str]) -> Iterator[Event]:
    """The unnamed events in a stream of lines; comments (keep-alives) and named events are left out."""
    identity, name, text = "", "", list[str]()
    for line in lines:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            if text and name in {"", "message"}:
                yield Event(identity, "\n".join(text))
            name, text = "", []
        elif field == "data":
            text.append(value)
        elif field == "event":
            name = value
        elif field == "id":
            identity = value


def _events(api: Api, url: str, tail: bool) -> Iterator[Event]:
    """Everything that the log session gives; a cut tail is taken up where it ended."""
    last = ""
    while True:
        try:
            with api.stream(url, accept="text/event-stream", last_event_id=last) as response:
                for event in parse_events(response.iter_lines()):
                    last = event.id or last
                    yield event
            if not tail:
                return
        except ConnectionCut:
            if not tail:
                raise
        except ApiError as error:
            if error.status in {403, 404} and last:
                raise CliError("The log session has ended.", "Run `portside logs --tail` again.") from None
            raise
        problem("The log was cut. Taking it up again…")
        time.sleep(_RECONNECT_S)


COMMANDS = (logs,)

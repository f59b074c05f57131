"""How a Procfile's line becomes a container's command: SIGTERM must reach the app, and not only its shell."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from scheduler.runtime import Terminal

# docker-init is tini: with this it passes signals on to all processes of the command, as a Heroku dyno does
# (https://github.com/krallin/tini#process-group-killing); a shell would keep to itself what it is sent.
_TO_ALL = {"TINI_KILL_PROCESS_GROUP": "1"}

# The shell waits for the app to end, then ends too (143 is 128 + SIGTERM): the line's next command is not begun.
_STAY = "trap 'exit 143' TERM; "

# A shell would end on Ctrl-C even where what it runs goes on (a console). This one waits, and ends only if that died
# of it (130 is 128 + SIGINT), as bash does (https://www.cons.org/cracauer/sigint.html).
_WAIT = """trap 's=$?; [ "$s" -ne 130 ] || exit 130' INT; """

# The engine sets a terminal's size after the start, which a fast command would not see (before API 1.42 it takes none
# sooner). An image without stty does with that.
_SIZE = "stty cols {columns} rows {lines} 2>/dev/null; "

# The label by which an image names its launcher: a program that runs the command line that is its argument.
LAUNCHER_LABEL = "portside-launcher"


def how_to_run(command: str, env: Mapping[str, str], launcher: str = "", once: bool = False) -> dict[str, Any]:
    """The entry point, arguments and environment of a container that runs a line of a Procfile, or one (`once`) that
    somebody typed."""
    entrypoint = [launcher] if launcher else ["/bin/sh", "-c"]
    return {
        "entrypoint": entrypoint,
        "command": [_STAY + (_WAIT if once else "") + command],
        "environment": {**env, **_TO_ALL},
    }


def to_execute(argv: Sequence[str], launcher: str = "") -> list[str]:
    """A command for a running container whose first line of output is its process group."""
    command = [launcher, shlex.join(argv)] if launcher else list(argv)
    return ["/bin/sh", "-c", 'echo $$; exec "$@"', "sh", *command]


def to_kill(group: str) -> list[str]:
    """What ends such a command with all that it has started."""
    return ["/bin/sh", "-c", 'kill -9 "-$1"', "sh", group]


def sized(command: str, terminal: Terminal | None) -> str:
    """`command`, begun in a terminal that has its size."""
    return command if terminal is None else _SIZE.format(columns=terminal.columns, lines=terminal.lines) + command

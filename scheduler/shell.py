"""How a Procfile's line becomes a container's command: SIGTERM must reach the app, and not only its shell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# docker-init is tini: with this it passes signals on to all processes of the command, as a Heroku dyno does
# (https://github.com/krallin/tini#process-group-killing); a shell would keep to itself what it is sent.
_TO_ALL = {"TINI_KILL_PROCESS_GROUP": "1"}

# The shell waits for the app to end, then ends too (143 is 128 + SIGTERM): the line's next command is not begun.
_STAY = "trap 'exit 143' TERM; "


# The label by which an image names its launcher: a program that runs the command line that is its argument.
LAUNCHER_LABEL = "portside-launcher"


def how_to_run(command: str, env: Mapping[str, str], launcher: str = "") -> dict[str, Any]:
    """The entry point, arguments and environment of a container that runs a line of a Procfile."""
    entrypoint = [launcher] if launcher else ["/bin/sh", "-c"]
    return {"entrypoint": entrypoint, "command": [_STAY + command], "environment": {**env, **_TO_ALL}}

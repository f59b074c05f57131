"""What the console script `portside` runs: the command, and before anything of it is loaded, git's wish for a login.

git asks once a push, and waits. Loading the command takes 0.1 s, reading one file a fifth of that.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

ASKED_FOR_A_LOGIN = ["git:credentials", "get"]
USERNAME = "portside"
"""What git sends beside the token; the server reads only the token."""


def run() -> None:
    """The console script `portside`."""
    if sys.argv[1:] == ASKED_FOR_A_LOGIN and _answered():
        return
    from cli import main

    main.run()


def _answered() -> bool:
    """Whether git has been given a login. If not, its question is on stdin again for the command, which knows more."""
    import io

    request = sys.stdin.read()
    token = kept_token(request, credentials_path(os.environ))
    if token is None or "PORTSIDE_TOKEN" in os.environ:
        sys.stdin = io.StringIO(request)
        return False
    sys.stdout.write(f"username={USERNAME}\npassword={token}\n")
    return True


def kept_token(request: str, path: str) -> str | None:
    """The token that `portside login` keeps in the file at `path` for exactly the server that git asks about."""
    import json

    asked = dict(line.split("=", 1) for line in request.splitlines() if "=" in line)
    try:
        with open(path, encoding="utf-8") as file:
            token = json.load(file)["servers"][f"{asked['protocol']}://{asked['host']}"]["token"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return token if isinstance(token, str) else None


def credentials_path(environ: Mapping[str, str]) -> str:
    """Where the logins are kept: `$XDG_CONFIG_HOME/portside/credentials.json` (`~/.config/…` by default)."""
    base = environ.get("XDG_CONFIG_HOME") or os.path.join(environ.get("HOME") or os.path.expanduser("~"), ".config")
    return os.path.join(base, "portside", "credentials.json")


if __name__ == "__main__":
    run()

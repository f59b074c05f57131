"""Everything that the command asks of git: which app a repository belongs to, and how it logs in to push.

The credential protocol is git-credential(1): `key=value` lines in, `username` and `password` out, `quit=1` to stop git
from asking the person instead.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cli.errors import CliError, GitFailed, NoApp
from cli.servers import host_of, normalise_server
from cli.start import USERNAME

REMOTE = "portside"
_APP_PATH = re.compile(r"^/?([a-z][a-z0-9-]{1,28}[a-z0-9])(?:\.git)?/?$")
QUICK_HELPER = (
    '!f() { test "$1" = store || test -n "$PORTSIDE_TOKEN" || '
    'git credential-store --file="${XDG_CONFIG_HOME:-$HOME/.config}/portside/git-credentials" "$1"; }; f'
)
"""git-credential-store(1) on the file that `credentials.save` keeps for it. A login that a server refuses is erased
from that file alone. PORTSIDE_TOKEN goes before any login."""
_SCP_STYLE = re.compile(r"^(?:[^@/:]+@)?([^/:]+):([^/].*)$")


@dataclass(frozen=True)
class Remote:
    """A git remote that may be an app of ours. `server` is None over SSH, where only the host is known."""

    name: str
    app: str
    host: str
    server: str | None


def parse_remote(name: str, url: str) -> Remote | None:
    """What the remote `name` says, or None if its URL can't be an app's."""
    if "://" not in url:
        found = _SCP_STYLE.match(url)
        url = f"ssh://{found[1]}/{found[2]}" if found else url
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    path = _APP_PATH.match(parts.path)
    if host is None or path is None or parts.scheme not in {"http", "https", "ssh"}:
        return None
    if parts.scheme == "ssh":
        return Remote(name, path[1], host, None)
    shown = f"[{host}]" if ":" in host else host
    server = normalise_server(f"{parts.scheme}://{shown}" + (f":{port}" if port else ""))
    return Remote(name, path[1], host, server)


def server_of(remote: Remote, known: Sequence[str]) -> str | None:
    """The server that the remote is on: the one in its URL, or over SSH the first known one with that host."""
    return remote.server or next((server for server in known if host_of(server) == remote.host), None)


def choose(remotes: Mapping[str, str], known: Sequence[str], wanted: str | None) -> Remote:
    """The remote that says which app is meant: the wanted one, else `portside`, else the only one on a known server.

    Raises:
        NoApp: there is none, or more than one.
    """
    if wanted is not None and wanted not in remotes:
        names = ", ".join(sorted(remotes)) or "none"
        raise NoApp(f"There is no git remote named {wanted} here (remotes: {names}).", "Name the app with `-a APP`.")
    parsed = {name: remote for name, url in remotes.items() if (remote := parse_remote(name, url))}
    for name in (wanted, REMOTE if wanted is None else None):
        if name is not None and name in parsed:
            return parsed[name]
    if wanted is not None:
        raise NoApp(f"The git remote {wanted} is not the address of a Portside app.", "Name the app with `-a APP`.")
    ours = [remote for remote in parsed.values() if _is_on(remote, known)]
    if len({(server_of(remote, known), remote.app) for remote in ours}) > 1:
        names = ", ".join(f"{remote.name} ({remote.app})" for remote in ours)
        raise NoApp(f"More than one git remote here is an app: {names}.", "Choose with `-r REMOTE` or `-a APP`.")
    if ours:
        return ours[0]
    raise NoApp(
        "Which app? No git remote here belongs to one.",
        "Name it with `-a APP`, or run `portside git:remote -a APP` in its repository.",
    )


def _is_on(remote: Remote, known: Collection[str]) -> bool:
    if remote.server is not None:
        return remote.server in known
    return any(host_of(server) == remote.host for server in known)


def inside_repository() -> bool:
    """Whether the current directory belongs to a git repository."""
    return shutil.which("git") is not None and _git("rev-parse", "--git-dir").returncode == 0


def remotes() -> dict[str, str]:
    """The remotes here by name, with their URLs; none outside a repository."""
    if shutil.which("git") is None:
        return {}
    listing = _git("config", "--null", "--get-regexp", r"^remote\..*\.url$").stdout
    found: dict[str, str] = {}
    for entry in filter(None, listing.split("\0")):
        key, _, url = entry.partition("\n")
        found.setdefault(key.removeprefix("remote.").removesuffix(".url"), url)
    return found


def resolve_commit(text: str) -> str | None:
    """The full id of the commit that `text` names in this repository, or None."""
    if shutil.which("git") is None or text.startswith("-"):
        return None
    answer = _git("rev-parse", "--verify", "--quiet", f"{text}^{{commit}}")
    return answer.stdout.strip() or None


def add_remote(name: str, url: str) -> None:
    """Add a remote. Raises GitFailed."""
    _must("remote", "add", name, url)


def set_remote_url(name: str, url: str) -> None:
    """Point an existing remote elsewhere. Raises GitFailed."""
    _must("remote", "set-url", name, url)


def remove_remote(name: str) -> None:
    """Remove a remote. Raises GitFailed."""
    _must("remote", "remove", name)


def install_helper(server: str, command: str) -> None:
    """Make this repository, and no other, ask for the login of `server`: git's own helper first, then `command`.

    The empty value first empties git's list of helpers (gitcredentials(7)), so that no other helper of this person's
    stores the token somewhere of its own. git's helper reads the logins that are kept for it in a few milliseconds,
    where starting Python holds each push up for 40; `command` explains when there is none. git also calls the helpers
    to have each working login stored, while it pushes: the shell answers that.
    """
    section = f"credential.{server}"
    explained = f'!f() {{ test "$1" = store || {command} git:credentials "$1"; }}; f'
    _must("config", "--local", "--replace-all", f"{section}.helper", "")
    _must("config", "--local", "--add", f"{section}.helper", QUICK_HELPER)
    _must("config", "--local", "--add", f"{section}.helper", explained)
    _must("config", "--local", "--replace-all", f"{section}.username", USERNAME)
    _must("config", "--local", "--replace-all", f"{section}.useHttpPath", "false")


def own_command() -> str:
    """This command as a shell can run it from anywhere: an absolute path, quoted."""
    invoked = Path(sys.argv[0])
    beside = Path(sys.executable).parent / "portside"
    for path in (invoked, beside):
        if path.name == "portside" and path.is_file() and os.access(path, os.X_OK):
            return shlex.quote(os.path.abspath(path))
    return f"{shlex.quote(sys.executable)} -m cli.start"


def read_credential_request(text: str) -> str | None:
    """The server that git asks a login for, or None if it is not one that we could know."""
    asked = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    try:
        return normalise_server(f"{asked['protocol']}://{asked['host']}")
    except (KeyError, CliError):
        return None


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments],
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        env={**os.environ, "LC_ALL": "C"},
        check=False,
    )


def _must(*arguments: str) -> None:
    answer = _git(*arguments)
    if answer.returncode != 0:
        detail = answer.stderr.strip().removeprefix("error: ").removeprefix("fatal: ") or "no reason given"
        raise GitFailed(f"`git {arguments[0]}` failed: {detail}")

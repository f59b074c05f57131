"""Which server, which token and which app one run of the command is about.

Server: `PORTSIDE_URL`, else the one of the git remote that leads to the app, else the server of the latest login.
Token: `PORTSIDE_TOKEN` (for the server above it only, never for one that a repository names), else what login stored.
App: `-a`, else the git remote of `-r`, else the remote `portside`, else the only remote on a known server.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import click

from cli import credentials, gitremote
from cli.client import Api, segment
from cli.credentials import Credentials
from cli.errors import CliError, NotLoggedIn
from cli.servers import LOCAL_SERVER, normalise_server


@dataclass(frozen=True)
class Target:
    """One app on one server."""

    api: Api
    app: str

    def path(self, rest: str = "") -> str:
        """The API's path of the app, or of something of it: `path("/releases")`."""
        return f"/apps/{segment(self.app)}{rest}"


@dataclass
class Session:
    """One run of the command: what its options say, and what follows from them and from the environment."""

    app_option: str | None = None
    remote_option: str | None = None
    as_json: bool = False
    environ: dict[str, str] = field(default_factory=lambda: dict(os.environ))

    @property
    def credentials_path(self) -> Path:
        """Where logins are kept."""
        return credentials.path_of(self.environ)

    @cached_property
    def credentials(self) -> Credentials:
        """The logins kept so far. Raises CliError when the file is damaged."""
        return credentials.load(self.credentials_path)

    @cached_property
    def default_server(self) -> str:
        """The server when no repository says otherwise."""
        named = self.environ.get("PORTSIDE_URL")
        return normalise_server(named) if named else self.credentials.default or LOCAL_SERVER

    def known_servers(self) -> list[str]:
        """The default server first, then every other with a login."""
        return [self.default_server, *(s for s in self.credentials.servers if s != self.default_server)]

    def token_for(self, server: str) -> str | None:
        """The token for `server`, if there is one."""
        if server == self.default_server and (given := self.environ.get("PORTSIDE_TOKEN")):
            return given.strip()
        login = self.credentials.servers.get(server)
        return login.token if login else None

    def api(self, server: str | None = None) -> Api:
        """The API of `server` (the default one if None), logged in. Raises NotLoggedIn."""
        wanted = server or self.default_server
        token = self.token_for(wanted)
        if token is None:
            raise NotLoggedIn(wanted)
        given = wanted == self.default_server and self.environ.get("PORTSIDE_TOKEN")
        return Api(wanted, token, "Check the variable PORTSIDE_TOKEN." if given else "")

    def target(self) -> Target:
        """The app that the command is about.

        Raises:
            NoApp: nothing says which. NotLoggedIn: it is on a server without a login.
        """
        if self.app_option is not None and self.remote_option is not None:
            raise click.UsageError("Give -a/--app or -r/--remote, not both.")
        if self.app_option is not None:
            return Target(self.api(self._server_with(self.app_option)), self.app_option)
        remote = gitremote.choose(gitremote.remotes(), self.known_servers(), self.remote_option)
        server = self.default_server if self.environ.get("PORTSIDE_URL") else None
        server = server or gitremote.server_of(remote, self.known_servers())
        if server is None:
            raise CliError(
                f"The git remote {remote.name} is on {remote.host}, where you are not logged in.",
                f"Run `portside login {remote.host}`.",
            )
        return Target(self.api(server), remote.app)

    def _server_with(self, app: str) -> str | None:
        """The known server that a git remote here has `app` on, if there is just one; None for the default server."""
        known = self.known_servers()
        if self.environ.get("PORTSIDE_URL"):
            return None
        parsed = (gitremote.parse_remote(name, url) for name, url in gitremote.remotes().items())
        found = {gitremote.server_of(remote, known) for remote in parsed if remote and remote.app == app}
        servers = found.intersection(known)
        return servers.pop() if len(servers) == 1 else None


pass_session = click.make_pass_decorator(Session, ensure=True)

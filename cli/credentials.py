"""The tokens that `portside login` keeps: one for each server, in files that only their owner can read.

`$XDG_CONFIG_HOME/portside/credentials.json` (`~/.config/…` by default), mode 0600, replaced atomically:
`{"default": URL, "servers": {URL: {"email": …, "token": …, "authorization_id": …}}}`.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from cli.errors import CliError
from cli.start import USERNAME, credentials_path

FOR_GIT = "git-credentials"
"""The file beside `credentials.json`: the same tokens in git's own format, so that a push waits for no Python."""


@dataclass(frozen=True)
class Login:
    """Who we are on one server. `authorization_id` is set when `login` itself made the token, and so may revoke it."""

    email: str
    token: str = field(repr=False)
    authorization_id: str | None = None


@dataclass(frozen=True)
class Credentials:
    """Everything in the file. `default` is the server of the latest login."""

    default: str | None = None
    servers: Mapping[str, Login] = field(default_factory=lambda: MappingProxyType({}))

    def with_login(self, server: str, login: Login) -> Credentials:
        """The same with this login added or replaced, and its server as the default."""
        return Credentials(server, {**self.servers, server: login})

    def without(self, server: str) -> Credentials:
        """The same without that server; another one, if there is any, becomes the default."""
        rest = {known: login for known, login in self.servers.items() if known != server}
        default = self.default if self.default != server else next(iter(rest), None)
        return Credentials(default, rest)


def path_of(environ: Mapping[str, str]) -> Path:
    """Where the file is for this environment."""
    return Path(credentials_path(environ))


def load(path: Path) -> Credentials:
    """What the file holds; nothing if there is none.

    Raises:
        CliError: it can't be read, or is not what we write.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        servers = {str(url): Login(**login) for url, login in data["servers"].items()}
        return Credentials(data.get("default"), servers)
    except FileNotFoundError:
        return Credentials()
    except OSError as error:
        raise CliError(
            f"{path} can't be read: {error.strerror}.", "Make it yours: `chown` and `chmod 600` it."
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CliError(f"{path} is damaged.", "Delete it, then run `portside login` again.") from None


def save(path: Path, credentials: Credentials) -> None:
    """Replace the file, and the one for git beside it, so that no reader sees half of one and nobody else may read it.

    git's is taken away first: ended in the middle of this, git asks the command, and never gets a login of before.

    Raises:
        CliError: one can't be written.
    """
    body = {
        "default": credentials.default,
        "servers": {server: asdict(login) for server, login in credentials.servers.items()},
    }
    with _told(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        (path.parent / FOR_GIT).unlink(missing_ok=True)
        _replace(path, json.dumps(body, indent=2) + "\n")
    save_for_git(path, credentials)


def save_for_git(path: Path, credentials: Credentials) -> None:
    """Keep the logins once more, beside the file at `path`, as git-credential-store(1) reads them.

    Raises:
        CliError: that can't be written.
    """
    lines = [_as_url(server, login.token) for server, login in credentials.servers.items()]
    with _told(path.parent / FOR_GIT):
        _replace(path.parent / FOR_GIT, "".join(f"{line}\n" for line in lines))


def _as_url(server: str, token: str) -> str:
    scheme, _, place = server.partition("://")
    return f"{scheme}://{USERNAME}:{quote(token, safe='')}@{place}"


def _replace(path: Path, text: str) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".credentials-")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CliError(f"{path} can't be written: {error.strerror}.", "Check who owns that folder.") from None

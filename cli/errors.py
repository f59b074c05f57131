"""What can go wrong in the command, each with the words that the person reads.

CliError                  what we found; `hint` says what to do about it
├── NotLoggedIn           no token for that server
├── NoApp                 neither `-a` nor a git remote says which app is meant
├── GitFailed             the git command is missing or refused
├── OutcomeFailed         the request went through; the deploy, rollback or change that it began failed
├── Unreachable           no usable answer: refused, reset, timed out, TLS, DNS
│   ├── ConnectionCut     the connection ended in the middle of an answer
│   └── Lacking           the answer has not what the command needs: the server is another version
└── ApiError              the server answered with an error
"""

from __future__ import annotations


class CliError(Exception):
    """The command can't be done as it stands."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class NotLoggedIn(CliError):
    """There is no token for the server."""

    def __init__(self, server: str) -> None:
        super().__init__(f"You are not logged in to {server}.", f"Run `portside login {server}`.")


class NoApp(CliError):
    """Nothing says which app is meant."""


class GitFailed(CliError):
    """The git command is missing or refused."""


class OutcomeFailed(CliError):
    """What the server was asked to do ended in failure."""


class Unreachable(CliError):
    """The server gave no usable answer."""


class ConnectionCut(Unreachable):
    """The connection ended in the middle of an answer."""


class Lacking(Unreachable):
    """The answer has not what the command needs."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"The server's answer is not what this command knows: {found}.",
            "Bring the command and the server to the same version: `portside version`.",
        )


class ApiError(CliError):
    """The server answered with an error: `status` is HTTP's, `code` the API's own id ("not_found")."""

    def __init__(self, status: int, code: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.status = status
        self.code = code

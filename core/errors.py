"""The errors that a person is meant to read. Anything else that is raised is a bug.

PortsideError
├── UserError            what we found, what we expected, the command that mends it
│   ├── NotFound
│   ├── Forbidden
│   ├── Unauthorized
│   ├── Conflict
│   └── Unavailable      a part of the platform (engine, registry, router) does not do it just now
│       └── Away         it does not answer at all, and may be back soon: see core.patience
├── Cancelled            somebody asked for the work to end
├── DeadlineExceeded     the work took longer than its record allows
└── LeaseLost            another worker has taken the work over: stop, and touch nothing
"""

from __future__ import annotations


class PortsideError(Exception):
    """Something of Portside's own went wrong."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip().splitlines()[0])

    @property
    def message(self) -> str:
        return str(self.args[0])


class UserError(PortsideError):
    """The request can't be done as it stands.

    `message` says what was found and what was expected; `hint` is the one thing to do about it (a command where there
    is one). `code` is the machine-readable id that the API answers with.
    """

    code = "invalid_params"

    def __init__(self, message: str = "", hint: str = "", code: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint
        if code is not None:
            self.code = code

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class NotFound(UserError):
    """Couldn't find that."""

    code = "not_found"


class Forbidden(UserError):
    """You do not have access to that."""

    code = "forbidden"


class Unauthorized(UserError):
    """Invalid credentials provided."""

    code = "unauthorized"


class Conflict(UserError):
    """That is not possible in the present state."""

    code = "conflict"


class Unavailable(UserError):
    """A part of the platform does not answer just now."""

    code = "unavailable"


class Away(Unavailable):
    """A part of the platform is away just now."""


class Cancelled(PortsideError):
    """Cancelled."""


class DeadlineExceeded(PortsideError):
    """It took longer than allowed."""


class LeaseLost(PortsideError):
    """Another worker has taken this over."""

"""The JSON body of a request, field by field, with errors that say which field and what it should be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import Request

from core.errors import UserError


@dataclass(frozen=True)
class Body:
    """A JSON object; a field that is null counts as absent."""

    values: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, request: Request) -> Body:
        """The request's body, whatever its Content-Type says; an empty body is an empty object."""
        if not request.get_data(cache=True).strip():
            return cls()
        values = request.get_json(force=True, silent=True)
        if not isinstance(values, dict):
            raise UserError("The body is not a JSON object.", 'Send one such as {"name": "my-app"}.', "bad_request")
        return cls(values)

    def text(self, name: str) -> str | None:
        """A string, or None; raises UserError for anything else."""
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            raise _wrong(name, "a string")
        return value

    def needed_text(self, name: str) -> str:
        """A string with something in it; raises UserError."""
        value = self.text(name)
        if not value or not value.strip():
            raise UserError(f"The field {name} is missing.", f'Send {{"{name}": "…"}}.')
        return value

    def number(self, name: str) -> int | None:
        """A whole number, or None; raises UserError for anything else. Digits in a string count, as clients send."""
        value = self.values.get(name)
        if isinstance(value, str) and value.isdecimal() and len(value) < 18:
            return int(value)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise _wrong(name, "a whole number")
        return value

    def flag(self, name: str) -> bool:
        """True or false (0 and 1 will do); false when absent."""
        return bool(self.wish(name))

    def wish(self, name: str) -> bool | None:
        """The same, but None when absent: it is to stay as it is."""
        value = self.values.get(name)
        if value not in (True, False, None):
            raise _wrong(name, "true or false")
        return None if value is None else bool(value)

    def texts(self, name: str) -> list[str]:
        """A list of strings with at least one in it; raises UserError for anything else."""
        value = self.values.get(name)
        if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
            raise _wrong(name, "a list of strings")
        return value

    def objects(self, name: str) -> list[Body]:
        """A list of objects; raises UserError for anything else."""
        value = self.values.get(name)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise _wrong(name, "a list of objects")
        return [Body(item) for item in value]


def _wrong(name: str, expected: str) -> UserError:
    return UserError(f"The field {name} must be {expected}.", "See the Platform API's reference for its form.")

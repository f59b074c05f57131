"""The shape in which a failure that was expected is told: what it is, what was found, what was expected, what to do.

A `Problem` is data where it is noticed, and has its words beside it; this module makes the text of them. The shape
follows Heroku's buildpacks (`errors.rs` of heroku/buildpacks-python).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.errors import UserError

_LABEL_WIDTH = 10


@dataclass(frozen=True)
class Report:
    """`title` is one whole sentence that can stand alone. The others may have several lines, or none ("")."""

    title: str
    found: str = ""
    expected: str = ""
    todo: str = ""

    def __str__(self) -> str:
        parts = (("Found:", self.found), ("Expected:", self.expected), ("To do:", self.todo))
        return "\n".join([self.title, *(_part(label, text) for label, text in parts if text)])


def _part(label: str, text: str) -> str:
    """The text beside its label, its further lines below its first."""
    return f"{label:<{_LABEL_WIDTH}}" + f"\n{'':<{_LABEL_WIDTH}}".join(text.split("\n"))


@dataclass(frozen=True)
class Problem:
    """What can be wrong, as data: a class for each kind, its fields what was found out.

    `words` are a report's four parts, filled in with the fields. A kind that needs more says it in `report`.
    """

    words: ClassVar[tuple[str, str, str, str]]

    def report(self) -> Report:
        """The problem in words."""
        return Report(*(text.format_map(vars(self)) for text in self.words))


class Explained(UserError):
    """The request can't be done, and a report says why.

    `message` is the report's title and `hint` its to-do, for those who show one line; `str()` is the whole report.
    `problem` is the data behind it.
    """

    def __init__(
        self, told: Report | str = "", hint: str = "", code: str | None = None, problem: object | None = None
    ) -> None:
        report = told if isinstance(told, Report) else Report(told)
        super().__init__(report.title, hint or report.todo, code)
        self.problem = problem
        self._text = str(report) if isinstance(told, Report) else ""

    def __str__(self) -> str:
        return self._text or super().__str__()

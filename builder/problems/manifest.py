"""What is wrong inside the Procfile, app.json and their like."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from builder.problems.base import AGAIN, PROCFILE_EXAMPLE, Problem
from core.reports import Report


class Wrong(Enum):
    """What a line of the Procfile, or a value of app.json, has wrong. `name` and `other` fill its text."""

    NOT_A_PROCESS = auto()
    NO_COMMAND = auto()
    BAD_TYPE = auto()
    TYPE_TWICE = auto()
    TYPE_MISSPELT = auto()
    UNKNOWN_KEY = auto()
    KEY_TWICE = auto()
    WRONG_KIND = auto()
    NOT_ONE_OF = auto()
    BAD_PATH = auto()
    BAD_SCHEDULE = auto()
    MISSING_KEY = auto()
    NOT_TOGETHER = auto()


@dataclass(frozen=True)
class Mistake:
    """One mistake at a place, both counted from 1; `column` 0: not known."""

    file: str
    line: int
    column: int
    wrong: Wrong
    name: str
    other: str = ""


MISTAKES = {
    Wrong.NOT_A_PROCESS: "`{name}` is not of the form `type: command`",
    Wrong.NO_COMMAND: "`{name}:` has no command",
    Wrong.BAD_TYPE: "`{name}` is not a type: it is a lower-case letter, then letters, digits, - or _",
    Wrong.TYPE_TWICE: "`{name}` stands there a second time, after line {other}",
    Wrong.TYPE_MISSPELT: "`{name}:` → did you mean `{other}:`?",
    Wrong.UNKNOWN_KEY: "`{name}` → did you mean `{other}`?",
    Wrong.KEY_TWICE: "`{name}` stands there a second time, after line {other}",
    Wrong.WRONG_KIND: "`{name}` should be {other}",
    Wrong.NOT_ONE_OF: "`{name}` should be {other}",
    Wrong.BAD_PATH: "`{name}` should be a path that begins with / and has no blanks, not {other}",
    Wrong.BAD_SCHEDULE: "`{name}` should be five fields such as `0 3 * * *`, not {other}",
    Wrong.MISSING_KEY: "`{name}` has no `{other}`",
    Wrong.NOT_TOGETHER: "`{name}` stands beside `{other}`: make two checks of it, each with one of them",
}


@dataclass(frozen=True)
class ManifestMistakes(Problem):
    """All mistakes of the Procfile and app.json, in their order."""

    mistakes: tuple[Mistake, ...]

    def report(self) -> Report:
        files = list(dict.fromkeys(mistake.file for mistake in self.mistakes))
        names = " and ".join("the Procfile" if file == "Procfile" else file for file in files)
        count = "1 mistake" if len(self.mistakes) == 1 else f"{len(self.mistakes)} mistakes"
        expected = {
            "Procfile": f"lines such as: {PROCFILE_EXAMPLE}",
            "app.json": "the keys of https://devcenter.heroku.com/articles/app-json-schema and Dokku's `healthchecks`",
        }
        have = "have" if len(files) > 1 else "has"
        return Report(
            f"{names[0].upper() if names.startswith('the') else names[0]}{names[1:]} {have} {count}.",
            "\n".join(map(_mistake, self.mistakes)),
            "\n".join(expected[file] for file in files),
            f"Mend {'that' if len(self.mistakes) == 1 else 'these'}, {AGAIN}",
        )


@dataclass(frozen=True)
class SettingsWrong(Problem):
    """All mistakes of a table of settings in the file `place`; `expected` says what may stand in it."""

    place: str
    mistakes: tuple[Mistake, ...]
    expected: str

    def report(self) -> Report:
        count = "1 mistake" if len(self.mistakes) == 1 else f"{len(self.mistakes)} mistakes"
        return Report(
            f"{self.place} has {count}.",
            "\n".join(MISTAKES[it.wrong].format(name=it.name, other=it.other) for it in self.mistakes),
            self.expected,
            f"Mend {'that' if len(self.mistakes) == 1 else 'these'}, {AGAIN}",
        )


@dataclass(frozen=True)
class EmptyProcfile(Problem):
    """A Procfile without a single process."""

    words = (
        "The Procfile names no process.",
        "no line but blanks and comments",
        f"a line for each process, such as: {PROCFILE_EXAMPLE}",
        "Add one, " + AGAIN,
    )


@dataclass(frozen=True)
class NotText(Problem):
    """A file that is not UTF-8. `looks_like` names another encoding if its first bytes do."""

    file: str
    line: int
    column: int
    byte: int
    looks_like: str

    def report(self) -> Report:
        what = self.looks_like or f"the byte 0x{self.byte:02x} in line {self.line}, column {self.column}"
        return Report(f"{self.file} is not UTF-8 text.", what, "UTF-8", f"Save {self.file} as UTF-8, {AGAIN}")


@dataclass(frozen=True)
class BadSyntax(Problem):
    """A file that is not valid `language`; `advice` is what mends the commonest cause, "" when it is not known."""

    file: str
    language: str
    line: int
    column: int
    reason: str
    advice: str = ""

    def report(self) -> Report:
        column = f", column {self.column}" if self.column else ""
        return Report(
            f"{self.file} is not valid {self.language}.",
            f"line {self.line}{column}: {self.reason}" if self.line else self.reason,
            self.language,
            f"{self.advice or f'Mend line {self.line}'}, {AGAIN}",
        )


@dataclass(frozen=True)
class NotAnObject(Problem):
    """An app.json whose value is not an object."""

    kind: str

    words = (
        "app.json is not a JSON object.",
        "{kind}",
        'something such as {{"name": "shop"}}',
        "Mend it, " + AGAIN,
    )


def _mistake(it: Mistake) -> str:
    column = f", column {it.column}" if it.column else ""
    return f"{it.file} line {it.line}{column}: " + MISTAKES[it.wrong].format(name=it.name, other=it.other)

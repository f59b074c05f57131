"""The cases: a folder each in `tests/fixtures/errors`, of which the tests and `docs/errors.md` are made.

`case.toml` says what is wrong and at which stage it shows; `app/` is the app (no folder: no files); `told.txt` is our
text in full, with {…} where it quotes others. For the stage `output`, `output.txt` is what BuildKit printed.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.builder.conftest import MemorySource

FOLDER = Path(__file__).parent.parent / "fixtures" / "errors"
MASK = "{…}"
STAGES = {
    "receive": "Before anything is received",
    "detect": "Before the build",
    "build": "In the build",
    "output": "In the build, told from what BuildKit printed",
    "boot": "When the app starts",
}


@dataclass(frozen=True)
class Case:
    """One wrong app."""

    name: str
    what: str
    stage: str
    timeout_s: float
    room: Mapping[str, Any]  # for the stage `receive`: what is free and what is wanted, in MB

    @property
    def folder(self) -> Path:
        return FOLDER / self.name

    @property
    def told(self) -> str:
        return (self.folder / "told.txt").read_text().rstrip("\n")

    @cached_property
    def source(self) -> MemorySource:
        """The app's files, its links as links."""
        files: dict[str, bytes | str] = {}
        links: dict[str, str] = {}
        root = self.folder / "app"
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root).as_posix()
            if path.is_symlink():
                links[name] = os.readlink(path)
            elif path.is_file():
                executable = bool(path.stat().st_mode & 0o100)
                files[name + ("!x" if executable else "")] = path.read_bytes()
        return MemorySource(files, links)

    def matches(self, text: str) -> bool:
        """Whether `text` is what is told, whatever stands at the masks."""
        return re.fullmatch(".*?".join(map(re.escape, self.told.split(MASK))), text, re.DOTALL) is not None


def load() -> tuple[Case, ...]:
    """All cases, in the order of the stages and of their names."""
    order = list(STAGES)
    cases = [_case(path.parent) for path in FOLDER.glob("*/case.toml")]
    return tuple(sorted(cases, key=lambda case: (order.index(case.stage), case.name)))


def _case(folder: Path) -> Case:
    values = tomllib.loads((folder / "case.toml").read_text())
    return Case(folder.name, values["what"], values["stage"], values.get("timeout_s", 20.0), values.get("room", {}))


def of_stage(stage: str) -> list[Case]:
    return [case for case in load() if case.stage == stage]

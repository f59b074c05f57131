"""Log lines as a page shows them: without terminal colours, grouped by what they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Final

# ECMA-48 control sequences (colours, cursor), OSC sequences (titles, links), and what is left of control characters.
_ESCAPES: Final = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-_]?")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class LineKind(StrEnum):
    """What a line of a deploy's log is; the value is its CSS class. The same rule stands in log.js."""

    PLAIN = ""
    STEP = "step"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Passage:
    """Neighbouring lines of one kind, each with its line break."""

    kind: LineKind
    text: str


def plain(text: str) -> str:
    """One line without escapes; of a progress bar that redraws itself with carriage returns, its last shape."""
    line = text.rstrip("\r\n").rpartition("\r")[2]
    return _CONTROLS.sub("", _ESCAPES.sub("", line))


def kind_of(line: str) -> LineKind:
    """A step (`-----> …`), a problem (` !     …`) or plain output."""
    if line.startswith("----->"):
        return LineKind.STEP
    return LineKind.PROBLEM if line.startswith(" !  ") else LineKind.PLAIN


def passages(lines: Iterable[str]) -> list[Passage]:
    """The lines in few pieces, so that a page of many thousand lines stays light."""
    return [
        Passage(kind, "".join(f"{line}\n" for line in group))
        for kind, group in groupby((plain(line) for line in lines), key=kind_of)
    ]

"""BuildKit's plain progress, made readable: the Dockerfile's steps and what they print, nothing internal.

The form of the input (`docker build --progress=plain`, BuildKit 0.8 and later): `#7 [4/6] RUN make` names vertex 7,
`#7 sha256:…` its digest, `#7 0.26 text` a line of its output after 0.26 s, then `#7 DONE 0.3s`, `#7 CACHED` or
`#7 ERROR: …`. What follows the first line of dashes repeats the failure. Steps of stages that run at once take turns:
each turn begins with the step's heading again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_VERTEX = re.compile(r"^#(\d+) (.*)$")
_STEP = re.compile(r"^\[(?P<place>(?:[\w.-]+ )?\d+/\d+)\] (?P<text>.*)$")
_OUTPUT = re.compile(r"^\d+\.\d+ ?(.*)$")
_END = re.compile(r"^(?:DONE \d[\d.]*s|CACHED|CANCELED)$")
_DETAIL = re.compile(r"^(?:sha256:[0-9a-f]{64}|(?:\.\.\.)|)$")
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_EXECUTOR = re.compile(
    r"(?:executor failed running|process) .*?: exit code: (\d+)|did not complete successfully: exit code: (\d+)"
)
_UNTOLD = re.compile(
    r"--mount=\S+\s+|: config \S+; (?:\. /run/secrets/config && )?|(?<=FROM )docker\.io/|"
    r"find \. .*?-exec touch \{\} \+\s+&& "
)
CACHED = "CACHED"
KEPT_LINES = 200


@dataclass(frozen=True)
class Line:
    """A line to show: the heading of a step (`number` as in "3/7"), or output of one, `under` that heading.

    `CACHED` instead of output: the step was not run, for an earlier build's result serves.
    """

    text: str
    number: str = ""
    under: str = ""

    def __str__(self) -> str:
        return f"[{self.number}] {self.text}" if self.number else f"  {self.text}"


@dataclass
class Progress:
    """Fed line by line; gives what to show. `failure` is BuildKit's own last word, `tail` the last output lines."""

    failure: str = ""
    failed_step: str = ""
    tail: list[str] = field(default_factory=list)
    _steps: dict[str, Line] = field(default_factory=dict)
    _shown: str = ""
    _over: bool = False

    def feed(self, line: str) -> list[Line]:
        """The lines to show for one line of BuildKit's output."""
        line = _ANSI.sub("", line.rsplit("\r", 1)[-1])
        match = _VERTEX.match(line)
        if self._over or match is None:
            return self._outside(line)
        vertex, text = match.groups()
        return self._inside(vertex, text)

    def _outside(self, line: str) -> list[Line]:
        if line.startswith("------"):
            self._over = True
        elif line.strip() and not line.startswith(" > "):
            self.failure = line.strip()
        return []

    def _inside(self, vertex: str, text: str) -> list[Line]:
        step = _STEP.match(text)
        if step:
            return self._begin(vertex, step)
        if text.startswith("ERROR: "):
            self.failure = text.removeprefix("ERROR: ")
            self.failed_step = self._steps[vertex].text if vertex in self._steps else ""
            return []
        if vertex not in self._steps or _DETAIL.match(text):
            return []
        if _END.match(text):
            runs = not self._steps[vertex].text.startswith("FROM ")
            return self._below(vertex, CACHED) if text == CACHED and runs else []
        output = _OUTPUT.match(text)
        if output is None:
            return []
        shown = re.sub(rf"#{vertex} (DONE \d[\d.]*s|ERROR: .*)$", "", output[1])
        self.tail = [*self.tail[1 - KEPT_LINES :], shown]
        return self._below(vertex, shown)

    def _begin(self, vertex: str, step: re.Match[str]) -> list[Line]:
        if vertex in self._steps:
            return []
        self._steps[vertex] = Line(untold(step["text"]), label(step["place"]))
        self._shown = vertex
        return [self._steps[vertex]]

    def _below(self, vertex: str, text: str) -> list[Line]:
        """A line under its step's heading, which is shown again when another step has had its turn since."""
        heading = self._steps[vertex]
        again = [] if vertex == self._shown else [heading]
        self._shown = vertex
        return [*again, Line(text, under=heading.number)]

    @property
    def exit_code(self) -> int | None:
        """The exit code of the RUN that failed, if one did."""
        found = _EXECUTOR.search(self.failure)
        return int(found[1] or found[2]) if found else None


def untold(instruction: str) -> str:
    """An instruction without what is Portside's own in it: mounts, the file of secrets, the times of files."""
    return re.sub(r"\s+", " ", _UNTOLD.sub("", instruction))


def label(place: str) -> str:
    """Where a step stands: `build 3/6`; a stage without a name of its own has none ("stage-1 3/6", "3/6")."""
    return re.sub(r"^stage-\d+ ", "", place)

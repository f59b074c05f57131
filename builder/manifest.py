"""What an app says about itself: its Procfile, and the health checks in its app.json."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from builder import bake_settings, release_settings
from builder.app_json import parse_app_json
from builder.json_places import Node, plain
from builder.near import is_slip_of
from builder.problems import PROCFILE_EXAMPLE, EmptyProcfile, ManifestMistakes, Mistake, NotText, Wrong, failed
from builder.types import NOTHING_RESTS, Resting, Source, Trial

__all__ = ["PROCFILE_EXAMPLE", "Manifest", "parse_procfile", "read_manifest"]

TYPE_NAME = re.compile(r"^[a-z][a-z0-9_-]{0,29}$")
NAMES_WITH_A_MEANING = ("web", "release")  # a slip in any other name only makes a process type of that name
LONGEST_SHOWN = 80
NO_APP_JSON = Node(0, 0, "an object")
_LIKELY_LINE = re.compile(r"^([^\s:=]+)\s*:\s*(.*)$")
_MARKS = ((codecs.BOM_UTF16_LE, "UTF-16"), (codecs.BOM_UTF16_BE, "UTF-16"))


@dataclass(frozen=True)
class Manifest:
    """`processes`: (type, command) in the Procfile's order, None when there is no Procfile.

    `healthchecks`: app.json's list for each type that has one, as JSON text. `overlap`: whether an old and a new
    instance of a type may run side by side, and `shrink` how far `web` may shrink meanwhile, where app.json says it.
    `quantities` and `sizes`: app.json's formation.
    `cron`: its list, as JSON text. `resting` and `trial`: what portside.toml says.
    """

    processes: tuple[tuple[str, str], ...] | None
    healthchecks: Mapping[str, str]
    overlap: Mapping[str, bool] = field(default_factory=dict)
    resting: Resting = NOTHING_RESTS
    trial: Trial | None = None
    quantities: Mapping[str, int] = field(default_factory=dict)
    sizes: Mapping[str, str] = field(default_factory=dict)
    cron: str = "[]"
    shrink: Mapping[str, str] = field(default_factory=dict)


def read_manifest(source: Source) -> Manifest:
    """The manifest of a source; raises BuildFailed with every mistake that its files have."""
    procfile, app_json = source.read("Procfile"), source.read("app.json")
    processes, wrong = (None, []) if procfile is None else _processes(procfile)
    said = NO_APP_JSON
    if app_json is not None:
        said, more = parse_app_json(_text("app.json", app_json))
        wrong += more
    _raise_if(wrong)
    if processes is not None and not processes:
        raise failed(EmptyProcfile())
    resting = release_settings.resting(source, processes)
    types = None if processes is None else tuple(processes.items())
    quantities = {name: int(text) for name, text in _formation(said, "quantity").items()}
    overlap = {name: text == "True" for name, text in _formation(said, "overlap").items()}
    told = (resting, bake_settings.trial(source))
    formation = (quantities, _formation(said, "size"))
    shrink = _formation(said, "shrink")
    return Manifest(types, _healthchecks(said), overlap, *told, *formation, _cron(said), shrink)


def parse_procfile(content: bytes) -> tuple[tuple[str, str], ...]:
    """`type: command` lines; blank lines and comments are passed over. Raises BuildFailed with every mistake."""
    processes, wrong = _processes(content)
    _raise_if(wrong)
    if not processes:
        raise failed(EmptyProcfile())
    return tuple(processes.items())


def _raise_if(mistakes: list[Mistake]) -> None:
    if mistakes:
        raise failed(ManifestMistakes(tuple(mistakes)))


def _processes(content: bytes) -> tuple[dict[str, str], list[Mistake]]:
    found: dict[str, str] = {}
    lines: dict[str, int] = {}
    wrong: list[Mistake] = []
    for number, raw in enumerate(_text("Procfile", content).splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        name, command, mistake = _process(number, line, lines)
        wrong += [mistake] if mistake else []
        found.setdefault(name, command)
        lines.setdefault(name, number)
    return found, sorted(wrong + _misspelt(lines), key=lambda it: it.line)


def _process(number: int, line: str, lines: Mapping[str, int]) -> tuple[str, str, Mistake | None]:
    """(type, command, what is wrong with the line)."""
    match = _LIKELY_LINE.match(line)
    if match is None:
        return "", "", Mistake("Procfile", number, 0, Wrong.NOT_A_PROCESS, line[:LONGEST_SHOWN])
    name, command = match.groups()
    if not TYPE_NAME.match(name):
        if TYPE_NAME.match(name.lower()):
            return "", "", Mistake("Procfile", number, 0, Wrong.TYPE_MISSPELT, name, name.lower())
        return "", "", Mistake("Procfile", number, 0, Wrong.BAD_TYPE, name[:LONGEST_SHOWN])
    if not command:
        return name, "", Mistake("Procfile", number, 0, Wrong.NO_COMMAND, name)
    twice = name in lines
    return name, command, Mistake("Procfile", number, 0, Wrong.TYPE_TWICE, name, str(lines[name])) if twice else None


def _misspelt(lines: Mapping[str, int]) -> list[Mistake]:
    return [
        Mistake("Procfile", number, 0, Wrong.TYPE_MISSPELT, name, meant)
        for meant in NAMES_WITH_A_MEANING
        if meant not in lines
        for name, number in lines.items()
        if is_slip_of(name, meant)
    ]


def _text(file: str, content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        kind = next((name for mark, name in _MARKS if content.startswith(mark)), "")
        raise failed(NotText(file, line, column, content[error.start], kind)) from error
    if "\0" in text:
        line, column = text[: text.index("\0")].count("\n") + 1, text.index("\0") + 1
        raise failed(NotText(file, line, column, 0, "UTF-16 without its mark, or a binary file"))
    return text


def _formation(node: Node, key: str) -> dict[str, str]:
    """`formation.TYPE.KEY` as it stands; `overlap` and `shrink` are Portside's own."""
    formation = node.get("formation")
    entries = formation.entries if formation else ()
    return {one.key: said.text for one in entries if (said := one.node.get(key)) is not None}


def _cron(node: Node) -> str:
    """The format: https://dokku.com/docs/processes/scheduled-cron-tasks/; `time_limit` (seconds) is Portside's own."""
    cron = node.get("cron")
    return "[]" if cron is None else json.dumps(plain(cron))


def _healthchecks(node: Node) -> dict[str, str]:
    """The format: https://dokku.com/docs/deployment/zero-downtime-deploys/."""
    checks = node.get("healthchecks")
    return {one.key: json.dumps(plain(one.node)) for one in (checks.entries if checks else ()) if one.node.items}

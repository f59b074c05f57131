"""JSON with the place of every value and key, which the standard parser does not tell."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from json.decoder import scanstring  # type: ignore[attr-defined]

_BLANKS = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True)
class Node:
    """A value and where it stands, counted from 1. `value` is a scalar, a tuple of items, or a tuple of entries."""

    line: int
    column: int
    kind: str
    text: str = ""
    items: tuple[Node, ...] = ()
    entries: tuple[Entry, ...] = field(default=())

    def get(self, key: str) -> Node | None:
        """The value of a key; of several equal ones the last counts, as everywhere."""
        return next((entry.node for entry in reversed(self.entries) if entry.key == key), None)


@dataclass(frozen=True)
class Entry:
    """A key of an object, where it stands, and its value."""

    key: str
    line: int
    column: int
    node: Node


def read_json(text: str) -> Node:
    """The value of a document; raises json.JSONDecodeError or RecursionError."""
    json.loads(text)
    return _Reader(text).node(0)[0]


def plain(node: Node) -> object:
    """The value without its places."""
    match node.kind:
        case "an object":
            return {entry.key: plain(entry.node) for entry in node.entries}
        case "a list":
            return [plain(item) for item in node.items]
        case "text":
            return node.text
    return {"True": True, "False": False, "None": None}.get(node.text, _number(node.text))


def _number(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


@dataclass(frozen=True)
class _Reader:
    """Walks a document that is known to be valid. Each method takes and gives a position."""

    text: str

    def node(self, at: int) -> tuple[Node, int]:
        at = self._skip(at)
        place = self._place(at)
        if self.text[at] == "{":
            return self._object(at + 1, place)
        if self.text[at] == "[":
            return self._list(at + 1, place)
        value, end = _DECODER.raw_decode(self.text, at)
        return Node(*place, _kind(value), str(value)), end

    def _object(self, at: int, place: tuple[int, int]) -> tuple[Node, int]:
        entries: list[Entry] = []
        while self.text[at := self._skip(at)] != "}":
            at = self._skip(at + 1) if self.text[at] == "," else at
            key_place = self._place(at)
            key, at = scanstring(self.text, at + 1)
            node, at = self.node(self._skip(at) + 1)
            entries.append(Entry(key, *key_place, node))
        return Node(*place, "an object", entries=tuple(entries)), at + 1

    def _list(self, at: int, place: tuple[int, int]) -> tuple[Node, int]:
        items: list[Node] = []
        while self.text[at := self._skip(at)] != "]":
            node, at = self.node(at + 1 if self.text[at] == "," else at)
            items.append(node)
        return Node(*place, "a list", items=tuple(items)), at + 1

    def _skip(self, at: int) -> int:
        match = _BLANKS.match(self.text, at)
        return match.end() if match else at

    def _place(self, at: int) -> tuple[int, int]:
        before = self.text.rfind("\n", 0, at)
        return self.text.count("\n", 0, at) + 1, at - before


def _kind(value: object) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int):
        return "a whole number"
    kinds: tuple[tuple[type, str], ...] = ((str, "text"), (float, "a number"), (type(None), "null"))
    return next(name for kind, name in kinds if isinstance(value, kind))

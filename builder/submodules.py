"""Git submodules: a push carries only their names, so their files are never in a build."""

from __future__ import annotations

import re

from builder.types import Source

_PATH = re.compile(r"^\s*path\s*=\s*(.+?)\s*$", re.MULTILINE)


def submodules(source: Source) -> tuple[str, ...]:
    """The folders of a source's submodules, as its `.gitmodules` names them."""
    return tuple(_PATH.findall((source.read(".gitmodules") or b"").decode(errors="replace")))


def submodule_of(path: str, source: Source) -> str | None:
    """The submodule that a path is, or lies in."""
    return next((one for one in submodules(source) if path == one or path.startswith(f"{one}/")), None)

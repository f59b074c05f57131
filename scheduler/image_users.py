"""Which numbers the `USER` of an image stands for, read as the engine does.

The rules are those of `GetExecUser` in https://github.com/moby/sys (user/user.go): a name before a number, the group of
the passwd entry unless one is named, group 0 for a number that has no entry.
"""

from __future__ import annotations

from collections.abc import Iterator


def ids_of(user: str, passwd: str, group: str) -> tuple[int, int] | None:
    """(uid, gid) of `user` or `user:group`, with the texts of the image's files; None when the image lacks a name."""
    wanted, _, wanted_group = user.partition(":")
    entry = next((found for found in _entries(passwd, 4) if wanted in (found[0], found[2])), None)
    if entry is not None:
        uid, gid = _number(entry[2]), _number(entry[3])
    else:
        uid, gid = _number(wanted), 0
    if wanted_group:
        named = next((found for found in _entries(group, 3) if wanted_group in (found[0], found[2])), None)
        gid = _number(named[2] if named is not None else wanted_group)
    return None if uid is None or gid is None else (uid, gid)


def _entries(text: str, fields: int) -> Iterator[list[str]]:
    for line in text.splitlines():
        parts = line.strip().split(":")
        if len(parts) >= fields and not parts[0].startswith("#"):
            yield parts


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() else None

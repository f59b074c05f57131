"""Paths on a host that lead to another app than the rest of it. Pure; what passes here is safe in a map and a command.

HAProxy finds the longest key that the host with its path begins with. Keys and what is looked up end in a slash, so
that /api leads /api and /api/x, not /apix.
"""

from __future__ import annotations

import re

from core.errors import UserError

_SEGMENT = re.compile(r"[A-Za-z0-9._~-]+")  # RFC 3986, section 2.3: these have one spelling only
_LONGEST = 200
NOBODYS = "nobody"  # what HAProxy gives for a path that leads to no app of its own


def split(text: str) -> tuple[str, str]:
    """A domain as people write it, as host and path ("" for none): `example.com/api/`, example.com and /api.

    Raises UserError for a path that can't lead anywhere. The host is not looked at.
    """
    stripped = text.strip()
    if "://" in stripped:
        return stripped, ""
    host, _, rest = stripped.partition("/")
    rest = rest.removesuffix("/")
    return (host, _check(f"/{rest}")) if rest else (host, "")


def _check(path: str) -> str:
    segments = path[1:].split("/")
    if len(path) > _LONGEST or not all(map(_SEGMENT.fullmatch, segments)) or {".", ".."} & set(segments):
        raise UserError(
            f"{path!r} can't lead to an app: its parts may hold A-Z, a-z, 0-9 and -._~, {_LONGEST} characters in all.",
            "Give a path such as /api or /docs/v2.",
        )
    return path


def check_options(path: str, redirect_to: str | None, strip: bool) -> None:
    """Raise UserError for what a path, or a host as a whole, can't have."""
    if path and redirect_to:
        raise UserError(f"Only a whole host can redirect, and {path} is a part of one.", "Leave --redirect-to out.")
    if strip and not path:
        raise UserError("There is no path that could be stripped.", "Give one: portside domains:add example.com/api")


def overlap(path: str, other: str) -> bool:
    """Whether one of the two is the other, or lies under it."""
    return f"{path}/".startswith(f"{other}/") or f"{other}/".startswith(f"{path}/")


def key(host: str, path: str) -> str:
    """What HAProxy's map has of a path."""
    return f"{host}{path}/"


def value(app_id: str, path: str, strip: bool) -> str:
    """Where it leads: the app, with the path behind it if that is to be taken away."""
    return f"{app_id}{path}" if strip else app_id

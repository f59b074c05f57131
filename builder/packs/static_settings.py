"""What a site says about itself: the table [static] of portside.toml, else Heroku's static.json.

The keys of static.json: https://github.com/heroku/heroku-buildpack-static. What the router does anyway, or what only
changed logs, is passed over; what would do harm if it were passed over is refused.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from builder.near import nearest
from builder.portside_toml import SETTINGS_FILE, portside_toml
from builder.problems import BadSyntax, Mistake, SettingsWrong, Wrong, failed
from builder.problems.sites import SITE_KEYS, SiteFeatureRefused
from builder.types import Source

STATIC_JSON = "static.json"
_KINDS: Mapping[str, tuple[type, str]] = {
    "root": (str, "text"),
    "spa": (bool, "true or false"),
    "clean_urls": (bool, "true or false"),
    "routes": (dict, "a table of path → file"),
    "redirects": (dict, "a table of path → address"),
    "error_page": (str, "text"),
    "headers": (dict, "a table of path → headers"),
}
_PASSED_OVER = ("https_only", "canonical_host", "encoding", "logging")
_REFUSED = {
    "proxies": "Let the page call the other server by its own address, or bring a server of your own.",
    "basic_auth": "Put a server of your own before the files, for a site answers everybody.",
}
_PATTERN = re.compile(r"/[\w/.*~%+@:,=-]*")
_FILE = re.compile(r"/?[\w.-]+(/[\w.-]+)*/?")
_ADDRESS = re.compile(r"(/|https?://)[!#%&'()*+,./0-9:;=?@A-Z_a-z~-]*")
_HEADER = re.compile(r"[\w-]+")
_VALUE = re.compile(r"[\t\x20-\x7e]*")
_REDIRECTS = (301, 302, 307, 308)


@dataclass(frozen=True)
class SiteSettings:
    """`place` is where they stand, "" for a site that says nothing; `root` is "" when it is not told.

    `routes`: (pattern, file); `redirects`: (pattern, address, status); `headers`: (pattern, name, value). A pattern
    is a path in which `*` is anything but a slash and `**` is anything.
    """

    place: str = ""
    root: str = ""
    spa: bool | None = None
    clean_urls: bool = True
    routes: tuple[tuple[str, str], ...] = ()
    redirects: tuple[tuple[str, str, int], ...] = ()
    error_page: str = ""
    headers: tuple[tuple[str, str, str], ...] = field(default=())


def is_told(source: Source) -> str:
    """Where a site's settings stand; "" when nowhere."""
    if "static" in portside_toml(source):
        return SETTINGS_FILE
    return STATIC_JSON if STATIC_JSON in source.paths() else ""


def site_settings(source: Source) -> SiteSettings:
    """The settings of a source; raises BuildFailed with every mistake that they have."""
    place = is_told(source)
    if not place:
        return SiteSettings()
    told = portside_toml(source)["static"] if place == SETTINGS_FILE else _static_json(source)
    mistakes = tuple(_mistakes(told, place))
    if mistakes:
        raise failed(SettingsWrong(place, mistakes, SITE_KEYS))
    for key, instead in _REFUSED.items():
        if told.get(key):
            raise failed(SiteFeatureRefused(place, key, instead))
    return SiteSettings(
        place,
        posixpath.normpath(told["root"].strip("/") or ".") if "root" in told else "",
        told.get("spa"),
        told.get("clean_urls", True),
        tuple((pattern, file.strip("/")) for pattern, file in told.get("routes", {}).items()),
        tuple((pattern, *_redirect(value)) for pattern, value in told.get("redirects", {}).items()),
        told.get("error_page", "").strip("/"),
        tuple((path, name, value) for path, each in told.get("headers", {}).items() for name, value in each.items()),
    )


def _static_json(source: Source) -> dict[str, Any]:
    content = source.read(STATIC_JSON) or b""
    try:
        told = json.loads(content.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise failed(BadSyntax(STATIC_JSON, "JSON", error.lineno, error.colno, error.msg)) from error
    except UnicodeDecodeError as error:
        raise failed(BadSyntax(STATIC_JSON, "JSON", 0, 0, "not UTF-8 text", "Save it as UTF-8")) from error
    return told if isinstance(told, dict) else {"": told}


def _redirect(value: Any) -> tuple[str, int]:
    return (value, 301) if isinstance(value, str) else (value["url"], value.get("status", 301))


def _mistakes(told: Any, place: str) -> Iterator[Mistake]:
    if not isinstance(told, dict) or "" in told:
        what = "static" if place == SETTINGS_FILE else STATIC_JSON
        yield Mistake(place, 0, 0, Wrong.WRONG_KIND, what, "a table of settings")
        return
    for key, value in told.items():
        kind, words = _KINDS.get(key, (object, ""))
        if not isinstance(value, kind):
            yield _mistake(place, Wrong.WRONG_KIND, key, words)
        elif key in _KINDS:
            yield from _inside(place, key, value)
        elif key not in (*_PASSED_OVER, *_REFUSED):
            yield from _unknown(place, key)


def _unknown(place: str, key: str) -> Iterator[Mistake]:
    """A key that nobody knows is a mistake in our own file; in static.json, which other tools may read, a near miss."""
    meant = nearest(key, _KINDS)
    if meant is not None:
        yield _mistake(place, Wrong.UNKNOWN_KEY, key, meant)
    elif place == SETTINGS_FILE:
        yield _mistake(place, Wrong.NOT_ONE_OF, key, f"one of {', '.join(_KINDS)}")


def _inside(place: str, key: str, value: Any) -> Iterator[Mistake]:
    if isinstance(value, str) and (
        (not _FILE.fullmatch(value) and value not in (".", "/")) or ".." in value.split("/")
    ):
        yield _mistake(place, Wrong.NOT_ONE_OF, key, f"a path in the repository, not `{value}`")
    if not isinstance(value, dict):
        return
    checks = {"routes": _wrong_route, "redirects": _wrong_redirect, "headers": _wrong_headers}
    for pattern, each in value.items():
        name = f"{key}.{pattern}"
        if not _PATTERN.fullmatch(pattern):
            yield _mistake(place, Wrong.BAD_PATH, name, f"`{pattern}`")
        elif wrong := checks[key](each):
            yield _mistake(place, Wrong.NOT_ONE_OF, name, wrong)


def _wrong_route(value: Any) -> str:
    return "" if isinstance(value, str) and _is_file(value) else "a file such as index.html"


def _is_file(text: str) -> bool:
    return _FILE.fullmatch(text) is not None and ".." not in text.split("/")


def _wrong_redirect(value: Any) -> str:
    table = {"url": value} if isinstance(value, str) else value
    if not isinstance(table, dict) or not isinstance(table.get("url"), str) or not _ADDRESS.fullmatch(table["url"]):
        return 'an address such as "/new", or {"url": "/new", "status": 302}'
    statuses = ", ".join(map(str, _REDIRECTS))
    return "" if table.get("status", 301) in _REDIRECTS else f"an address with a status of {statuses}"


def _wrong_headers(value: Any) -> str:
    are_texts = isinstance(value, dict) and all(
        isinstance(text, str) and _HEADER.fullmatch(name) and _VALUE.fullmatch(text) for name, text in value.items()
    )
    return "" if are_texts else 'a table of header → text, such as {"X-Frame-Options": "DENY"}'


def _mistake(place: str, wrong: Wrong, name: str, other: str) -> Mistake:
    return Mistake(place, 0, 0, wrong, f"static.{name}" if place == SETTINGS_FILE else name, other)

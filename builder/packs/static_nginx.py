"""What a site's settings mean to nginx: the values of `static.nginx.j2`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from builder.packs.static_settings import SiteSettings

# A name with eight hexadecimal digits or more, letters and numbers among them: made from the content, so never changed.
HASHED = r"[.-](?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{8,}(\.\w+)+$"
_CACHE = "Cache-Control"
_FOREVER = "public, max-age=31536000, immutable"
_HAS_EXTENSION = r"\.[^/]+$"


def nginx_values(settings: SiteSettings, root: str, is_spa: bool, hashed: str) -> dict[str, object]:
    """The values: every list in the order in which nginx asks it, the first that fits wins.

    A later entry of the settings goes before an earlier one. Routes to files with an extension are asked before the
    rule that a missing file is missing, the others after it.
    """
    routes = [(pattern_regex(pattern), f"/{file}") for pattern, file in reversed(settings.routes)]
    routes += [("^.*$", "/index.html")] if is_spa else []
    with_extension = [it for it in routes if re.search(r"\\\.[^/]*\$$", it[0])]
    others = [it for it in routes if it not in with_extension]
    redirects: dict[int, list[tuple[str, str]]] = {}
    for pattern, address, status in reversed(settings.redirects):
        redirects.setdefault(status, []).append((pattern_regex(pattern), escaped(address)))
    return {
        "routes": [*with_extension, (_HAS_EXTENSION, ""), *others] if routes else [],
        "redirects": redirects,
        "headers": _headers(settings, [HASHED, *([hashed] if hashed else [])]),
        "clean_urls": settings.clean_urls,
        "error_page": f"/{settings.error_page or '404.html'}",
        "hides": root == ".",
    }


def pattern_regex(pattern: str) -> str:
    """A pattern of the settings as a regular expression: `*` is anything but a slash, `**` anything."""
    parts = re.split(r"(\*\*|\*)", pattern)
    meanings: Mapping[str, str] = {"**": ".*", "*": "[^/]*"}
    return f"^{''.join(meanings.get(part) or re.escape(part) for part in parts)}$"


def escaped(text: str) -> str:
    """A text for nginx's double quotes; `$dollar` is defined in the template."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "${dollar}")


def _headers(settings: SiteSettings, hashed: list[str]) -> list[dict[str, object]]:
    """Each header with its rules (regular expression, value); Cache-Control always, for it has a default."""
    rules: dict[str, list[tuple[str, str]]] = {_CACHE: []}
    for pattern, name, value in reversed(settings.headers):
        known = next((one for one in rules if one.lower() == name.lower()), name)
        rules.setdefault(known, []).append((pattern_regex(pattern), escaped(value)))
    rules[_CACHE] += [(regex, _FOREVER) for regex in hashed]
    return [
        {"name": name, "rules": each, "default": "no-cache" if name == _CACHE else "", "always": name != _CACHE}
        for name, each in rules.items()
    ]

"""Which pack builds an app: the one that somebody chose, or the first that knows the source.

In this order: `portside buildpacks:set`, `builder = "…"` in portside.toml, `buildpacks` in app.json, detection.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from builder import packs
from builder.portside_toml import SETTINGS_FILE, portside_toml
from builder.problems import AGAIN
from builder.types import BuildFailed, Detected, Source
from core.errors import UserError
from core.reports import Report

BY_COMMAND = "buildpacks:set"
_HEROKU_NAMES = {"dockerfile": "dockerfile", "container": "dockerfile", "docker": "dockerfile", "nodejs": "node"}


@dataclass(frozen=True)
class Picked:
    """A pack and what it found. `told` are lines on the choice, for who reads the build's log."""

    pack: packs.Pack
    detected: Detected
    told: tuple[str, ...] = ()


def pack_named(text: str) -> packs.Pack | None:
    """The pack that people mean: by its name, as `heroku/NAME`, or by the address of Heroku's buildpack for it."""
    last = text.strip().lower().rstrip("/").removesuffix(".git").rpartition("/")[2]
    name = last.partition("#")[0].removeprefix("heroku-buildpack-").removeprefix("buildpacks-")
    wanted = {name, _HEROKU_NAMES.get(name, name)}
    return next((pack for pack in packs.ALL if pack.name in wanted), None)


def known_pack(text: str) -> packs.Pack:
    """The pack that people mean; raises UserError when there is none."""
    pack = pack_named(text)
    if pack is None:
        names = ", ".join(pack.name for pack in packs.ALL)
        raise UserError(f"There is no pack {text!r}.", f"Choose one of {names}: portside buildpacks:set NAME")
    return pack


def pick(source: Source, chosen: str = "") -> Picked | None:
    """The pack for a source; `chosen` is the app's own choice, "" for none. None when no pack knows the source.

    Raises BuildFailed when the pack that was chosen can't build it.
    """
    for name, by in ((chosen, BY_COMMAND), (_from_settings(source), SETTINGS_FILE), _from_app_json(source)):
        if name:
            return _insist(source, known_pack(name), by)
    found = ((pack, pack.detect(source)) for pack in packs.ALL)
    return next((Picked(pack, detected) for pack, detected in found if detected is not None), None)


def _insist(source: Source, pack: packs.Pack, by: str) -> Picked:
    detected = pack.detect(source)
    if detected is None:
        raise _unfit(pack, by)
    return Picked(pack, detected, (f"The {pack.name} pack, as {by} says",))


def _unfit(pack: packs.Pack, by: str) -> BuildFailed:
    clear = "Let Portside find out: portside buildpacks:clear"
    todo = clear if by == BY_COMMAND else f"Change what {by} says, {AGAIN}"
    return BuildFailed(
        Report(
            f"The {pack.name} pack was chosen, and the app is not of its kind.",
            f"`{pack.name}`, chosen by {by}",
            f"at the root of the repository, one of: {', '.join(pack.files)}",
            todo,
        )
    )


def _from_settings(source: Source) -> str:
    builder = portside_toml(source).get("builder", "")
    return builder if isinstance(builder, str) else str(builder)


def _from_app_json(source: Source) -> tuple[str, str]:
    """The last buildpack that is a pack here, for on Heroku the last one is the app's language."""
    listed = listed_packs(source)
    return (listed[-1].name, "app.json") if listed else ("", "")


def listed_packs(source: Source) -> tuple[packs.Pack, ...]:
    """The buildpacks of app.json that are packs here; others are passed over.

    What is wrong in app.json is told by who reads the whole of it.
    """
    try:
        listed = json.loads(source.read("app.json") or b"{}").get("buildpacks", [])
        found = [pack_named(str(each["url"])) for each in listed]
    except (ValueError, AttributeError, TypeError, KeyError):
        return ()
    return tuple(pack for pack in found if pack is not None)

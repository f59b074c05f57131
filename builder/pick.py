"""Which pack builds an app: the one that somebody chose, or the first that knows the source.

In this order: `portside buildpacks:set`, `buildpacks` or `builder` in portside.toml, `buildpacks` in app.json, and
detection.
A choice is the name of a pack, or the addresses of classic buildpacks, which then run in that order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from builder import packs
from builder.classic import is_address, parse
from builder.packs import buildpack
from builder.portside_toml import SETTINGS_FILE, portside_toml
from builder.problems import AGAIN, BuildpacksMixed, failed
from builder.types import BuildFailed, Detected, Source
from core.errors import UserError
from core.reports import Report

BY_COMMAND = "buildpacks:set"
APP_JSON = "app.json"
_HEROKU_NAMES = {
    **dict.fromkeys(("dockerfile", "container", "docker"), "dockerfile"),
    "nodejs": "node",
    **dict.fromkeys(("gradle", "kotlin", "maven"), "java"),
}

_HEROKUS_OWN = re.compile(r"^https?://(www\.)?github\.com/heroku/", re.IGNORECASE)


@dataclass(frozen=True)
class Picked:
    """A pack and what it found. `told` are lines on the choice, for who reads the build's log."""

    pack: packs.Pack
    detected: Detected
    told: tuple[str, ...] = ()


def pack_named(text: str) -> packs.Pack | None:
    """The pack that people mean: by its name, as `heroku/NAME`, or by the address of Heroku's buildpack for it."""
    if is_address(text.strip()) and not _HEROKUS_OWN.match(text.strip()):
        return None
    last = text.strip().lower().rstrip("/").removesuffix(".git").rpartition("/")[2]
    name = last.partition("#")[0].removeprefix("heroku-buildpack-").removeprefix("buildpacks-")
    wanted = {name, _HEROKU_NAMES.get(name, name)}
    return next((pack for pack in packs.ALL if pack.name in wanted), None)


def known_pack(text: str) -> packs.Pack:
    """The pack that people mean; raises UserError when there is none."""
    pack = pack_named(text)
    if pack is None:
        names = ", ".join(pack.name for pack in packs.ALL)
        choose = f"Choose one of {names}, or a classic buildpack by its https address: portside buildpacks:set NAME"
        raise UserError(f"There is no pack {text!r}.", choose)
    return pack


def selection(names: Sequence[str]) -> tuple[str, ...]:
    """What somebody chose, checked, a pack by its own name; raises UserError for what can't be chosen together."""
    if all(is_classic(name) for name in names):
        return tuple(parse(name).name for name in names)
    if len(names) > 1:
        raise failed(BuildpacksMixed(tuple(names)))
    return (known_pack(names[0]).name,)


def is_classic(name: str) -> bool:
    """Whether a text is the address of a classic buildpack that no pack stands for."""
    return is_address(name.strip()) and pack_named(name) is None


def pick(source: Source, chosen: Sequence[str] = ()) -> Picked | None:
    """The pack for a source; `chosen` is the app's own choice, () for none. None when no pack knows the source.

    Raises BuildFailed when the pack that was chosen can't build it.
    """
    by_file = ((_from_settings(source), SETTINGS_FILE), (_from_app_json(source), APP_JSON))
    for names, by in ((tuple(chosen), BY_COMMAND), *by_file):
        if names:
            picked = _insist(source, selection(names), by)
            return replace(picked, told=picked.told + _passed_over(source)) if by == APP_JSON else picked
    found = ((pack, pack.detect(source)) for pack in packs.ALL)
    return next((Picked(pack, detected) for pack, detected in found if detected is not None), None)


def _insist(source: Source, names: tuple[str, ...], by: str) -> Picked:
    if is_classic(names[0]):
        return Picked(buildpack, buildpack.chosen(source, tuple(map(parse, names))), (f"Buildpacks, as {by} says",))
    pack = known_pack(names[0])
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


def _from_settings(source: Source) -> tuple[str, ...]:
    settings = portside_toml(source)
    told = settings.get("buildpacks") or settings.get("builder") or ()
    return tuple(map(str, told)) if isinstance(told, (list, tuple)) else (str(told),)


def _from_app_json(source: Source) -> tuple[str, ...]:
    """Its classic buildpacks; or, beside one that is a pack here, the last of these: on Heroku that is the language."""
    listed = listed_packs(source)
    return (listed[-1].name,) if listed else tuple(name for name in _listed(source) if is_classic(name))


def listed_packs(source: Source) -> tuple[packs.Pack, ...]:
    """The buildpacks of app.json that are packs here; others are passed over.

    What is wrong in app.json is told by who reads the whole of it.
    """
    found = (pack_named(name) for name in _listed(source))
    return tuple(pack for pack in found if pack is not None)


def _passed_over(source: Source) -> tuple[str, ...]:
    others = [name for name in _listed(source) if is_classic(name)] if listed_packs(source) else []
    return (f"Passed over: {', '.join(others)} (a pack is not combined with other buildpacks)",) if others else ()


def _listed(source: Source) -> tuple[str, ...]:
    try:
        listed = json.loads(source.read(APP_JSON) or b"{}").get("buildpacks", [])
        return tuple(str(each["url"]) for each in listed)
    except (ValueError, AttributeError, TypeError, KeyError):
        return ()

"""What kind of app a source is and how it would be built; or, as an error, why it can't be."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from builder import packs
from builder.assets import find_assets
from builder.debian import DEFAULT, Choice, Stack, choose
from builder.dockerignore import Ignore, parse
from builder.links import LinkedSource
from builder.manifest import Manifest, read_manifest
from builder.official import OfficialImage
from builder.pick import pick
from builder.problems import EmptyTree, NeededFileIgnored, NoProcfile, NothingDetected, failed
from builder.types import BuildFailed, Detected, Source


@dataclass(frozen=True)
class Plan:
    """All that is known before anything is built."""

    pack: packs.Pack
    detected: Detected
    manifest: Manifest
    ignore: Ignore
    stack: Stack = DEFAULT
    assets: Detected | None = None  # what Node.js builds for an app of another language
    official: str = ""  # the image that the app's language comes from, when that is not the stack's own

    @property
    def packs(self) -> tuple[packs.Pack, ...]:
        """The packs that take part in the build, the app's own last."""
        return (self.pack,) if self.assets is None else (packs.ASSETS, self.pack)


def explain(
    source: Source, own: Stack = DEFAULT, chosen: Sequence[str] = (), images: Sequence[OfficialImage] = ()
) -> Plan:
    """The plan for a source, of an app on the stack `own` that chose a pack or buildpacks (() for none).

    `images`: official images that languages may come from. Raises BuildFailed with what was found and expected.
    """
    source = LinkedSource(source)
    picked = pick(source, chosen)
    if picked is None:
        raise nothing_detected(source.paths())
    pack, detected = picked.pack, picked.detected
    choice = choose(detected.wanted, own, images) if detected.wanted else Choice(own, "", ())
    ignore = _ignore(source, detected)
    assets = find_assets(source, pack, ignore)
    details = (*picked.told, *choice.told, *detected.details, *(assets.details if assets else ()))
    detected = replace(detected, details=details, values={**detected.values, "version": choice.version})
    manifest = read_manifest(source)
    if manifest.processes is None and detected.processes:
        told = tuple(f"No Procfile: {kind} runs `{command}`" for kind, command in detected.processes)
        detected = replace(detected, details=(*detected.details, *told))
        manifest = replace(manifest, processes=detected.processes)
    if manifest.processes is None and pack.needs_procfile:
        raise no_procfile(source.paths(), detected.procfile_example)
    return Plan(pack, detected, manifest, ignore, choice.stack, assets, choice.official)


def _ignore(source: Source, detected: Detected) -> Ignore:
    """As `docker build` does: `Dockerfile.dockerignore`, beside the Dockerfile, goes before `.dockerignore`."""
    names = (f"{detected.own.path}.dockerignore", ".dockerignore") if detected.own else (".dockerignore",)
    for name in names:
        content = source.read(name)
        if content is None:
            continue
        ignore = parse(content, name)
        for path in detected.needs:
            if ignore.excludes(path):
                raise failed(NeededFileIgnored(name, path))
        return ignore
    return Ignore()


def nothing_detected(paths: tuple[str, ...]) -> BuildFailed:
    """The error for a source that no pack knows."""
    expected = [file for pack in packs.ALL for file in pack.files]
    root = sorted({path.partition("/")[0] + ("/" if "/" in path else "") for path in paths})
    if not root:
        return failed(EmptyTree(tuple(expected)))
    return failed(NothingDetected(tuple(root), tuple(expected), _near_miss(paths, expected)))


def no_procfile(paths: tuple[str, ...], example: str) -> BuildFailed:
    """The error for an app whose pack can't know how to start it."""
    near = _near_miss(paths, ["Procfile"])
    return failed(NoProcfile(near[0] if near else None, example))


def _near_miss(paths: tuple[str, ...], expected: list[str]) -> tuple[str, str] | None:
    """(a file of the app, what it was probably meant to be): misspelt, in another case, or one folder down."""
    for wanted in expected:
        if wanted in paths:
            continue
        similar = [p for p in paths if "/" not in p and p.lower() in (wanted.lower(), f"{wanted.lower()}.txt")]
        similar += difflib.get_close_matches(wanted, [p for p in paths if "/" not in p], n=1, cutoff=0.85)
        if wanted not in packs.static.files:  # pages may lie in any folder
            similar += [p for p in paths if p.count("/") == 1 and p.endswith(f"/{wanted}")]
        if similar:
            return similar[0], wanted
    return None

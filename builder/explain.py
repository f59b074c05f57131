"""What kind of app a source is and how it would be built; or, as an error, why it can't be."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from builder import packs
from builder.dockerignore import Ignore, parse
from builder.manifest import PROCFILE_EXAMPLE, Manifest, read_manifest
from builder.types import BuildFailed, Detected, Source

_LISTED_FILES = 12


@dataclass(frozen=True)
class Plan:
    """All that is known before anything is built."""

    pack: packs.Pack
    detected: Detected
    manifest: Manifest
    ignore: Ignore


def explain(source: Source) -> Plan:
    """The plan for a source; raises BuildFailed with what was found and what was expected."""
    found = ((pack, pack.detect(source)) for pack in packs.ALL)
    pack, detected = next(((pack, it) for pack, it in found if it is not None), (None, None))
    if pack is None or detected is None:
        raise nothing_detected(source.paths())
    manifest = read_manifest(source)
    if manifest.processes is None and pack.needs_procfile:
        raise no_procfile(source.paths())
    return Plan(pack, detected, manifest, _ignore(source, detected, pack))


def _ignore(source: Source, detected: Detected, pack: packs.Pack) -> Ignore:
    """As `docker build` does: `Dockerfile.dockerignore` goes before `.dockerignore`."""
    names = (".dockerignore",) if pack.template else ("Dockerfile.dockerignore", ".dockerignore")
    for name in names:
        content = source.read(name)
        if content is None:
            continue
        ignore = parse(content, name)
        for path in detected.needs:
            if ignore.excludes(path):
                message = f"{name} leaves out {path}, which the build needs."
                raise BuildFailed(message, f"Add the line !{path} at the end of {name}.")
        return ignore
    return Ignore()


def nothing_detected(paths: tuple[str, ...]) -> BuildFailed:
    """The error for a source that no pack knows."""
    expected = [file for pack in packs.ALL for file in pack.files]
    root = sorted({path.partition("/")[0] + ("/" if "/" in path else "") for path in paths})
    listed = ", ".join(root[:_LISTED_FILES]) + (
        f" and {len(root) - _LISTED_FILES} more" if root[_LISTED_FILES:] else ""
    )
    message = f"No known kind of app. Found: {listed or 'no files'}. Expected one of: {', '.join(expected)}."
    near = _near_miss(paths, expected)
    if near is not None:
        found, meant = near
        return BuildFailed(message, f"Is {found} meant to be {meant}? git mv {found} {meant}")
    return BuildFailed(message, "Add one of these at the root of the repository, commit and push again.")


def no_procfile(paths: tuple[str, ...]) -> BuildFailed:
    """The error for an app whose pack can't know how to start it."""
    message = "There is no Procfile, so nothing says how to start the app."
    near = _near_miss(paths, ["Procfile"])
    if near is not None:
        return BuildFailed(message, f"Is {near[0]} meant to be Procfile? git mv {near[0]} Procfile")
    return BuildFailed(message, f"Put a file named Procfile at the root, with a line such as: {PROCFILE_EXAMPLE}")


def _near_miss(paths: tuple[str, ...], expected: list[str]) -> tuple[str, str] | None:
    """(a file of the app, what it was probably meant to be): misspelt, in another case, or one folder down."""
    for wanted in expected:
        similar = [p for p in paths if "/" not in p and p.lower() in (wanted.lower(), f"{wanted.lower()}.txt")]
        similar += difflib.get_close_matches(wanted, [p for p in paths if "/" not in p], n=1, cutoff=0.85)
        similar += [p for p in paths if p.count("/") == 1 and p.endswith(f"/{wanted}")]
        if similar:
            return similar[0], wanted
    return None

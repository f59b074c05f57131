"""Classic buildpacks, as on Heroku: the app brings them, or they come from a git address; Portside runs them in order.

The contract: https://devcenter.heroku.com/articles/buildpack-api. Each runs on the same /app, which is also where the
app runs; what differs from Heroku is said in docs/building-apps.md.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from shlex import quote

from builder.problems import BuildpackFileMissing, BuildpackFolderMissing, BuildpackNotExecutable, failed
from builder.types import EXECUTABLE_MODE, SYMLINK_MODE, Buildpack, Detected, Source

name = "buildpack"
template: str | None = "buildpack.Dockerfile.j2"
language_image: str | None = "buildpack.image.j2"
build_config: tuple[str, ...] = ("",)  # all of it: bin/compile finds each variable as a file in ENV_DIR
files: tuple[str, ...] = ()
needs_procfile = False

SCRIPTS = ("fetch-buildpack", "run-buildpack")
_SCRIPTS_FOLDER = Path(__file__).parent / "buildpack_scripts"
_NEEDED = ("bin/detect", "bin/compile")
_RUN = re.compile(r"run-buildpack \d+ (\S+)")
_FETCH = re.compile(r"fetch-buildpack \d+ (\S+)")


def detect(source: Source) -> Detected | None:
    """Never by itself: somebody names the buildpacks."""
    return None


def chosen(source: Source, buildpacks: tuple[Buildpack, ...]) -> Detected:
    """How the buildpacks that somebody chose are run; raises BuildFailed when one in the repository is not whole."""
    modes = {entry.path: entry.mode for entry in source.entries()}
    for it in buildpacks:
        if not it.url:
            _check(it, modes)
    needs = tuple(path for it in buildpacks if not it.url for path in _paths(it))
    title = "1 buildpack" if len(buildpacks) == 1 else f"{len(buildpacks)} buildpacks, one after the other"
    details = tuple(f"Buildpack {number}: {it.name}" for number, it in enumerate(buildpacks, 1))
    return Detected(f"Building with {title}", details, values(buildpacks), needs, buildpacks=buildpacks)


def values(buildpacks: tuple[Buildpack, ...]) -> dict[str, object]:
    """What the template is filled with."""
    listed = [
        {
            "number": number,
            "name": quote(it.name),
            "folder": quote(it.path),
            "fetched": " ".join(quote(text) for text in (it.name, it.url, it.commit, it.ref)) if it.url else "",
            "is_local": not it.url or it.url.startswith("file:"),
            "cache": hashlib.sha256((it.url or it.path).encode()).hexdigest()[:12],
        }
        for number, it in enumerate(buildpacks, 1)
    ]
    scripts = {script: (_SCRIPTS_FOLDER / f"{script}.sh").read_text() for script in SCRIPTS}
    return {"buildpacks": listed, "scripts": scripts}


def environment(config: Mapping[str, str]) -> Mapping[str, str]:
    """All of the app's config."""
    return config


def headline(step: str) -> str | None:
    """The recipe's steps in words."""
    if match := _RUN.search(step):
        return f"Running buildpack {match[1]}"
    if match := _FETCH.search(step):
        return f"Fetching buildpack {match[1]}"
    if "apt-get" in step:
        return "Installing what buildpacks build with"
    return "Adding the app's files" if step.endswith("source/ ./") else ""


def _paths(it: Buildpack) -> tuple[str, ...]:
    return tuple(file if it.path == "." else f"{it.path}/{file}" for file in _NEEDED)


def _check(it: Buildpack, modes: Mapping[str, int]) -> None:
    if it.path != "." and not any(path.startswith(f"{it.path}/") for path in modes):
        folders = sorted({path.rpartition("/bin/")[0] for path in modes if path.endswith("/bin/compile")})
        raise failed(BuildpackFolderMissing(it.name, it.path, tuple(folders)))
    for path in _paths(it):
        if path not in modes:
            raise failed(BuildpackFileMissing(it.name, path))
        if modes[path] not in (EXECUTABLE_MODE, SYMLINK_MODE):
            raise failed(BuildpackNotExecutable(it.name, path))

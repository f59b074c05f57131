"""The Node.js pack: npm, yarn or pnpm by the lock file; the `build` script run; no development packages at run time.

It also builds the assets of an app of another language, by the same recipe up to what the build script made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from builder.problems import BadSyntax, LockFilesClash, VersionUnavailable, failed
from builder.types import Detected, Source

name = "node"
template: str | None = "node.Dockerfile.j2"
language_image: str | None = "node.image.j2"
build_config: tuple[str, ...] = (
    *("NPM_", "npm_config_", "YARN_", "PNPM_"),
    # What build tools put into pages by intention: https://vite.dev/guide/env-and-mode and its like.
    *("VITE_", "NEXT_PUBLIC_", "NUXT_PUBLIC_", "REACT_APP_", "GATSBY_", "PUBLIC_"),
)
files: tuple[str, ...] = ("package.json",)
needs_procfile = True

LOCK_FILES = {
    "package-lock.json": "npm",
    "npm-shrinkwrap.json": "npm",
    "yarn.lock": "yarn",
    "pnpm-lock.yaml": "pnpm",
}
# The major of pnpm that writes each version of its lock file; 9.0 is also that of pnpm 9.
PNPM_OF_LOCK = {"5.4": "7", "6.0": "8", "6.1": "8", "9.0": "10"}
_MANAGER = re.compile(r"^(npm|yarn|pnpm)@(\d[\w.-]*)")
_RANGE = re.compile(r"^[\w.<>=~^|*\s-]+$")
_LTS = {"lts/*": ">=20", "node": "*", "stable": "*", "lts/iron": "20", "lts/jod": "22", "lts/krypton": "24"}
_ENVIRONMENT = "NODE_ENV=production "
_INSTALLING = re.compile(r"RUN (CI=1 )?(npm|yarn|pnpm) (ci|install)")
_HOOKS = frozenset({"preinstall", "install", "postinstall", "prepare"})
_COMMANDS = {
    "npm": ("npm ci --include=dev", "npm prune --omit=dev --ignore-scripts"),
    "npm without a lock": ("npm install --include=dev", "npm prune --omit=dev --ignore-scripts"),
    "yarn": (
        "yarn install --frozen-lockfile --production=false --non-interactive",
        "yarn install --frozen-lockfile --production=true --non-interactive --prefer-offline --ignore-scripts",
    ),
    "yarn 2+": ("yarn install --immutable", "yarn workspaces focus --all --production"),
    "pnpm": (
        "CI=1 pnpm install --frozen-lockfile --prod=false",
        "CI=1 pnpm install --frozen-lockfile --prod --prefer-offline --ignore-scripts",
    ),
}


def detect(source: Source) -> Detected | None:
    """An app with a package.json."""
    paths = source.paths()
    if "package.json" not in paths:
        return None
    package = read_package(source)
    found = _building(source, package, _build_scripts(package))
    details = (*found.details, "Running the build script") if found.values["build"] else found.details
    starts = "start" in table(package, "scripts") or "server.js" in paths
    processes = (("web", "npm start"),) if starts else ()
    return replace(
        found,
        headline="Node.js app detected",
        details=details,
        values={**found.values, "runs": True},
        processes=processes,
        procfile_example="web: node server.js",
    )


def assets(source: Source) -> Detected | None:
    """What the build script makes for an app of another language; None when there is no such script."""
    if "package.json" not in source.paths():
        return None
    package = read_package(source)
    scripts = _build_scripts(package)
    if "Gemfile" in source.paths():
        scripts += _styles(package)
    if not scripts:
        return None
    found = _building(source, package, scripts)
    told = f"Building assets with Node.js: {_without_environment(str(found.values['build']))}"
    return replace(found, details=(told, *found.details), values={**found.values, "runs": False})


def _build_scripts(package: dict[str, Any]) -> tuple[str, ...]:
    """The script that builds: `heroku-postbuild` in place of `build`, as on Heroku."""
    scripts = table(package, "scripts")
    return tuple(name for name in ("heroku-postbuild", "build") if name in scripts)[:1]


def _styles(package: dict[str, Any]) -> tuple[str, ...]:
    """The script of cssbundling-rails, which Rails runs beside `build`, unless another runs it already."""
    scripts = table(package, "scripts")
    is_run = any("build:css" in str(scripts.get(name, "")) for name in ("heroku-postbuild", "build"))
    return ("build:css",) if "build:css" in scripts and not is_run else ()


def _building(source: Source, package: dict[str, Any], scripts: tuple[str, ...]) -> Detected:
    """All up to the build script's end: the same for an app in Node.js and for the assets of another."""
    paths = source.paths()
    lock = _lock_file(package, paths)
    way, tool = _manager(source, package, lock)
    range_file, node_range = _node_range(source, package)
    install, prune = _COMMANDS[way]
    needed = tuple(file for file in ("package.json", lock, ".npmrc") if file and file in paths)
    manager = way.partition(" ")[0]
    values = {
        "files": needed,
        "source_first": way == "yarn 2+" or _wants_source(package, paths),
        "install": install,
        "build": f" && {_ENVIRONMENT}".join(f"{manager} run {script}" for script in scripts),
        "prune": f"{prune} && rm -rf node_modules/.cache && mkdir -p node_modules",
        "tool": tool,
        "node_range": node_range,
        "range_file": range_file,
    }
    details = (
        f"Using Node.js {node_range}, as {range_file} says" if node_range else "Using this server's own Node.js",
        f"Installing from {lock}"
        if lock
        else "Installing from package.json (commit package-lock.json to pin versions)",
    )
    return Detected("", details, values, needed)


def environment(config: Mapping[str, str]) -> Mapping[str, str]:
    """The variables as they are."""
    return config


def headline(step: str) -> str | None:
    """The recipe's steps in words."""
    if step.startswith("RUN node -e"):
        return "Choosing Node.js"
    if step.startswith("RUN NODE_ENV=production"):
        return "Running the build script"
    if "mkdir -p node_modules" in step:
        return "Leaving out what only the build needs"
    if _INSTALLING.match(step):
        return "" if "--global" in step else "Installing dependencies"
    return "Adding the app's files" if step.endswith("source/ ./") else ""


def assets_headline(step: str) -> str | None:
    """The steps of the stage `assets` in words."""
    if step.startswith(f"RUN {_ENVIRONMENT}"):
        return f"Building assets with Node.js: {_without_environment(step.removeprefix('RUN '))}"
    if _INSTALLING.match(step):
        return "" if "--global" in step else "Installing what Node.js builds with"
    return "Choosing Node.js" if step.startswith("RUN node -e") else ""


def _without_environment(command: str) -> str:
    return command.replace(_ENVIRONMENT, "")


def read_package(source: Source) -> dict[str, Any]:
    """The package.json of a source that has one; raises BuildFailed when it can't be read."""
    try:
        package = json.loads((source.read("package.json") or b"").decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise failed(BadSyntax("package.json", "JSON", error.lineno, error.colno, error.msg)) from error
    except UnicodeDecodeError as error:
        raise failed(BadSyntax("package.json", "JSON", 0, 0, "not UTF-8 text", "Save it as UTF-8")) from error
    if not isinstance(package, dict):
        raise failed(BadSyntax("package.json", "JSON", 1, 1, "its value is not an object"))
    return package


def table(package: Mapping[str, Any], key: str) -> dict[str, Any]:
    """An object in it; empty when there is none of that key, or something else."""
    value = package.get(key)
    return value if isinstance(value, dict) else {}


def _lock_file(package: dict[str, Any], paths: tuple[str, ...]) -> str | None:
    """The one lock file; raises BuildFailed for two, or for one of another tool than `packageManager` names."""
    locks = tuple(file for file in LOCK_FILES if file in paths)
    if len(locks) > 1:
        raise failed(LockFilesClash("Node.js", locks))
    named = _MANAGER.match(str(package.get("packageManager", "")))
    if locks and named and LOCK_FILES[locks[0]] != named[1]:
        raise failed(LockFilesClash("Node.js", (f"packageManager {named[1]} in package.json", locks[0])))
    return locks[0] if locks else None


def _manager(source: Source, package: dict[str, Any], lock: str | None) -> tuple[str, str]:
    """(the way to install, the package of the tool if the language image lacks it)."""
    named = _MANAGER.match(str(package.get("packageManager", "")))
    version = named[2] if named else ""
    text = (source.read(lock) or b"").decode(errors="replace") if lock else ""
    kind = LOCK_FILES[lock] if lock else "npm"
    if kind == "npm":
        return "npm" if lock else "npm without a lock", f"npm@{version}" if named and named[1] == "npm" else ""
    if kind == "pnpm":
        written = re.search(r"^lockfileVersion: '?([\d.]+)", text, re.MULTILINE)
        return "pnpm", f"pnpm@{version or PNPM_OF_LOCK.get(written[1] if written else '', '10')}"
    if "__metadata:" in text:
        return "yarn 2+", f"@yarnpkg/cli-dist@{version or 4}"
    return "yarn", f"yarn@{version or 1}"


def _wants_source(package: dict[str, Any], paths: tuple[str, ...]) -> bool:
    """Whether installing needs more of the app than its package.json: workspaces, local packages, own hooks."""
    versions = [*table(package, "dependencies").values(), *table(package, "devDependencies").values()]
    local = any(str(version).startswith(("file:", "link:", "workspace:", ".")) for version in versions)
    more = {"pnpm-workspace.yaml", ".yarnrc.yml", ".pnpmfile.cjs"} & set(paths)
    return bool(
        local or more or "workspaces" in package or "pnpm" in package or _HOOKS & table(package, "scripts").keys()
    )


def _node_range(source: Source, package: dict[str, Any]) -> tuple[str, str]:
    """(the file that pins Node.js, the range as npm reads it), or two empty texts."""
    found = ("package.json", str(table(package, "engines").get("node", "")).strip())
    for file in (".nvmrc", ".node-version"):
        if not found[1]:
            found = (file, (source.read(file) or b"").decode(errors="replace").strip().removeprefix("v"))
    file, wanted = found
    wanted = _LTS.get(wanted.lower(), wanted)
    if wanted and not _RANGE.match(wanted):
        line = '"node": "22.x" under "engines"' if file == "package.json" else "22"
        raise failed(VersionUnavailable("Node.js", file, wanted, "a version or range, such as 22.x or >=20", line))
    return (file, wanted) if wanted else ("", "")

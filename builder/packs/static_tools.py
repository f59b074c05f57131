"""The tools that build front ends: by which dependency each is known, where it puts its pages, how it names files.

The folders are the tools' own defaults, as their documentation says; `root` in portside.toml's [static] goes before.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from builder.packs.node import table
from builder.types import Source


@dataclass(frozen=True)
class Tool:
    """A tool known by the npm package `package`.

    `output`: the folder that it builds into. `spa`: whether its pages find their way in the browser, so that unknown
    paths get index.html. `hashed`: a regular expression of the paths whose names change with their content, where these
    are not told by hexadecimal digits in the name.
    """

    package: str
    name: str
    output: str
    spa: bool = False
    hashed: str = ""


_VITE_HASHED = r"^/assets/.*-[\w-]{8}\.\w+(\.map)?$"
TOOLS = (
    Tool("@sveltejs/adapter-static", "SvelteKit", "build", hashed="^/_app/immutable/"),
    Tool("gatsby", "Gatsby", "public"),
    Tool("@docusaurus/core", "Docusaurus", "build"),
    Tool("astro", "Astro", "dist", hashed="^/_astro/"),
    Tool("@11ty/eleventy", "Eleventy", "_site"),
    Tool("hexo", "Hexo", "public"),
    Tool("hugo-bin", "Hugo", "public"),
    Tool("hugo-extended", "Hugo", "public"),
    Tool("react-scripts", "Create React App", "build", spa=True),
    Tool("@angular/cli", "Angular", "dist", spa=True, hashed=r"-[A-Z0-9]{8}\.\w+(\.map)?$"),
    Tool("@vue/cli-service", "Vue CLI", "dist", spa=True),
    Tool("@rsbuild/core", "Rsbuild", "dist", spa=True),
    Tool("parcel", "Parcel", "dist"),
    Tool("vite", "Vite", "dist", spa=True, hashed=_VITE_HASHED),
)
# Frameworks that build by the same tools and answer from a server of their own.
_SERVERS = frozenset(
    (
        *("next", "nuxt", "@remix-run/dev", "@react-router/dev", "@solidjs/start", "@tanstack/react-start"),
        *("@builder.io/qwik-city", "@analogjs/platform", "@astrojs/node"),
    )
)
_FOLDER = re.compile(r"\w[\w./-]*")
_BEFORE = re.compile(r"^((cross-env|npx|[A-Za-z_]\w*=\S*)\s+)*")
_DEVELOPMENT = re.compile(
    r"(astro|docusaurus|eleventy|gatsby|hexo|hugo|ng|parcel|react-scripts|rsbuild|vite|vue-cli-service)\b"
    r"|(npm run|yarn( run)?|pnpm( run)?) (dev|develop|serve|watch)\b"
)


def tool_of(source: Source, package: Mapping[str, Any]) -> Tool | None:
    """The tool that builds a front end without a server; None when there is none, or when it is not certain."""
    installed = {*table(package, "dependencies"), *table(package, "devDependencies")}
    found = next((tool for tool in TOOLS if tool.package in installed), None)
    if found is None or installed & _SERVERS or ("@sveltejs/kit" in installed and found.name != "SvelteKit"):
        return None
    return replace(found, output=_angular_output(source)) if found.name == "Angular" else found


def is_development_server(command: str) -> bool:
    """Whether a `start` script only serves the one who writes the code, as `react-scripts start` does."""
    return _DEVELOPMENT.match(_BEFORE.sub("", command.strip())) is not None


def _angular_output(source: Source) -> str:
    """Where angular.json has the pages put (https://angular.dev/reference/configs/workspace-config)."""
    try:
        projects = json.loads((source.read("angular.json") or b"{}").decode("utf-8-sig"))["projects"]
        name, project = next((n, p) for n, p in projects.items() if p.get("projectType", "application") != "library")
        build = (project.get("architect") or project["targets"])["build"]
        path = build.get("options", {}).get("outputPath", f"dist/{name}")
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
        return "dist"
    if isinstance(path, dict):
        path = posixpath.join(str(path.get("base", "dist")), str(path.get("browser", "browser")))
    elif str(build.get("builder", "")).endswith(":application"):
        path = f"{path}/browser"
    return posixpath.normpath(path) if _FOLDER.fullmatch(str(path)) else "dist"

"""The static site pack: files served by nginx, as they are in the repository or as Node.js has built them."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from builder.packs.node import read_package, table
from builder.packs.static_nginx import nginx_values
from builder.packs.static_settings import SiteSettings, is_told, site_settings
from builder.packs.static_tools import Tool, is_development_server, tool_of
from builder.portside_toml import SETTINGS_FILE
from builder.problems import failed
from builder.problems.sites import SiteFolderMissing, SiteFolderUntold
from builder.types import Detected, Source

name = "static"
template: str | None = "static.Dockerfile.j2"
language_image: str | None = "static.image.j2"
build_config: tuple[str, ...] = ()
files: tuple[str, ...] = ("index.html",)
needs_procfile = True

WEB = "exec portside-static"
# Where a site that is built by nobody may lie, and the folder that Heroku's static.json means when it names none.
_FOLDERS = ("", "public", "public_html", "dist", "build", "_site", "out", "www")
_HEROKUS_ROOT = "public_html"
_CODE = (".py", ".rb", ".php", ".go", ".rs", ".java", ".kt", ".ex", ".exs", ".cs", ".pl")
_MOST_SHOWN = 5


def detect(source: Source) -> Detected | None:
    """A front end that a known tool builds, or pages in the repository, where nothing looks like a server.

    Raises BuildFailed for settings that are wrong, and for pages that a tool builds of which the folder is not known.
    """
    place = is_told(source)
    if place != SETTINGS_FILE and _has_server(source):
        return None
    package = read_package(source) if "package.json" in source.paths() else {}
    builds = "build" in table(package, "scripts") or "heroku-postbuild" in table(package, "scripts")
    tool = tool_of(source, package) if builds else None
    if not place and tool is None:
        page = _page(source)
        if page is not None and builds and "Procfile" not in source.paths():
            raise failed(SiteFolderUntold(posixpath.join(page, "index.html")))
        if page is None or builds:
            return None
    settings = site_settings(source)
    found = _root(source, settings, tool, builds)
    if found is None:
        return None
    root, proof = found
    is_spa = settings.spa if settings.spa is not None else bool(tool and tool.spa)
    values = {"root": root, "proof": proof, **nginx_values(settings, root, is_spa, tool.hashed if tool else "")}
    details = _details(settings, root, tool, is_spa)
    example = f"web: {WEB}"
    return Detected("Static site detected", details, values, (), (("web", WEB),), procfile_example=example)


def environment(config: Mapping[str, str]) -> Mapping[str, str]:
    """None: files want no secret; what builds them is the Node.js pack's."""
    return {}


def headline(step: str) -> str | None:
    """The recipe's steps in words."""
    return "Adding the site's files" if step.startswith("COPY") else ""


def _has_server(source: Source) -> bool:
    """Whether something else may answer: code at the root, a `web` in the Procfile, or what `npm start` would run."""
    paths = source.paths()
    if "server.js" in paths or any("/" not in path and path.endswith(_CODE) for path in paths):
        return True
    procfile = (source.read("Procfile") or b"").decode(errors="replace")
    if any(line.startswith("web:") for line in procfile.splitlines()):
        return True
    scripts = table(read_package(source), "scripts") if "package.json" in paths else {}
    return "start" in scripts and not is_development_server(str(scripts["start"]))


def _page(source: Source) -> str | None:
    """The folder of the repository that has an index.html; None when there is none."""
    paths = frozenset(source.paths())
    return next((folder for folder in _FOLDERS if posixpath.join(folder, "index.html") in paths), None)


def _root(source: Source, settings: SiteSettings, tool: Tool | None, builds: bool) -> tuple[str, str] | None:
    """(the folder to serve, what must be there once everything is built), or None when nobody says.

    Raises BuildFailed for a folder that is told and is nowhere.
    """
    if settings.root:
        if not builds and settings.root != "." and not _is_folder(source, settings.root):
            raise failed(SiteFolderMissing(settings.place, settings.root, _pages(source)))
        return settings.root, settings.root
    if tool is not None:
        return tool.output, f"{tool.output}/index.html"
    if settings.place and _is_folder(source, _HEROKUS_ROOT):
        return _HEROKUS_ROOT, _HEROKUS_ROOT
    folder = _page(source)
    return None if folder is None else (folder or ".", posixpath.join(folder, "index.html"))


def _is_folder(source: Source, folder: str) -> bool:
    return any(path.startswith(f"{folder}/") for path in source.paths())


def _pages(source: Source) -> tuple[str, ...]:
    pages = [path for path in source.paths() if posixpath.basename(path) == "index.html"]
    return tuple(posixpath.dirname(page) or "the root" for page in pages[:_MOST_SHOWN])


def _details(settings: SiteSettings, root: str, tool: Tool | None, is_spa: bool) -> tuple[str, ...]:
    by = f", as {settings.place} says" if settings.root else f", where {tool.name} builds it" if tool else ""
    shown = "the whole repository" if root == "." else f"{root}/"
    fallback = f" ({tool.name})" if tool and settings.spa is None else ""
    return (
        f"Serving {shown}{by}",
        *((f"Paths that are no file get index.html{fallback}",) if is_spa else ()),
    )

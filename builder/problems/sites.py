"""What is wrong with a static site: its settings, and the folder that it is served from."""

from __future__ import annotations

from dataclasses import dataclass

from builder.problems.base import AGAIN, Problem
from core.reports import Report

SITE_KEYS = "settings of a site: root, spa, clean_urls, routes, redirects, error_page, headers"


@dataclass(frozen=True)
class SiteFeatureRefused(Problem):
    """A setting that Heroku's static sites had, and that would do harm if it were passed over."""

    place: str
    key: str
    instead: str

    words = (
        "{place} asks for `{key}`, which sites here do not have.",
        "`{key}` in {place}",
        "a site that is files and nothing else",
        "{instead} Take `{key}` out, " + AGAIN,
    )


@dataclass(frozen=True)
class SiteFolderMissing(Problem):
    """The folder that a site's settings name is not in the commit, and no build makes it."""

    place: str
    root: str
    has: tuple[str, ...]

    def report(self) -> Report:
        there = f"index.html is in {', '.join(self.has)}" if self.has else "no index.html in any folder"
        return Report(
            f"{self.place} names the folder {self.root}, which is not in the commit.",
            f"no {self.root}; {there}",
            f"{self.root}, committed, or made by a build script in package.json",
            f"Mend `root` in {self.place}, or git add --force {self.root}, {AGAIN}",
        )


@dataclass(frozen=True)
class SiteFolderUntold(Problem):
    """Pages, a build script of a tool that nobody here knows, and no server: only its writer knows where it writes."""

    page: str

    words = (
        "Nothing says where the build script puts the site, or how the app starts.",
        "{page} and a build script in package.json; no `start` script and no Procfile",
        "the folder that the build script writes, or a server's start command",
        'Put the lines [static] and root = "dist" in portside.toml, or add a `start` script, ' + AGAIN,
    )


@dataclass(frozen=True)
class BuildLeftNoSite(Problem):
    """The build script ended well, and what should be served is not there. `has`: the pages that are."""

    wanted: str
    has: tuple[str, ...]

    def report(self) -> Report:
        folder = next((page.rpartition("/")[0] for page in self.has if "/" in page), "the folder that it writes")
        return Report(
            f"The build script left no {self.wanted}.",
            f"{', '.join(self.has)}" if self.has else "no index.html in any folder",
            f"{self.wanted}, made by the build script in package.json",
            f'Put root = "{folder}" under [static] in portside.toml, {AGAIN}',
        )

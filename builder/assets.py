"""Whether Node.js builds assets for an app of another language, as Heroku's nodejs buildpack does.

It does when the app's pack takes assets and package.json has a build script, unless somebody says no: `assets = false`
in portside.toml, a list of `buildpacks` in app.json without Node.js, or a .dockerignore that leaves package.json out.
"""

from __future__ import annotations

from builder import packs
from builder.dockerignore import Ignore
from builder.pick import listed_packs
from builder.portside_toml import portside_toml
from builder.problems import NeededFileIgnored, failed
from builder.types import Detected, Source

PACKAGE = "package.json"


def find_assets(source: Source, pack: packs.Pack, ignore: Ignore) -> Detected | None:
    """What Node.js builds for the app of another pack; raises BuildFailed for a package.json that can't be built by."""
    if pack not in packs.TAKE_ASSETS or _is_refused(source, ignore):
        return None
    assets = packs.ASSETS.assets(source)
    for path in assets.needs if assets else ():
        if ignore.excludes(path):
            raise failed(NeededFileIgnored(".dockerignore", path))
    return assets


def _is_refused(source: Source, ignore: Ignore) -> bool:
    listed = listed_packs(source)
    without_node = bool(listed) and packs.ASSETS not in listed
    return ignore.excludes(PACKAGE) or without_node or portside_toml(source).get("assets") is False

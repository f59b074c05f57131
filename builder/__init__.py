"""The builder: a source tree becomes an image, and release images are kept.

TAKES  a source tree (`Source`, read from the object store), the app's config, a log to write to.
GIVES  `Builder.build`: an image in the engine, what it runs and on which port. `ImageStore`: that image in the
       registry as release vN, labelled; and the same for an image that is there already.
NEVER  unpacks a source tree on the disk, lets a config value into an image, shares a cache between two apps, or
       knows what a push or a release is beyond its number.
"""

from builder.build import Builder
from builder.cleaning import Cleaning, Freed
from builder.disk import Took
from builder.engine import Engine
from builder.explain import Plan
from builder.garbage import Kept
from builder.images import REGISTRY_RESTS, ImageStore
from builder.limits import why_not as why_builds_are_unlimited
from builder.registry import Registry
from builder.settings import BuilderSettings
from builder.types import BuildFailed, BuildRequest, BuiltImage, Entry, Source

__all__ = [
    "REGISTRY_RESTS",
    "BuildFailed",
    "BuildRequest",
    "Builder",
    "BuilderSettings",
    "BuiltImage",
    "Cleaning",
    "Engine",
    "Entry",
    "Freed",
    "ImageStore",
    "Kept",
    "Plan",
    "Registry",
    "Source",
    "Took",
    "why_builds_are_unlimited",
]

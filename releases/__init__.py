"""Apps, their config, and the numbered releases that pair an image with a config.

TAKES  an image with its process types, a change of config, or the number of an earlier release.
GIVES  a live `vN`: an immutable record that can be brought back, image and config, by `rollback`.
NEVER  changes a release once it is decided, gives a number twice, or lets two releases of one app go live at once.
"""

from releases.bake_policy import BakePolicy
from releases.bakes import Bake, BakeState
from releases.content import RollbackPreview
from releases.service import DELIVER, Releases
from releases.settings import ReleaseSettings
from releases.tasks import doors
from releases.types import Actor, App, ImageStore, NewImage, Release, ReleaseKind, ReleaseState

__all__ = [
    "DELIVER",
    "Actor",
    "App",
    "Bake",
    "BakePolicy",
    "BakeState",
    "ImageStore",
    "NewImage",
    "Release",
    "ReleaseKind",
    "ReleaseSettings",
    "ReleaseState",
    "Releases",
    "RollbackPreview",
    "doors",
]

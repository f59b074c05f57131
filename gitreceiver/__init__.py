"""Repositories, git over smart HTTP and SSH, and the pipeline that takes a push from its pack to serving.

TAKES  a pack from a git client, or the name of a commit that is stored.
GIVES  a `Push`: a record with a live log that ends live or failed, whatever dies on the way.
NEVER  moves a branch before the deploy has succeeded, or lets the client's connection decide the deploy's fate.
"""

from gitreceiver.desk import Outcome, RefUpdate, Watched
from gitreceiver.journal import Journal
from gitreceiver.pushes import Pushes
from gitreceiver.repositories import Repositories
from gitreceiver.room import Room
from gitreceiver.run import Workshop, line_of_pushes
from gitreceiver.serving import GitParts
from gitreceiver.settings import ReceiverSettings
from gitreceiver.smart_http import GitHttp
from gitreceiver.ssh import run_gateway
from gitreceiver.tasks import doors
from gitreceiver.types import Push, PushKind, PushState

__all__ = [
    "GitHttp",
    "GitParts",
    "Journal",
    "Outcome",
    "Push",
    "PushKind",
    "PushState",
    "Pushes",
    "ReceiverSettings",
    "RefUpdate",
    "Repositories",
    "Room",
    "Watched",
    "Workshop",
    "doors",
    "line_of_pushes",
    "run_gateway",
]

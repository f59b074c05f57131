"""What the web is given: the front doors that it calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from wsgiref.types import WSGIApplication

from accounts import Accounts
from builder import Builder
from core.logs import LogStreams
from gitreceiver import Pushes, Repositories
from releases import Releases
from router import Router
from scheduler import Resizing, Scheduler, Storage
from web.settings import WebSettings


@dataclass(frozen=True)
class RunDoor:
    """Where the clients of attached runs are met: the gateway's port, and the SHA-256 of its certificate."""

    port: int = 0
    fingerprint: str = ""


@dataclass(frozen=True)
class WebParts:
    """The services that pages and API call. `secret` signs cookies and stream addresses; `git_http` serves git."""

    accounts: Accounts
    releases: Releases
    scheduler: Scheduler
    storage: Storage
    resizing: Resizing
    router: Router
    pushes: Pushes
    repositories: Repositories
    builder: Builder
    logs: LogStreams
    git_http: WSGIApplication
    secret: str = field(repr=False)
    settings: WebSettings = field(default_factory=WebSettings)
    run_door: RunDoor = field(default_factory=RunDoor)

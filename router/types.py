"""The values that cross the router's front door. Each checks itself: none of them can carry text into a command."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

_SERVER_NAME = re.compile(
    r"[A-Za-z0-9_.:-]{1,64}"
)  # what HAProxy allows in a name ("Format of the configuration file")
_LARGEST_PORT = 65_535


@dataclass(frozen=True)
class Backend:
    """One instance that can answer: an IPv4 address and a TCP port. `instance_id` becomes HAProxy's server name.

    Raises ValueError for anything that HAProxy could read as more than a name, an address and a port.
    """

    instance_id: str
    address: str
    port: int

    def __post_init__(self) -> None:
        if not _SERVER_NAME.fullmatch(self.instance_id):
            raise ValueError(f"not a server name: {self.instance_id!r}")
        ipaddress.IPv4Address(self.address)
        if not 0 < int(self.port) <= _LARGEST_PORT:
            raise ValueError(f"not a port: {self.port!r}")


class DomainKind(StrEnum):
    """`platform`: LABEL.DOMAIN, from the app's name. `custom`: a host name that people added."""

    PLATFORM = "platform"
    CUSTOM = "custom"


@dataclass(frozen=True)
class Domain:
    """A host name that leads to an app, or (`redirect_to`) sends people on to another host of the same app.

    With a `path` (`/api`), only what is under it leads to the app, which sees the rest if it `strips` it.
    """

    id: str
    host: str
    kind: DomainKind
    created_at: datetime
    redirect_to: str | None = None
    path: str = ""
    strips: bool = False

    @property
    def name(self) -> str:
        """`example.com`, `example.com/api`."""
        return self.host + self.path


class Protocol(StrEnum):
    """What HAProxy speaks to instances: HTTP/1.1, or HTTP/2 without TLS and without asking first (gRPC needs it)."""

    HTTP1 = "http1"
    H2C = "h2c"


@dataclass(frozen=True)
class ProxyMode:
    """How requests are passed on to an app. `protocol` holds from its next release on, the others at once.

    `sticky`: each visitor comes back to the instance that served them first. `retry_posts`: a request of any method
    goes to another instance when its own ends before it answers, though the app may then do it twice.
    """

    protocol: Protocol = Protocol.HTTP1
    sticky: bool = False
    retry_posts: bool = False


@dataclass(frozen=True)
class Https:
    """How an app uses HTTPS, at those of its hosts that have a valid certificate.

    `redirect`: plain HTTP is sent on to it. `hsts_s`: how long browsers are told to use nothing else; 0: not told.
    """

    redirect: bool = True
    hsts_s: int = 0


@dataclass(frozen=True)
class StoredCertificate:
    """A certificate of an app. `hosts` are those of the app's hosts at which it is shown just now. `automatic`:
    Portside asked for it, and renews it."""

    id: str
    name: str
    chain: str
    names: tuple[str, ...]
    subject: str
    issuer: str
    self_signed: bool
    starts_at: datetime
    expires_at: datetime
    created_at: datetime
    updated_at: datetime
    hosts: tuple[str, ...]
    automatic: bool = False

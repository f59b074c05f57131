"""What is said between Portside and a certificate authority (ACME, RFC 8555), and what people are told of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from core.errors import PortsideError
from core.ids import AppId

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,300}")  # RFC 8555, section 8.3
_HTTP_ANSWER = re.compile(r"[A-Za-z0-9_-]{1,300}\.[A-Za-z0-9_-]{43}")  # section 8.1: the token, a dot, a thumbprint
_DNS_ANSWER = re.compile(r"[A-Za-z0-9_-]{43}")  # section 8.4: the SHA-256 of that


class ChallengeKind(StrEnum):
    HTTP = "http-01"
    DNS = "dns-01"


@dataclass(frozen=True)
class Challenge:
    """What proves a host: `answer`, to be found at `token` (HTTP-01) or in a TXT record (DNS-01). `told`: the authority
    has been told that it is there.

    Raises ValueError for anything but base64url: both become words of commands to HAProxy, or to a program.
    """

    kind: ChallengeKind
    url: str
    token: str
    answer: str
    told: bool

    def __post_init__(self) -> None:
        right = _HTTP_ANSWER if self.kind is ChallengeKind.HTTP else _DNS_ANSWER
        if not _TOKEN.fullmatch(self.token) or not right.fullmatch(self.answer):
            raise ValueError(f"not a challenge: {self.token!r}")


class OrderStatus(StrEnum):
    """RFC 8555, section 7.1.6."""

    PENDING = "pending"
    READY = "ready"
    PROCESSING = "processing"
    VALID = "valid"
    INVALID = "invalid"


@dataclass(frozen=True)
class Order:
    """An order as the authority tells of it. `challenge`: what is left to prove; `reason`: why it is invalid, in the
    authority's words; `wait_s`: how long it asks to be left alone."""

    url: str
    status: OrderStatus
    finalize_url: str
    certificate_url: str = ""
    challenge: Challenge | None = None
    reason: str = ""
    wait_s: float = 0.0


class Refused(PortsideError):
    """The authority refused.

    `wait_s`: how long it asks to be left alone (Retry-After); 0: it does not say.
    """

    def __init__(self, message: str = "", wait_s: float = 0.0) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class Authority(Protocol):
    """A certificate authority, to which an account is known. Each method raises Refused, in its words, and Away when
    it does not answer. Any order may be looked at again, by anybody with the account."""

    def begin(self, host: str, kind: ChallengeKind, replaces: str = "") -> Order:
        """Order a certificate for one host. `replaces`: the one that it comes in place of, as `renewal_window` has it;
        a renewal on time is then kept out of the authority's limits."""

    def look(self, url: str, kind: ChallengeKind) -> Order:
        """The order as it is now."""

    def accept(self, challenge: Challenge) -> None:
        """Say that the answer is there."""

    def finalize(self, order: Order, request: bytes) -> None:
        """Hand in the signing request (PEM) of an order that is ready."""

    def chain(self, order: Order) -> str:
        """The certificate of a valid order, with what stands between it and its authority: PEM."""

    def suggests_renewals(self) -> bool:
        """Whether it tells when it wants certificates renewed (RFC 9773)."""

    def renewal_window(self, renewal_id: str) -> tuple[datetime, datetime] | None:
        """From when until when it wants a certificate renewed (`pem.renewal_id`)."""


class HostState(StrEnum):
    """Of a host of an app with automatic certificates: as an order's, or `own`: it shows one that people brought;
    `excluded`: none can be had for it."""

    PENDING = "pending"
    ISSUED = "issued"
    FAILING = "failing"
    OWN = "own"
    EXCLUDED = "excluded"


@dataclass(frozen=True)
class HostCertificate:
    """How a host stands. `reason`: why it fails or is excluded; `next_at`: when it is looked at next (renewed, where it
    is issued); `certificate` and `expires_at`: of what it shows just now."""

    app_id: AppId
    host: str
    state: HostState
    reason: str = ""
    next_at: datetime | None = None
    certificate: str | None = None
    expires_at: datetime | None = None

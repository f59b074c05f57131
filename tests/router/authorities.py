"""Certificate authorities in memory, named by how they behave; their contract is that of the real one."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from core.errors import Away
from router.acme_types import Challenge, ChallengeKind, Order, OrderStatus, Refused
from tests.router.authority import Authority

Find = Callable[[str], str | None]


class MemoryAuthority:
    """Issues for every host at which `find` gives the right answer for a token."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._signer = Authority()
        self.orders: dict[str, Order] = {}
        self.replaced: list[str] = []
        self.window: tuple[datetime, datetime] | None = None
        self._hosts: dict[str, str] = {}
        self._chains: dict[str, str] = {}

    def begin(self, host: str, kind: ChallengeKind, replaces: str = "") -> Order:
        self.replaced.append(replaces)
        url, token = f"memory:{len(self.orders)}", secrets.token_urlsafe(32)
        thumbprint = secrets.token_urlsafe(32)
        answer = f"{token}.{thumbprint}" if kind is ChallengeKind.HTTP else thumbprint
        challenge = Challenge(kind, f"{url}/challenge", token, answer, told=False)
        self._hosts[url] = host
        self.orders[url] = Order(url, OrderStatus.PENDING, f"{url}/finalize", challenge=challenge)
        return self.orders[url]

    def look(self, url: str, kind: ChallengeKind) -> Order:
        if url not in self.orders:
            raise Refused("No such order.")
        return self.orders[url]

    def accept(self, challenge: Challenge) -> None:
        url = challenge.url.removesuffix("/challenge")
        found = self._find(challenge.token)
        good = challenge.kind is ChallengeKind.DNS or found == challenge.answer
        status, reason = (OrderStatus.READY, "") if good else (OrderStatus.INVALID, f"found {found!r}")
        self.orders[url] = replace(self.orders[url], status=status, challenge=None, reason=reason)

    def finalize(self, order: Order, request: bytes) -> None:
        public = x509.load_pem_x509_csr(request).public_key()
        assert isinstance(public, ec.EllipticCurvePublicKey)
        self._chains[order.url] = self._signer.certify(self._hosts[order.url], public=public)
        self.orders[order.url] = replace(order, status=OrderStatus.VALID, certificate_url=f"{order.url}/chain")

    def chain(self, order: Order) -> str:
        return self._chains[order.url]

    def suggests_renewals(self) -> bool:
        return self.window is not None

    def renewal_window(self, renewal_id: str) -> tuple[datetime, datetime] | None:
        return self.window


class BusyAuthority(MemoryAuthority):
    """Works on an order for longer than anybody waits, until it is `done`."""

    done = False

    def look(self, url: str, kind: ChallengeKind) -> Order:
        order = super().look(url, kind)
        return order if self.done else replace(order, status=OrderStatus.PROCESSING, wait_s=600.0)


@dataclass
class LimitingAuthority:
    """Refuses every order for `wait_s`."""

    wait_s: float

    def begin(self, host: str, kind: ChallengeKind, replaces: str = "") -> Order:
        raise Refused("too many certificates already issued", self.wait_s)

    look = begin

    def suggests_renewals(self) -> bool:
        return True

    def renewal_window(self, renewal_id: str) -> tuple[datetime, datetime] | None:
        raise Refused("too many questions", self.wait_s)

    def accept(self, challenge: Challenge) -> None: ...

    def finalize(self, order: Order, request: bytes) -> None: ...

    def chain(self, order: Order) -> str:
        return ""


def away() -> MemoryAuthority:
    """Nobody answers there."""
    raise Away("The certificate authority at memory: does not answer: ConnectionError.")

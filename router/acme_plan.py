"""What is done about automatic certificates, and when. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from router.acme_settings import AcmeSettings
from router.acme_types import ChallengeKind, Order, OrderStatus
from router.hosts import is_wildcard

OWN_LASTS = timedelta(days=21)
"""A certificate that people brought is left alone while it lasts longer than this."""
LOOK_S = 5.0
"""How soon an order that the authority works on is looked at again."""
_NOT_PUBLIC = ("localhost", "local", "internal", "lan", "home", "corp", "test", "example", "invalid", "onion", "arpa")
_MINUTE_S, _HOUR_S = 60.0, 3600.0


class Step(Enum):
    """What an order needs now."""

    ANSWER = auto()
    WAIT = auto()
    FINALIZE = auto()
    FETCH = auto()
    GIVE_UP = auto()


def next_step(order: Order) -> Step:
    match order.status:
        case OrderStatus.VALID:
            return Step.FETCH
        case OrderStatus.INVALID:
            return Step.GIVE_UP
        case OrderStatus.READY:
            return Step.FINALIZE
        case OrderStatus.PENDING if order.challenge is not None and not order.challenge.told:
            return Step.ANSWER
    return Step.WAIT


class Trouble(Enum):
    """Why an attempt failed: `(first, most)` seconds until the next, doubling in between.

    Let's Encrypt allows five failed validations of a host an hour (https://letsencrypt.org/docs/rate-limits/), so
    `REFUSED` is slow. Nothing of that is used up while a host does not lead here, or the authority is away.
    `ENDED`: a turn that ended without a word.
    """

    REFUSED = (5 * _MINUTE_S, 12 * _HOUR_S)
    UNREACHED = (_MINUTE_S, 15 * _MINUTE_S)
    AWAY = (_MINUTE_S, _HOUR_S)
    ENDED = (15.0, _HOUR_S)


def retry_at(trouble: Trouble, failures: int, host: str, moment: datetime, wait_s: float = 0.0) -> datetime:
    """When the next attempt is made after `failures` in a row: up to a fifth later than said, so that hosts that failed
    together do not come back together; and never before the authority wants it."""
    first, most = trouble.value
    backoff_s = min(first * 2 ** min(max(failures - 1, 0), 30), most) * (1 + _share(f"{host} {failures}") / 5)
    return moment + timedelta(seconds=max(backoff_s, wait_s))


def renew_at(starts: datetime, expires: datetime, host: str) -> datetime:
    """When a third of the life of a certificate is left, or up to a fifteenth of its life earlier."""
    life = expires - starts
    return expires - life / 3 - life / 15 * _share(host)


def renew_within(window: tuple[datetime, datetime] | None, starts: datetime, expires: datetime, host: str) -> datetime:
    """When, in the window that the authority suggests; each host at another moment of it. As usual where there is none,
    and where it leaves less than a tenth of the certificate's life for what may go wrong."""
    usual = renew_at(starts, expires, host)
    if window is None or window[1] < window[0]:
        return usual
    begin, end = window
    suggested = begin + (end - begin) * _share(host)
    return usual if suggested > expires - (expires - starts) / 10 else suggested


def kind_of(host: str, settings: AcmeSettings) -> ChallengeKind:
    by_dns = is_wildcard(host) or settings.challenge == "dns"
    return ChallengeKind.DNS if by_dns else ChallengeKind.HTTP


def why_not(host: str, settings: AcmeSettings) -> str:
    """Why no certificate can be had for the host; "" where one can."""
    last = host.rpartition(".")[2]
    if last in _NOT_PUBLIC and not settings.private_hosts:
        return f".{last} is not a public domain, so no public authority vouches for names in it"
    if kind_of(host, settings) is ChallengeKind.DNS and not settings.dns_hook:
        what = "a wildcard" if is_wildcard(host) else "a host"
        return f"{what} is proven by DNS, for which this server has no program (PORTSIDE_ACME_DNS_HOOK)"
    return ""


def record_name(host: str) -> str:
    """Where DNS-01 looks for its TXT record (RFC 8555, section 8.4)."""
    return f"_acme-challenge.{host.removeprefix('*.')}"


@dataclass(frozen=True)
class Present:
    """What of a recorded order decides whether it is looked at."""

    id: str
    app_id: str
    host: str
    next_at: datetime


@dataclass(frozen=True)
class Changes:
    """`missing`: host → app, of which there is no order yet. `look`: the orders to look at now, those that nobody
    wants any more among them."""

    missing: Mapping[str, str]
    look: list[str]


def unwanted(order: Present, wanted: Mapping[str, str]) -> bool:
    return wanted.get(order.host) != order.app_id


def changes(
    wanted: Mapping[str, str], present: Iterable[Present], busy: Collection[str], most: int, moment: datetime
) -> Changes:
    """From the hosts that want a certificate (host → app) and the orders that there are; `busy` are under way already.
    Never more than `most` at once, the longest due first."""
    known = list(present)
    taken = {order.host for order in known}
    missing = {host: app_id for host, app_id in wanted.items() if host not in taken}
    due = [order for order in known if order.id not in busy and (order.next_at <= moment or unwanted(order, wanted))]
    due.sort(key=lambda order: (order.next_at, order.host))
    return Changes(missing, [order.id for order in due[: max(most - len(busy), 0)]])


def _share(text: str) -> float:
    """From 0 to 1, the same for the same text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) / 2**32

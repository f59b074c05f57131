"""Which addresses may reach an app: networks as people write them, and as HAProxy looks them up. Pure.

HAProxy 2.6 has no table of networks that an app could have to itself, but it finds the longest of the texts in a map
that an address begins with. So a network is there as the beginning, in hexadecimal, of the addresses in it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

from core.errors import UserError
from router.gate_types import Verdict

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_BITS_OF_A_DIGIT = 4


def network(text: str) -> Network:
    """The network, or the one address, in `text`. Raises UserError."""
    words = text.strip()
    try:
        if "%" in words:
            raise ValueError("an address with a zone")
        address = ipaddress.ip_interface(words)
    except ValueError as error:
        raise UserError(
            f"{text!r} is neither an address nor a network.",
            "Give one such as 203.0.113.7, 10.0.0.0/8 or 2001:db8::/32.",
        ) from error
    if address.ip != address.network.network_address:
        raise UserError(
            f"{text!r} names an address inside a network.",
            f"Give the network, {address.network}, or the address, {address.ip}.",
        )
    return address.network


def entries(rules: Mapping[Network, Verdict]) -> dict[str, Verdict]:
    """What each beginning of an address means, so that the longest one that fits decides: denied before allowed.

    A beginning is `8/0A00` (10.0.0.0/16) or `32/20010DB8`: how many digits the whole address has, and the first ones.
    """
    denied = [each for each, verdict in rules.items() if verdict is Verdict.DENY]
    allowed = [each for each, verdict in rules.items() if verdict is Verdict.ALLOW]
    open_to = [each for each in allowed if not any(_is_inside(each, wider) for wider in denied)]
    found = dict.fromkeys(_beginnings(open_to), Verdict.ALLOW)
    return found | dict.fromkeys(_beginnings(denied), Verdict.DENY)


def _is_inside(inner: Network, outer: Network) -> bool:
    same = inner.version == outer.version
    return same and outer.prefixlen <= inner.prefixlen and inner.network_address in outer


def _beginnings(networks: Iterable[Network]) -> Iterable[str]:
    for each in networks:
        digits = -(-each.prefixlen // _BITS_OF_A_DIGIT)
        for part in each.subnets(new_prefix=digits * _BITS_OF_A_DIGIT):
            whole = part.network_address.packed.hex().upper()
            yield f"{len(whole)}/{whole[:digits]}"

"""Networks: as people write them, and how the longest beginning of an address decides."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UserError
from router.gate_types import Verdict
from router.networks import entries, network

ALLOW, DENY = Verdict.ALLOW, Verdict.DENY


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("203.0.113.7", "203.0.113.7/32"),
        (" 10.0.0.0/8 ", "10.0.0.0/8"),
        ("10.0.0.0/255.0.0.0", "10.0.0.0/8"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("::1", "::1/128"),
    ],
)
def test_a_network_is_kept_in_its_usual_form(text, found):
    assert str(network(text)) == found


@pytest.mark.parametrize("text", ["", "10.0.0", "10.0.0.0/33", "example.com", "fe80::1%eth0", "10.0.0.0/8;"])
def test_what_is_no_network_is_refused(text):
    with pytest.raises(UserError) as caught:
        network(text)
    assert caught.value.message == f"{text!r} is neither an address nor a network."
    assert caught.value.hint == "Give one such as 203.0.113.7, 10.0.0.0/8 or 2001:db8::/32."


def test_an_address_with_a_prefix_could_mean_two_things():
    with pytest.raises(UserError) as caught:
        network("10.1.2.3/8")
    assert caught.value.message == "'10.1.2.3/8' names an address inside a network."
    assert caught.value.hint == "Give the network, 10.0.0.0/8, or the address, 10.1.2.3."


def test_entries_are_beginnings_in_hexadecimal():
    assert entries({network("10.16.0.0/12"): ALLOW, network("2001:db8::/32"): DENY}) == {
        "8/0A1": ALLOW,
        "32/20010DB8": DENY,
    }
    assert entries({network("10.0.0.0/7"): ALLOW}) == {"8/0A": ALLOW, "8/0B": ALLOW}
    assert entries({network("0.0.0.0/0"): DENY}) == {"8/": DENY}


def test_no_address_needs_more_than_eight_entries():
    assert len(entries({network("10.0.0.0/9"): ALLOW})) == 8


def as_haproxy(found, address):
    whole = address.packed.hex().upper()
    text = f"{len(whole)}/{whole}"
    fits = [beginning for beginning in found if text.startswith(beginning)]
    return found[max(fits, key=len)] if fits else None


def nearby(bits):
    """Addresses of which many lie in each other's networks."""
    kind = ipaddress.IPv4Address if bits == 32 else ipaddress.IPv6Address
    ends = st.integers(0, 2**11 - 1)
    return ends.map(lambda number: kind((0b1010 << (bits - 4)) | number))


def networks(bits):
    made = st.tuples(nearby(bits), st.integers(bits - 12, bits))
    return made.map(lambda pair: ipaddress.ip_network(pair, strict=False))


rules_of_both = st.dictionaries(st.one_of(networks(32), networks(128)), st.sampled_from(Verdict), max_size=12)


@given(rules_of_both, st.one_of(nearby(32), nearby(128)))
def test_denied_goes_before_allowed_however_they_lie(rules, address):
    fitting = {verdict for each, verdict in rules.items() if address in each}
    meant = DENY if DENY in fitting else ALLOW if fitting else None
    assert as_haproxy(entries(rules), address) == meant

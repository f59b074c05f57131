"""What HAProxy does with a host besides routing it, and what to tell it so that it agrees with the records. Pure.

These tables change when people change domains or certificates, never with a deploy, so the switch of a route does not
touch them. A certificate's file is named after its host and its content: so the list of names is enough to compare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

CERTIFICATES = "certs"  # the folder
CERTIFICATE_LIST = "certs.list"
DEFAULT_CERTIFICATE = "default.pem"
PemOf = Callable[[str], str]


class FrontMap(StrEnum):
    """HAProxy's maps by host, or by app, by the names that its configuration and its runtime API use.

    `challenges`: what a certificate authority finds at a token; `networks` and `logins`: who gets to an app; `options`:
    what it asks of them (gate_records.py); `redirects`: to which host; `maintenance`: the page of an app; `https`:
    plain HTTP is sent on to HTTPS; `hsts`: the header's value; `forked`: the hosts that have paths of their own;
    `paths`: to which app each leads (see paths.py); `sticky`: the apps whose visitors come back to one instance;
    `special`: which of these the requests to an app pass (Mark).

    Entries are put in this order and taken away in the other: an app never asks for what its lists do not hold yet.
    """

    CHALLENGES = "challenges.map"
    NETWORKS = "networks.map"
    LOGINS = "logins.map"
    OPTIONS = "options.map"
    REDIRECTS = "redirects.map"
    MAINTENANCE = "maintenance.map"
    HTTPS = "https.map"
    HSTS = "hsts.map"
    PATHS = "paths.map"
    FORKED = "forked.map"
    STICKY = "sticky.map"
    SPECIAL = "special.map"


class Mark(StrEnum):
    """How an app is marked in `special`.

    `all`: it has an entry in any of `options`, `maintenance` and `sticky`, or a host in `redirects` or `forked`.
    `https`: it only has hosts in `https` or `hsts`. Requests to an app without a mark pass no rule about any of these
    (front.cfg.j2).
    """

    ALL_RULES = "all"
    HTTPS = "https"


def marks(secure: Iterable[str], special: Iterable[str]) -> dict[str, str]:
    """Of the apps with a host in `https` or `hsts`, and of those that want more."""
    return {**dict.fromkeys(secure, Mark.HTTPS.value), **dict.fromkeys(special, Mark.ALL_RULES.value)}


@dataclass(frozen=True)
class FrontTable:
    """`maps`: each map's entries, by host. `certificates`: file → id of the certificate in it ("" where HAProxy tells:
    the file's name says all). `unlisted`: files that HAProxy has loaded and shows to nobody."""

    maps: Mapping[FrontMap, Mapping[str, str]] = field(default_factory=dict)
    certificates: Mapping[str, str] = field(default_factory=dict)
    unlisted: frozenset[str] = frozenset()

    def entries(self, name: FrontMap) -> Mapping[str, str]:
        return self.maps.get(name, {})


@dataclass(frozen=True)
class Command:
    """One command to HAProxy's runtime API, for a host or an app, with how its good answer ends ("": no answer at
    all)."""

    text: str
    whose: str
    good: str = ""


def certificate_file(host: str, digest: str) -> str:
    """Where the certificate of a host is: `certs/www.example.com--DIGEST.pem`."""
    return f"{CERTIFICATES}/{host.replace('*', '_')}--{digest}.pem"


def host_of(file: str) -> str:
    """The host of a certificate's file."""
    return file.removeprefix(f"{CERTIFICATES}/").rpartition("--")[0].replace("_", "*")


def plan(desired: FrontTable, observed: FrontTable, pem_of: PemOf) -> list[Command]:
    """The commands from `observed` to `desired`, in order; none when they agree.

    A new certificate is in force before the old one of its host goes, and before anybody is sent to it.
    """
    return [
        *_add_certificates(desired, observed, pem_of),
        *(command for name in FrontMap for command in _put(name, desired.entries(name), observed.entries(name))),
        *(
            Command(f"del map {name} {key}", _whose(key))
            for name in reversed(FrontMap)
            for key in sorted(observed.entries(name).keys() - desired.entries(name).keys())
        ),
        *_remove_certificates(desired, observed),
    ]


def _add_certificates(desired: FrontTable, observed: FrontTable, pem_of: PemOf) -> Iterator[Command]:
    for file in sorted(desired.certificates.keys() - observed.certificates.keys()):
        host = host_of(file)
        if file not in observed.unlisted:
            yield Command(f"new ssl cert {file}", host, f"New empty certificate store '{file}'!")
        pem = pem_of(desired.certificates[file]).strip()
        yield Command(f"set ssl cert {file} <<\n{pem}\n", host, f"Transaction created for certificate {file}!")
        yield Command(f"commit ssl cert {file}", host, "Success!")
        yield Command(f"add ssl crt-list {CERTIFICATE_LIST} <<\n{file} {host}\n", host, "Success!")


def _remove_certificates(desired: FrontTable, observed: FrontTable) -> Iterator[Command]:
    for file in sorted(observed.certificates.keys() - desired.certificates.keys()):
        host, deleted = host_of(file), f"'{file}' deleted in crtlist '{CERTIFICATE_LIST}'!"
        yield Command(f"del ssl crt-list {CERTIFICATE_LIST} {file}", host, deleted)
        yield Command(f"del ssl cert {file}", host, f"Certificate '{file}' deleted!")
    for file in sorted(observed.unlisted - desired.certificates.keys()):
        yield Command(f"del ssl cert {file}", host_of(file), f"Certificate '{file}' deleted!")


def _put(name: FrontMap, desired: Mapping[str, str], observed: Mapping[str, str]) -> Iterator[Command]:
    for key, value in sorted(desired.items()):
        if observed.get(key) != value:
            yield Command(f"{'set' if key in observed else 'add'} map {name} {key} {value}", _whose(key))


def _whose(key: str) -> str:
    """The host, or the app, that a map's key begins with."""
    return key.partition("/")[0]


def files(table: FrontTable, pem_of: PemOf) -> dict[str, str]:
    """The files that HAProxy reads when it starts."""
    return {
        **{name.value: map_lines(table.entries(name)) for name in FrontMap},
        **{file: pem_of(identity) for file, identity in table.certificates.items()},
        CERTIFICATE_LIST: "".join(f"{file} {host_of(file)}\n" for file in sorted(table.certificates)),
    }


def map_lines(entries: Mapping[str, str]) -> str:
    """A map as HAProxy's file."""
    return "".join(f"{key} {value}\n" for key, value in sorted(entries.items()))

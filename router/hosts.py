"""Which host names are right ones. Pure; what passes here is safe in a map file and in a command to HAProxy."""

from __future__ import annotations

import ipaddress
import re

import idna

from core.errors import UserError

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")  # RFC 1123, section 2.1
_LONGEST_HOST = 253  # RFC 1035, section 2.3.4, without the final dot
_EXAMPLE = "Give a name such as www.example.com."


def check_label(label: str) -> str:
    """`label` as it is; raises UserError unless it can be one part of a host name."""
    if not _LABEL.fullmatch(label):
        raise UserError(
            f"{label!r} can't be part of a host name: it may hold a-z, 0-9 and inner hyphens, 63 at most.",
            "Choose another name for the app.",
        )
    return label


def platform_host(label: str, domain: str) -> str:
    """The host name that an app has by its name."""
    return f"{label}.{domain}"


def custom_host(text: str, domain: str) -> str:
    """The host name in `text` as DNS knows it: in lower case, without a final dot, other letters in their xn-- form.

    It may be a wildcard, `*.example.com`. `domain` is the platform's own: names right below it belong to the apps
    called so. Raises UserError.
    """
    host = plain_host(text)
    _check_form(text, host)
    if host == f"*.{domain}":
        raise UserError(f"{host} covers the names of all apps here.", f"Add a host name outside {domain}.")
    if host.endswith(f".{domain}") and "." not in host.removesuffix(f".{domain}"):
        label = host.removesuffix(f".{domain}")
        raise UserError(
            f"{host} is a name of the platform itself: it belongs to the app called {label}.",
            f"Rename the app to {label}, or add a host name outside {domain}.",
        )
    return host


def host_of_path(text: str, domain: str) -> str:
    """As `custom_host`, for a host of which a part leads elsewhere: it may be an app's by its name, too."""
    host = plain_host(text)
    label = host.removesuffix(f".{domain}")
    return host if platform_host(label, domain) == host and _LABEL.fullmatch(label) else custom_host(text, domain)


def plain_host(text: str) -> str:
    """`text` in the form in which hosts are kept, whether it is a right one or not."""
    host = text.strip().rstrip(".").lower()
    if host.isascii():
        return host
    star = "*." if host.startswith("*.") else ""
    try:
        # UTS 46, as browsers do it: https://www.unicode.org/reports/tr46/
        return star + idna.encode(host.removeprefix("*."), uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise UserError(f"{text!r} is not a host name: {error}.", _EXAMPLE) from error


def is_wildcard(host: str) -> bool:
    return host.startswith("*.")


def wildcard_over(host: str) -> str:
    """The wildcard that covers `host`: `*.example.com` of www.example.com. It reaches one label deep, as in
    certificates (RFC 6125, section 6.4.3)."""
    return f"*.{host.partition('.')[2]}"


def _check_form(text: str, host: str) -> None:
    if "://" in host or "/" in host or ":" in host:
        raise UserError(f"{text!r} is more than a host name.", f"Leave out the scheme and the port. {_EXAMPLE}")
    name = host.removeprefix("*.")
    if "*" in name:
        raise UserError(f"{text!r} has its star in another place than the first.", "Write *.example.com.")
    if len(host) > _LONGEST_HOST or "." not in name or not all(_LABEL.fullmatch(part) for part in name.split(".")):
        raise UserError(f"{text!r} is not a full host name.", _EXAMPLE)
    if _is_address(name):
        raise UserError(f"{text!r} is an address, not a host name.", _EXAMPLE)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True

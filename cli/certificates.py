"""Certificates and HTTPS as the API tells of them."""

from __future__ import annotations

from dataclasses import dataclass

from cli.client import Json


@dataclass(frozen=True)
class Certificate:
    """A certificate. `names`: what it is for; `hosts`: the app's domains at which it is shown."""

    name: str
    names: tuple[str, ...]
    hosts: tuple[str, ...]
    subject: str
    issuer: str
    self_signed: bool
    starts_at: str
    expires_at: str

    @classmethod
    def of(cls, data: Json) -> Certificate:
        """Read the API's object. Raises KeyError when it is not one."""
        told = data["ssl_cert"]
        return cls(
            name=data["name"],
            names=tuple(told.get("cert_domains") or ()),
            hosts=tuple(data.get("hosts") or ()),
            subject=told.get("subject") or "",
            issuer=told.get("issuer") or "",
            self_signed=bool(told.get("self_signed?")),
            starts_at=told["starts_at"],
            expires_at=told["expires_at"],
        )


@dataclass(frozen=True)
class Https:
    """How an app uses HTTPS. `hsts_s` 0: browsers are told nothing."""

    redirect: bool
    hsts_s: int

    @classmethod
    def of(cls, data: Json) -> Https:
        """Read the API's object. Raises KeyError when it is not one."""
        return cls(redirect=data["redirect"], hsts_s=data.get("hsts_s") or 0)


@dataclass(frozen=True)
class AutomaticHost:
    """How a domain stands. `state`: pending, issued, failing, own or excluded; `expires_at`: of what it shows."""

    hostname: str
    state: str
    reason: str | None
    next_at: str | None
    certificate: str | None
    expires_at: str | None

    @classmethod
    def of(cls, data: Json) -> AutomaticHost:
        """Read the API's object. Raises KeyError when it is not one."""
        more = ("reason", "next_at", "certificate", "expires_at")
        return cls(data["hostname"], data["state"], *(data.get(name) for name in more))


@dataclass(frozen=True)
class Automatic:
    """Whether an app's domains get certificates by themselves, and how each stands."""

    enabled: bool
    hosts: tuple[AutomaticHost, ...]

    @classmethod
    def of(cls, data: Json) -> Automatic:
        """Read the API's object. Raises KeyError when it is not one."""
        return cls(data["enabled"], tuple(map(AutomaticHost.of, data.get("hosts") or ())))

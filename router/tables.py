"""The router's tables: who is known by which host, and which backends serve whom."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UtcDateTime


class SlotState(StrEnum):
    """What a used slot holds. `current`: the app's present generation; `draining`: a former one that still finishes
    what it was given; `retired`: to be emptied. A slot without a row is free."""

    CURRENT = "current"
    DRAINING = "draining"
    RETIRED = "retired"


class RouteRow(Base):
    """One app: its label (none before it is named) and its present generation (none before its first release).

    `hold_until`: its requests wait at the router till then. `counted`: whether its answers are counted."""

    __tablename__ = "router_routes"

    app_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    label: Mapped[str | None] = mapped_column(String(63), unique=True)
    generation: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    hold_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    counted: Mapped[bool] = mapped_column(default=False, server_default=false())


class SlotRow(Base):
    """A slot in use: HAProxy's backend `slot_NNNN`, held by one generation of one app, which speaks `protocol`."""

    __tablename__ = "router_slots"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    app_id: Mapped[str] = mapped_column(String(36))
    generation: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(20))
    protocol: Mapped[str] = mapped_column(String(10), default="http1", server_default="http1")

    __table_args__ = (Index("ix_router_slots_app_id", "app_id"),)

    @property
    def name(self) -> str:
        return slot_name(self.number)


class BackendRow(Base):
    """An instance in a slot."""

    __tablename__ = "router_backends"

    slot: Mapped[int] = mapped_column(ForeignKey("router_slots.number", ondelete="CASCADE"), primary_key=True)
    instance_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    address: Mapped[str] = mapped_column(String(15))
    port: Mapped[int]


class DomainRow(Base):
    """A custom host name of an app. `redirect_to`: another of its hosts, where requests are sent on to."""

    __tablename__ = "router_domains"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    app_id: Mapped[str] = mapped_column(String(36))
    host: Mapped[str] = mapped_column(String(253), unique=True)
    redirect_to: Mapped[str | None] = mapped_column(String(253))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_router_domains_app_id", "app_id"),)


class PathRow(Base):
    """A path on somebody's host that leads to an app. `path` is `/api`, without a slash at its end; `strip`: the app
    does not see it."""

    __tablename__ = "router_paths"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    app_id: Mapped[str] = mapped_column(String(36))
    host: Mapped[str] = mapped_column(String(253))
    path: Mapped[str] = mapped_column(String(200))
    strip: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("host", "path", name="uq_router_paths_host_path"),
        Index("ix_router_paths_app_id", "app_id"),
    )


class ProxyRow(Base):
    """How requests are passed on to an app; without a row, `ProxyMode()` of types.py."""

    __tablename__ = "router_proxies"

    app_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    protocol: Mapped[str] = mapped_column(String(10))
    sticky: Mapped[bool]
    retry_posts: Mapped[bool] = mapped_column(default=False, server_default=false())


class MaintenanceRow(Base):
    """An app in maintenance mode, with the page that its visitors get (none: the router's own)."""

    __tablename__ = "router_maintenance"

    app_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    page: Mapped[str | None] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(UtcDateTime)


class CertificateRow(Base):
    """A certificate of an app. `names`: the host names that it covers, with a space between two. `chain` is PEM,
    `sealed_key` the sealed PEM. `automatic`: Portside asked for it, and renews it."""

    __tablename__ = "router_certificates"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    app_id: Mapped[str] = mapped_column(String(36))
    name: Mapped[str] = mapped_column(String(300))
    names: Mapped[str] = mapped_column(Text)
    chain: Mapped[str] = mapped_column(Text)
    sealed_key: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(String(16))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    automatic: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (UniqueConstraint("app_id", "name", name="uq_router_certificates_app_id_name"),)


class HttpsRow(Base):
    """What an app wants of HTTPS; without a row, `Https()` of types.py. `hsts_s` 0: no such header."""

    __tablename__ = "router_https"

    app_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    redirect: Mapped[bool]
    hsts_s: Mapped[int]


class AccessRuleRow(Base):
    """A network whose addresses may, or may not, reach an app."""

    __tablename__ = "router_access_rules"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    app_id: Mapped[str] = mapped_column(String(36))
    network: Mapped[str] = mapped_column(String(43))
    verdict: Mapped[str] = mapped_column(String(5))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (UniqueConstraint("app_id", "network", name="uq_router_access_rules_app_id_network"),)


class LoginRow(Base):
    """Somebody who may use an app, by name and password; of the password, its salted digest (logins.py)."""

    __tablename__ = "router_logins"

    app_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    salt: Mapped[str] = mapped_column(String(24))
    digest: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LimitsRow(Base):
    """What an app has of its own of limits and timeouts; see `TrafficLimits` and `TrafficTimeouts` of gate_types.py."""

    __tablename__ = "router_limits"

    app_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    requests_per_s: Mapped[int | None]
    connections: Mapped[int | None]
    idle_s: Mapped[int | None]
    tunnel_s: Mapped[int | None]


def slot_name(number: int) -> str:
    """HAProxy's name of a slot: `slot_0007`."""
    return f"slot_{number:04d}"

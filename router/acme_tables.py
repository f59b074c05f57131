"""The tables of certificates that are asked for automatically, and the life of an order."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UtcDateTime
from core.states import LifeCycle


class OrderState(StrEnum):
    """`pending`: to be ordered, or being ordered; `issued`: the host has its certificate, until it is renewed;
    `failing`: the last attempt failed, and another follows. A former certificate is served in any of them."""

    PENDING = "pending"
    ISSUED = "issued"
    FAILING = "failing"


ORDERS = LifeCycle(
    {
        OrderState.PENDING: frozenset({OrderState.PENDING, OrderState.ISSUED, OrderState.FAILING}),
        OrderState.ISSUED: frozenset({OrderState.PENDING}),
        OrderState.FAILING: frozenset({OrderState.PENDING}),
    }
)


class AutomaticRow(Base):
    """An app whose hosts get their certificates by themselves."""

    __tablename__ = "router_automatic_apps"

    app_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime)


class OrderRow(Base):
    """The certificate of one host: where its order stands, and when it is looked at next.

    `url`: the order at the authority, while one is under way, with the sealed key that its certificate will have and
    the challenge that is being answered: `token` and `answer` of HTTP-01, `answer` alone of DNS-01.
    `failures`: attempts that failed, one after the other; `reason`: of the last one.
    """

    __tablename__ = "router_orders"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    app_id: Mapped[str] = mapped_column(String(36))
    host: Mapped[str] = mapped_column(String(253), unique=True)
    state: Mapped[str] = mapped_column(String(20))
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    failures: Mapped[int] = mapped_column(default=0)
    reason: Mapped[str] = mapped_column(Text, default="")
    url: Mapped[str | None] = mapped_column(Text)
    sealed_key: Mapped[str | None] = mapped_column(Text)
    token: Mapped[str | None] = mapped_column(String(300))
    answer: Mapped[str | None] = mapped_column(String(400))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_router_orders_app_id", "app_id"),)


class AccountRow(Base):
    """Portside's account at an authority: its sealed key, made before anything is said there, and its address.

    `directory`: the authority's, with `#` and the id of the account of people's own that it is bound to, if any.
    `email`: where the authority was told to write to; none: that is not known.
    """

    __tablename__ = "router_acme_accounts"

    directory: Mapped[str] = mapped_column(String(500), primary_key=True)
    sealed_key: Mapped[str] = mapped_column(Text)
    url: Mapped[str | None] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

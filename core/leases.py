"""Leases: who works on what, kept in the database so that a dead worker's work is picked up.

A lease has a name, an owner, an expiry that a heartbeat pushes on, and a fence: a number that grows with each new
holder. Docker and HAProxy check no fence, so every write that matters is guarded by it here (`fenced`).
Rows that ended long ago are dropped; one row keeps the highest fence among them, so that a fence never comes twice.
See Martin Kleppmann, "How to do distributed locking" (2016), for why expiry alone is not enough.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, String, delete, exists, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from core import clock
from core.database import Base, Database, UtcDateTime
from core.errors import LeaseLost
from core.ids import new_id

log = logging.getLogger("portside.leases")

KEPT_FOR = timedelta(days=1)
"""How long after its end a lease's row stays: far longer than any holder is frozen."""
DROPPED = "(dropped)"
"""The name of the row whose fence is the highest of all that were dropped."""


class LeaseRow(Base):
    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    owner: Mapped[str] = mapped_column(String(120))
    fence: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True)
class Lease:
    """A held lease. `lost` is set as soon as a heartbeat finds that somebody else has it."""

    name: str
    owner: str
    fence: int
    lost: threading.Event = field(default_factory=threading.Event, compare=False, repr=False)

    def check(self) -> None:
        """Raise LeaseLost if a heartbeat has found the lease gone."""
        if self.lost.is_set():
            raise LeaseLost(f"lease {self.name} was taken over")

    def fenced(self) -> ColumnElement[bool]:
        """A condition for an UPDATE: this lease is still ours, decided inside the same transaction."""
        held = select(LeaseRow.name).where(LeaseRow.name == self.name, LeaseRow.fence == self.fence)
        return exists(held)

    def hold_in(self, session: Session) -> None:
        """Raise LeaseLost unless the lease is ours in this transaction."""
        row = session.get(LeaseRow, self.name, populate_existing=True, with_for_update=True)
        if row is None or row.fence != self.fence or row.owner != self.owner:
            self.lost.set()
        self.check()


class Leases:
    """Takes, keeps and gives back leases.

    `ttl_s` is how long a lease outlives its holder's last heartbeat; heartbeats come every third of it.
    """

    def __init__(self, database: Database, ttl_s: float = 15.0) -> None:
        self.database = database
        self.ttl_s = ttl_s

    def take(self, name: str) -> Lease | None:
        """The lease `name` with a fresh fence, or None while another owner's is unexpired."""
        owner = f"{socket.gethostname()}:{os.getpid()}:{new_id()[:8]}"
        moment = clock.now()
        with self.database.write() as session:
            row = session.get(LeaseRow, name)
            if row is None:
                dropped = session.get(LeaseRow, DROPPED)
                row = LeaseRow(name=name, owner=owner, fence=dropped.fence if dropped else 0, expires_at=moment)
                session.add(row)
            elif row.expires_at > moment:
                return None
            row.owner, row.fence, row.expires_at = owner, row.fence + 1, clock.after(self.ttl_s, moment)
            return Lease(name, owner, row.fence)

    def renew(self, lease: Lease) -> None:
        """Push the expiry on; sets `lease.lost` when it is no longer ours."""
        ours = (LeaseRow.name == lease.name, LeaseRow.fence == lease.fence, LeaseRow.owner == lease.owner)
        with self.database.write() as session:
            renewed = session.execute(update(LeaseRow).where(*ours).values(expires_at=clock.after(self.ttl_s)))
            if renewed.rowcount != 1:  # type: ignore[attr-defined]
                lease.lost.set()

    def give_back(self, lease: Lease) -> None:
        """End the lease now, if it is still ours. The row and its fence stay."""
        ours = (LeaseRow.name == lease.name, LeaseRow.fence == lease.fence, LeaseRow.owner == lease.owner)
        with self.database.write() as session:
            session.execute(update(LeaseRow).where(*ours).values(expires_at=clock.now()))

    def drop_ended(self) -> int:
        """Drop the rows of leases that ended `KEPT_FOR` ago; gives how many.

        Most were of what is no more: destroyed apps, certificates that nobody wants. Where a name is used again, its
        fences go on above all that were dropped.
        """
        moment = clock.now()
        ended = (LeaseRow.expires_at < moment - KEPT_FOR, LeaseRow.name != DROPPED)
        with self.database.read() as session:
            if session.scalar(select(LeaseRow.name).where(*ended).limit(1)) is None:
                return 0
        with self.database.write() as session:
            highest = session.scalar(select(func.max(LeaseRow.fence)).where(*ended)) or 0
            row = session.get(LeaseRow, DROPPED)
            if row is None:
                row = LeaseRow(name=DROPPED, owner="", fence=0, expires_at=moment)
                session.add(row)
            row.fence = max(row.fence, highest)
            return session.execute(delete(LeaseRow).where(*ended)).rowcount  # type: ignore[attr-defined,no-any-return]

    def is_held(self, name: str) -> bool:
        with self.database.read() as session:
            row = session.get(LeaseRow, name)
            return row is not None and row.expires_at > clock.now()

    def held_under(self, prefix: str) -> list[str]:
        """The names of the unexpired leases that begin with `prefix`."""
        held = select(LeaseRow.name).where(LeaseRow.name.startswith(prefix, autoescape=True))
        with self.database.read() as session:
            return list(session.scalars(held.where(LeaseRow.expires_at > clock.now())))

    @contextmanager
    def held(self, name: str) -> Iterator[Lease | None]:
        """Hold `name` for the length of the block, with a heartbeat; None when another owner has it."""
        lease = self.take(name)
        if lease is None:
            yield None
            return
        done = threading.Event()
        beat = threading.Thread(target=self._beat, args=(lease, done), name=f"lease {name}", daemon=True)
        beat.start()
        try:
            yield lease
        finally:
            done.set()
            self.give_back(lease)

    def _beat(self, lease: Lease, done: threading.Event) -> None:
        while not done.wait(self.ttl_s / 3):
            try:
                self.renew(lease)
            except Exception:  # a busy database now is no reason to give up: the next beat tries again
                log.exception("heartbeat of %s failed", lease.name)
            if lease.lost.is_set():
                return

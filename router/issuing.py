"""Asks for certificates: the sweep that finds what is due, and the turn of one order.

A turn holds the order's lease, and everything that it does is in the records first. So two workers never work on one
order, and after a kill -9 the next turn looks at the same order at the authority and goes on with it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import delete

from core import clock
from core.database import Database
from core.ids import AppId
from core.leases import Lease, Leases
from core.states import LostRace
from router import acme_plan, acme_records, certificate_news, pem
from router.acme_plan import Trouble
from router.acme_records import Work
from router.acme_settings import AcmeSettings
from router.acme_tables import OrderRow, OrderState
from router.certificates import Certificates
from router.ordering import Ordering, Pause, Stopped

log = logging.getLogger("portside.certificates")

_LEASE = "certificate "


class Issuing:
    """`look` has a worker take the turn of an order, by its id; `changed` makes HAProxy show what the records say;
    `tell` puts a line into an app's log."""

    def __init__(
        self,
        database: Database,
        leases: Leases,
        domain: str,
        settings: AcmeSettings,
        certificates: Certificates,
        ordering: Ordering,
        look: Callable[[str], None],
        changed: Callable[[], None],
        tell: Callable[[AppId, str], None],
    ) -> None:
        self._database = database
        self._leases = leases
        self._domain = domain
        self._settings = settings
        self._certificates = certificates
        self._ordering = ordering
        self._look = look
        self._changed = changed
        self._tell = tell

    def sweep(self) -> None:
        """See that every host that wants a certificate has an order, and have those looked at that are due."""
        with self._database.read() as session:
            wanted = acme_records.wanted(acme_records.verdicts(session, self._domain, self._settings))
            present = acme_records.present(session)
        if not wanted and not present:
            return
        busy = {name.removeprefix(_LEASE) for name in self._leases.held_under(_LEASE)}
        found = acme_plan.changes(wanted, present, busy, self._settings.parallel, clock.now())
        if found.missing:
            with self._database.write() as session:
                acme_records.add(session, found.missing)
            self._look("")
        for order_id in found.look:
            self._look(order_id)

    def turn(self, order_id: str) -> None:
        """Take an order as far as it goes now. With no id: sweep again, for what has just been added."""
        if not order_id:
            self.sweep()
            return
        with self._leases.held(f"{_LEASE}{order_id}") as lease:
            if lease is None:
                return
            with self._database.read() as session:
                work = acme_records.work(session, order_id)
                if work is None:
                    return
                verdict = acme_records.verdicts(session, self._domain, self._settings, work.app_id).get(work.host)
            with suppress(LostRace):  # its app was forgotten in the meantime
                if verdict is None or verdict.app_id != work.app_id or verdict.state is not None:
                    self._drop(work, lease, still_served=verdict is not None and bool(verdict.reason))
                elif work.next_at <= clock.now():
                    self._take(work, lease)

    def _take(self, work: Work, lease: Lease) -> None:
        if work.state is OrderState.PENDING and work.url is None and self._adopt(work, lease):
            return
        moment = clock.now()
        anew = acme_plan.retry_at(Trouble.ENDED, work.failures + 1, work.host, moment)
        self._move(work, lease, OrderState.PENDING, next_at=anew, failures=work.failures + 1)
        try:
            former = self._certificates.automatic_chain(work.app_id, work.host)
            pair = self._ordering.work_on(work, lease, pem.renewal_id(former) if former else "")
        except Pause as pause:
            self._move(work, lease, OrderState.PENDING, next_at=clock.after(pause.wait_s), failures=work.failures)
            return
        except Stopped as stopped:
            self._failed(work, lease, stopped)
            return
        self._done(work, lease, pair, is_renewed=former is not None)

    def _done(self, work: Work, lease: Lease, pair: pem.Pair, is_renewed: bool) -> None:
        self._ordering.tidy(work.id)
        renewed_at = acme_plan.renew_at(pair.certificate.starts_at, pair.certificate.expires_at, work.host)
        with self._database.write() as session:
            done = dict.fromkeys(("url", "sealed_key", "token", "answer"))
            values = {**done, "next_at": renewed_at, "failures": 0, "reason": ""}
            acme_records.move(session, lease, work.id, OrderState.ISSUED, **values)
            self._certificates.keep_automatic(session, work.app_id, work.host, pair)
        log.info("%s has a certificate until %s", work.host, clock.iso(pair.certificate.expires_at))
        self._changed()
        until = pair.certificate.expires_at
        self._tell(work.app_id, certificate_news.issued(work.host, until, renewed=is_renewed))

    def _adopt(self, work: Work, lease: Lease) -> bool:
        """A certificate that is there from an earlier time, and lasts, is not asked for again."""
        dates = self._certificates.automatic_dates(work.app_id, work.host)
        if dates is None:
            return False
        renewed_at = acme_plan.renew_at(*dates, work.host)
        if renewed_at <= clock.now():
            return False
        self._move(work, lease, OrderState.ISSUED, next_at=renewed_at, failures=0, reason="")
        return True

    def _failed(self, work: Work, lease: Lease, stopped: Stopped) -> None:
        failures = work.failures + 1
        next_at = acme_plan.retry_at(stopped.trouble, failures, work.host, clock.now(), stopped.wait_s)
        log.warning("no certificate for %s: %s Next attempt: %s", work.host, stopped.message, clock.iso(next_at))
        values: dict[str, object] = {"next_at": next_at, "failures": failures, "reason": stopped.message}
        if stopped.over:  # else the authority may just be looking at the answer
            self._ordering.tidy(work.id)
            values |= dict.fromkeys(("url", "sealed_key", "token", "answer"))
        self._move(work, lease, OrderState.FAILING, **values)
        self._changed()
        if certificate_news.is_told(failures, stopped.message, work.reason):
            dates = self._certificates.automatic_dates(work.app_id, work.host)
            until = None if dates is None else dates[1]
            told = certificate_news.failed(work.host, stopped.message, stopped.trouble, next_at, until)
            self._tell(work.app_id, told)

    def _drop(self, work: Work, lease: Lease, still_served: bool) -> None:
        """Nobody wants it any more: the host is gone, or has another certificate, or its app wants none (then what is
        there is served on)."""
        self._ordering.tidy(work.id)
        with self._database.write() as session:
            acme_records.move(session, lease, work.id, OrderState.PENDING)
            session.execute(delete(OrderRow).where(OrderRow.id == work.id))
            if not still_served and work.app_id in acme_records.apps(session):
                self._certificates.drop_automatic(session, work.app_id, work.host)
        self._changed()

    def _move(self, work: Work, lease: Lease, to: OrderState, **values: object) -> None:
        with self._database.write() as session:
            acme_records.move(session, lease, work.id, to, **values)

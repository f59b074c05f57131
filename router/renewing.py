"""Asks the authority when it wants certificates renewed (RFC 9773): at once, say, because it has to revoke them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select, update

from core import clock
from core.database import Database
from core.errors import Unavailable
from core.ids import AppId
from router import acme_plan, pem
from router.acme_settings import AcmeSettings
from router.acme_tables import OrderRow, OrderState
from router.acme_types import Authority, Refused
from router.certificates import Certificates

log = logging.getLogger("portside.certificates")

LOOK_S = 3600.0
ASK_EVERY_S = 6 * 3600.0
"""What authorities want (RFC 9773, section 4.3.2). A look comes more often, so that a worker that starts anew every few
hours asks as well."""
_NOTHING_NEW_S = 60.0


class Renewing:
    """Moves the time at which each certificate is renewed to what its authority suggests, where it suggests any."""

    def __init__(
        self, database: Database, settings: AcmeSettings, certificates: Certificates, authority: Callable[[], Authority]
    ) -> None:
        self._database = database
        self._settings = settings
        self._certificates = certificates
        self._connect = authority
        self._asked_at: datetime | None = None

    def look(self) -> None:
        """Ask, if the last time was long ago."""
        moment = clock.now()
        if self._asked_at is None or (moment - self._asked_at).total_seconds() > ASK_EVERY_S - LOOK_S / 2:
            self._asked_at = moment
            self.ask()

    def ask(self) -> None:
        """Ask about each certificate that is not due. An authority that is away is asked the next time."""
        waiting = self._waiting() if self._settings.agree_terms else []
        if not waiting:
            return
        try:
            authority = self._connect()
            for order_id, app_id, host, next_at in waiting:
                if not authority.suggests_renewals():
                    return
                self._ask(authority, order_id, app_id, host, next_at)
        except (Refused, Unavailable) as error:
            log.info("no word on when to renew: %s", error.message)

    def _ask(self, authority: Authority, order_id: str, app_id: AppId, host: str, next_at: datetime) -> None:
        chain = self._certificates.automatic_chain(app_id, host)
        if chain is None:
            return
        told = pem.first_of(chain)
        try:
            window = authority.renewal_window(pem.renewal_id(chain))
        except Refused as refused:  # it is not one of its own
            log.info("no word on when to renew %s: %s", host, refused.message)
            return
        renewed_at = acme_plan.renew_within(window, told.starts_at, told.expires_at, host)
        if abs((renewed_at - next_at).total_seconds()) < _NOTHING_NEW_S:
            return
        log.info("%s is renewed at %s, as its authority suggests", host, clock.iso(renewed_at))
        unchanged = (OrderRow.id == order_id, OrderRow.state == OrderState.ISSUED, OrderRow.next_at == next_at)
        with self._database.write() as session:
            session.execute(update(OrderRow).where(*unchanged).values(next_at=renewed_at))

    def _waiting(self) -> list[tuple[str, AppId, str, datetime]]:
        row = OrderRow
        query = select(row.id, row.app_id, row.host, row.next_at).where(row.state == OrderState.ISSUED)
        with self._database.read() as session:
            found = session.execute(query.where(row.next_at > clock.now()).order_by(row.next_at))
            return [(order_id, AppId(app_id), host, next_at) for order_id, app_id, host, next_at in found]

"""Certificates that Portside asks for by itself: which apps want them, and how each host stands."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import delete

from core import clock
from core.database import Database
from core.errors import Conflict, UserError
from core.ids import AppId
from router import acme_records, certificate_records
from router.acme_records import Verdict
from router.acme_settings import AcmeSettings
from router.acme_tables import AutomaticRow, OrderRow
from router.acme_types import HostCertificate, HostState
from router.certificate_records import Candidate


class Automatic:
    """Safe to use from many threads and processes. `wake` has a worker look at the orders, now rather than soon."""

    def __init__(
        self,
        database: Database,
        domain: str,
        settings: AcmeSettings,
        serves_https: bool = True,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._domain = domain
        self._settings = settings
        self._serves_https = serves_https
        self._wake = wake

    def enable(self, app_id: AppId) -> None:
        """Have all hosts of the app, and those that are added later, get certificates. Doing it twice is fine.

        Raises UserError where this server may not ask for any.
        """
        if not self._serves_https:
            raise UserError("This server serves no HTTPS.", "Give it a port: PORTSIDE_ROUTER_HTTPS_PORT=443")
        if not self._settings.agree_terms:
            raise UserError(
                "This server has not agreed to the terms of a certificate authority, so it asks for no certificates.",
                "Its administrator reads them, and sets PORTSIDE_ACME_AGREE_TERMS=yes and PORTSIDE_ACME_EMAIL.",
            )
        with self._database.write() as session:
            if session.get(AutomaticRow, app_id) is None:
                session.add(AutomaticRow(app_id=app_id, since=clock.now()))
        self._wake()

    def disable(self, app_id: AppId) -> None:
        """Ask for no more. The certificates that are there are served until they expire. Doing it twice is fine."""
        with self._database.write() as session:
            session.execute(delete(AutomaticRow).where(AutomaticRow.app_id == app_id))
        self._wake()

    def refresh(self, app_id: AppId) -> None:
        """Try now what has failed. Raises Conflict for an app that is not enabled."""
        if not self.is_on(app_id):
            raise Conflict("This app has no automatic certificates.", "Turn them on: portside certs:auto enable")
        with self._database.write() as session:
            acme_records.hasten(session, app_id)
        self._wake()

    def is_on(self, app_id: AppId) -> bool:
        with self._database.read() as session:
            return session.get(AutomaticRow, app_id) is not None

    def apps(self) -> frozenset[AppId]:
        """Every app with automatic certificates, in one query."""
        with self._database.read() as session:
            return acme_records.apps(session)

    def hosts(self, app_id: AppId | None = None) -> list[HostCertificate]:
        """How each host of the app stands, or of all apps with automatic certificates; by name."""
        with self._database.read() as session:
            verdicts = acme_records.verdicts(session, self._domain, self._settings, app_id)
            shown = certificate_records.shown(session, self._domain, app_id)
            orders = acme_records.orders(session, app_id)
            names = certificate_records.names(session, app_id)
            found = [
                _told(host, verdict, orders.get(host), shown.get(host), names) for host, verdict in verdicts.items()
            ]
        return sorted(found, key=lambda each: each.host)


def _told(
    host: str, verdict: Verdict, order: OrderRow | None, shown: Candidate | None, names: dict[str, str]
) -> HostCertificate:
    state, reason, next_at = verdict.state or HostState.PENDING, verdict.reason, None
    if verdict.state is None and order is not None and order.app_id == verdict.app_id:
        state, reason, next_at = HostState(order.state), order.reason, order.next_at
    certificate, expires_at = (None, None) if shown is None else (names.get(shown.id), shown.expires_at)
    return HostCertificate(verdict.app_id, host, state, reason, next_at, certificate, expires_at)

"""The certificates of apps: people's own are checked and kept here, and put into HAProxy without a reload."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from core import clock
from core.database import Database
from core.errors import Conflict, UserError
from core.ids import AppId, new_id
from core.secrets import Sealer
from router import acme_records, certificate_records, pem
from router.tables import CertificateRow
from router.types import Https, StoredCertificate

_LONGEST_HSTS_S = 63_072_000  # two years: what browsers' preload lists ask for


class Certificates:
    """Safe to use from many threads and processes. `changed` makes HAProxy agree, if it is there."""

    def __init__(self, database: Database, domain: str, key_file: Path, changed: Callable[[], None]) -> None:
        self._database = database
        self._domain = domain
        self._key_file = key_file
        self._changed = changed

    def add(self, app_id: AppId, chain: str, key: str) -> StoredCertificate:
        """Keep a certificate with its key. Raises UserError for a pair that can't serve, Conflict for a known one."""
        pair = pem.check_pair(chain, key)
        name = f"{pair.certificate.names[0].replace('*', 'wildcard')}-{pair.certificate.fingerprint[:6]}"
        with self._database.write() as session:
            if name in (each.name for each in certificate_records.rows(session, app_id)):
                raise Conflict(f"The app has this certificate already, as {name}.", "See: portside certs")
            row = CertificateRow(id=new_id(), app_id=app_id, name=name, created_at=clock.now())
            self._fill(row, pair)
            session.add(row)
        self._changed()
        return self.one(app_id, name)

    def update(self, app_id: AppId, name: str, chain: str, key: str) -> StoredCertificate:
        """Put another certificate in the place of one. Raises UserError, NotFound."""
        pair = pem.check_pair(chain, key)
        with self._database.write() as session:
            row = certificate_records.row(session, app_id, name)
            self._fill(row, pair)
            row.automatic = False
        self._changed()
        return self.one(app_id, name)

    def keep_automatic(self, session: Session, app_id: AppId, host: str, pair: pem.Pair) -> None:
        """Keep, in the caller's transaction, what was asked for automatically for a host, in place of the former."""
        row = certificate_records.automatic_row(session, app_id, host)
        if row is None:
            name = certificate_records.automatic_name(session, app_id, host)
            row = CertificateRow(id=new_id(), app_id=app_id, name=name, automatic=True, created_at=clock.now())
        self._fill(row, pair)
        session.add(row)

    def automatic_dates(self, app_id: AppId, host: str) -> tuple[datetime, datetime] | None:
        """From when until when what was asked for automatically for a host is valid; None where there is none."""
        chain = self.automatic_chain(app_id, host)
        if chain is None:
            return None
        told = pem.first_of(chain)
        return told.starts_at, told.expires_at

    def automatic_chain(self, app_id: AppId, host: str) -> str | None:
        """What was asked for automatically for a host; None where there is none."""
        with self._database.read() as session:
            row = certificate_records.automatic_row(session, app_id, host)
        return None if row is None else row.chain

    def drop_automatic(self, session: Session, app_id: AppId, host: str) -> None:
        """Forget, in the caller's transaction, what was asked for automatically for a host."""
        row = certificate_records.automatic_row(session, app_id, host)
        if row is not None:
            session.delete(row)

    def all(self, app_id: AppId) -> list[StoredCertificate]:
        """The app's certificates, by name."""
        with self._database.read() as session:
            hosts = self._hosts(session, app_id)
            return [_stored(row, hosts.get(row.id, ())) for row in certificate_records.rows(session, app_id)]

    def one(self, app_id: AppId, name: str) -> StoredCertificate:
        """By name or id. Raises NotFound."""
        with self._database.read() as session:
            row = certificate_records.row(session, app_id, name)
            return _stored(row, self._hosts(session, app_id).get(row.id, ()))

    def remove(self, app_id: AppId, name: str) -> None:
        """Forget one; an automatic one is asked for anew while its app wants those. Raises NotFound."""
        with self._database.write() as session:
            row = certificate_records.row(session, app_id, name)
            if row.automatic:
                acme_records.renew(session, app_id, row.names.split())
            session.delete(row)
        self._changed()

    def https(self, app_id: AppId) -> Https:
        """What the app wants of HTTPS."""
        with self._database.read() as session:
            return certificate_records.https(session, app_id)

    def set_https(self, app_id: AppId, *, redirect: bool | None = None, hsts_s: int | None = None) -> Https:
        """Change what is not None; gives all. Raises UserError."""
        if hsts_s is not None and not 0 <= hsts_s <= _LONGEST_HSTS_S:
            raise UserError(f"hsts is {hsts_s} s; it must be 0 to {_LONGEST_HSTS_S}.", "A year is 31536000; 0 is off.")
        with self._database.write() as session:
            before = certificate_records.https(session, app_id)
            wanted = Https(
                before.redirect if redirect is None else redirect, before.hsts_s if hsts_s is None else hsts_s
            )
            certificate_records.set_https(session, app_id, wanted)
        self._changed()
        return wanted

    def secure_hosts(self, app_id: AppId | None = None) -> frozenset[str]:
        """The hosts with a valid certificate; of one app, or of all."""
        moment = clock.now()
        with self._database.read() as session:
            chosen = certificate_records.shown(session, self._domain, app_id)
        return frozenset(host for host, each in chosen.items() if each.expires_at > moment)

    def own_expiries(self) -> dict[str, datetime]:
        """When the certificate expires that people brought for a host, of each host that shows such a one."""
        with self._database.read() as session:
            chosen = certificate_records.shown(session, self._domain)
        return {host: each.expires_at for host, each in chosen.items() if not each.automatic}

    def pem_of(self, certificate_id: str) -> str:
        """Chain and key as HAProxy takes them."""
        with self._database.read() as session:
            row = session.get_one(CertificateRow, certificate_id)
        return row.chain + Sealer(self._key_file).unseal(row.sealed_key)["key"]

    def _hosts(self, session: Session, app_id: AppId) -> dict[str, tuple[str, ...]]:
        """Certificate id → the hosts at which it is shown."""
        shown: dict[str, tuple[str, ...]] = {}
        for host, each in sorted(certificate_records.shown(session, self._domain, app_id).items()):
            shown[each.id] = (*shown.get(each.id, ()), host)
        return shown

    def _fill(self, row: CertificateRow, pair: pem.Pair) -> None:
        row.names = " ".join(pair.certificate.names)
        row.chain = pair.chain
        row.sealed_key = Sealer(self._key_file).seal({"key": pair.key})
        row.digest = pem.digest(pair.chain)
        row.expires_at = pair.certificate.expires_at
        row.updated_at = clock.now()


def _stored(row: CertificateRow, hosts: tuple[str, ...]) -> StoredCertificate:
    told = pem.first_of(row.chain)
    return StoredCertificate(
        id=row.id,
        name=row.name,
        chain=row.chain,
        names=told.names,
        subject=told.subject,
        issuer=told.issuer,
        self_signed=told.self_signed,
        starts_at=told.starts_at,
        expires_at=told.expires_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        hosts=hosts,
        automatic=row.automatic,
    )

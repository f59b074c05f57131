"""The router's front door: records what is wanted, and makes HAProxy agree with it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from core import clock
from core.database import Database
from core.errors import NotFound
from core.ids import AppId
from router import (
    certificate_records,
    domain_records,
    hosts,
    path_records,
    paths,
    program,
    proxies,
    records,
)
from router.acme_settings import AcmeSettings
from router.agreement import Agreement
from router.automatic import Automatic
from router.certificates import Certificates
from router.control import HaproxyControl, RouterControl
from router.domain_records import Shares
from router.front import Front
from router.front_control import FrontControl, HaproxyFront
from router.gate import Gate
from router.haproxies import Haproxies, Haproxy, Places
from router.leftovers import Leftovers
from router.maintenance import Maintenance
from router.metrics import Metrics
from router.processes import Processes
from router.proxies import Proxies
from router.request_log import NOTICES_BYTES, RequestLog
from router.runtime_socket import RouterDown
from router.settings import RouterSettings
from router.traffic import Traffic
from router.types import Backend, Domain, Protocol


class Router:
    """Routes and domains of all apps. Safe to use from many threads and processes at once (see agreement.py)."""

    def __init__(
        self,
        database: Database,
        settings: RouterSettings,
        home: Path,
        domain: str,
        control: RouterControl | None = None,
        front_control: FrontControl | None = None,
        key_file: Path | None = None,
        acme: AcmeSettings | None = None,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._database = database
        self._settings = settings
        self._domain = domain.lower().rstrip(".")
        self.metrics = Metrics(home / "requests")
        self.requests = RequestLog(home / "requests", settings.request_log_kb * 1000)
        self.notices = RequestLog(home / "notices", NOTICES_BYTES)
        self.leftovers = Leftovers(database, home / "requests", home / "notices")
        agreement = Agreement(database, settings, self._domain, home, lambda: self._haproxies)
        self.agreement = agreement
        self.traffic = Traffic(database, lambda name: self._haproxies.counts(name), agreement.apply_if_possible)
        self.maintenance = Maintenance(database, agreement.front_changed)
        self.proxies = Proxies(database, agreement.front_changed)
        self.gate = Gate(database, settings, agreement.front_changed)
        key_file = key_file or home / "secret.key"
        self.certificates = Certificates(database, self._domain, key_file, agreement.front_changed)
        serves_https = bool(settings.https_port)
        self.acme = acme or AcmeSettings()
        self.automatic = Automatic(database, self._domain, self.acme, serves_https, wake)
        folder = Places.of(home).folder  # where the certificate is that all show to those who ask for no host of ours

        def haproxy(places: Places) -> Haproxy:
            front = front_control or HaproxyFront(places.worker_socket, settings.control_timeout_s)
            made = Front(database, settings, self._domain, folder, self.certificates, front)
            return Haproxy(places, control or _control(places, settings), made)

        self._haproxies = Haproxies(haproxy(Places.of(home, 1 + number)) for number in range(settings.instances))
        self.processes = Processes(agreement, self._haproxies, home / "run")

    @property
    def apps_domain(self) -> str:
        """Below which apps have their own host names."""
        return self._domain

    # --- routes ---

    def point(
        self, session: Session, app_id: AppId, generation: str, backends: Sequence[Backend], protocol: str = ""
    ) -> None:
        """Record, in the caller's transaction, that the app's route is now exactly these backends; and, where it is
        given, that the app is spoken to in `protocol` from this generation on.

        A new generation takes a fresh slot and the former one drains; the same generation changes members of its
        slot. With no backends the app stays known and answers 503. `apply` puts it into force.
        """
        if protocol:
            proxies.speak(session, app_id, Protocol(protocol))
        records.point(session, app_id, generation, backends)

    def apply(self, app_id: AppId) -> None:
        """Make HAProxy agree with the records of this app, now.

        Raises Unavailable when HAProxy does not answer: the records stand, and `reconcile` will do it.
        """
        self.agreement.apply(app_id)

    def in_flight(self, app_id: AppId, generation: str) -> int:
        """Requests and tunnels still on a generation; 0 when the router does not know it, or is not running.

        While HAProxy still sends the app's new requests to that generation, it is at least 1. Raises Unavailable.
        """
        with self._database.read() as session:
            slots = [slot.name for slot in records.slots_of(session, app_id, generation)]
        try:
            return self._haproxies.in_flight(app_id, slots)
        except RouterDown:
            return 0

    def retire(self, app_id: AppId, generation: str) -> None:
        """The generation is drained, or out of time: cut what is left, delete its servers, free its slot.

        It is recorded at once; if HAProxy does not answer now, `reconcile` does the rest.
        """
        with self._database.write() as session:
            records.retire(session, app_id, generation)
        self.agreement.apply_if_possible(app_id)

    def hold(self, app_id: AppId, until: datetime) -> datetime:
        """Have the app's new requests wait at the router until `until`, or until its next generation or `release`.

        Gives until when they wait, which a setting bounds, as it does their number. Those beyond it, and those that
        waited to the end, get a page with status 503. Raises Unavailable when HAProxy can't hold any.
        """
        program.require_lua()
        held_until = min(until, clock.after(self._settings.hold_most_s))
        with self._database.write() as session:
            records.route(session, app_id).hold_until = held_until
        self.apply(app_id)
        return held_until

    def release(self, app_id: AppId) -> None:
        """End the hold, if there is one: those that wait go to the app's present generation."""
        with self._database.write() as session:
            records.route(session, app_id).hold_until = None
        self.agreement.apply_if_possible(app_id)

    def listed_addresses(self) -> frozenset[str]:
        """Every address that the records or HAProxy still list, current or draining. Raises Unavailable when a
        running HAProxy does not answer."""
        with self._database.read() as session:
            recorded = records.addresses(session)
        try:
            return recorded | self._haproxies.addresses()
        except RouterDown:
            return recorded

    def reconcile(self) -> None:
        """Compare the whole table with HAProxy's own view: add what is missing, fix what is wrong, remove what is
        stale, and make room before slots run out. Raises Unavailable."""
        self.agreement.reconcile()

    # --- hosts ---

    def name_app(self, app_id: AppId, label: str) -> None:
        """Give the app its host LABEL.DOMAIN, in place of the one before. Raises UserError, Conflict."""
        hosts.check_label(label)
        with self._database.write() as session:
            before = records.rename(session, app_id, label, self._domain)
            gone = [hosts.platform_host(before, self._domain)] if before else []
            path_records.forget_hosts(session, gone)
        self.agreement.apply_if_possible(app_id, *gone, front=bool(gone))

    def add_domain(
        self,
        app_id: AppId,
        name: str,
        redirect_to: str | None = None,
        shares: Shares = lambda other: False,
        strip: bool = False,
    ) -> Domain:
        """Lead a host of people's own to the app, or send its visitors on to another of the app's hosts; or
        (`example.com/api`) lead a path on somebody's host to the app, which does not see it if it is to `strip` it.

        Raises UserError for a bad name; NotFound for a path on nobody's host; Conflict for one that is taken, or that
        overlaps with one of an app for which `shares` says no.
        """
        text, path = paths.split(name)
        paths.check_options(path, redirect_to, strip)
        if path:
            return self._add_path(app_id, hosts.host_of_path(text, self._domain), path, strip, shares)
        host = hosts.custom_host(text, self._domain)
        target = None if redirect_to is None else hosts.plain_host(redirect_to)
        with self._database.write() as session:
            domain_records.check_redirect(session, app_id, host, target, self._domain)
            domain = domain_records.add_domain(session, app_id, host, target, shares)
        self.agreement.apply_if_possible(app_id, front=True)
        return domain

    def _add_path(self, app_id: AppId, host: str, path: str, strip: bool, shares: Shares) -> Domain:
        with self._database.write() as session:
            domain = path_records.add(session, app_id, host, path, strip, self._domain, shares)
        self.agreement.front_changed()
        return domain

    def remove_domain(self, app_id: AppId, name: str) -> None:
        """Take a custom host away, with all paths on it, or a path. Raises NotFound, UserError for the platform's own,
        Conflict for a redirect's aim."""
        text, path = paths.split(name)
        host = hosts.plain_host(text)
        with self._database.write() as session:
            if path:
                path_records.remove(session, app_id, host, path)
            else:
                domain_records.remove_domain(session, app_id, host, self._domain)
                path_records.forget_hosts(session, [host])
        self.agreement.apply_if_possible(app_id, *([] if path else [host]), front=True)

    def domain(self, app_id: AppId, wanted: str) -> Domain:
        """One of the app's domains, by its name in any form, or by its id. Raises NotFound."""
        return domain_records.find(self.domains(app_id), wanted)

    def is_routed(self, name: str) -> bool:
        """Whether HAProxy has the host, or the path, by now. Raises Unavailable."""
        host, path = paths.split(name)
        return self._haproxies.have(host, path)

    def domains(self, app_id: AppId) -> list[Domain]:
        """The app's hosts: the platform's own first, then the custom ones by name, then the paths."""
        with self._database.read() as session:
            return domain_records.domains(session, app_id, self._domain) + path_records.of(session, app_id)

    def url(self, app_id: AppId) -> str:
        """Where the app is reached: http://LABEL.DOMAIN[:PORT], or https:// where there is a valid certificate for it.
        Raises NotFound for an app without a name."""
        with self._database.read() as session:
            label = records.label_of(session, app_id)
        if label is None:
            raise NotFound("The router knows no app of that id.", "Create it first: portside create NAME.")
        return self._url(label, self.certificates.secure_hosts(app_id))

    def names(self) -> dict[AppId, str]:
        """The label of each app that has one, in one query."""
        with self._database.read() as session:
            return records.labels(session)

    def urls(self) -> dict[AppId, str]:
        """Where each named app is reached, in a few queries."""
        secure = self.certificates.secure_hosts()
        with self._database.read() as session:
            return {app_id: self._url(label, secure) for app_id, label in records.labels(session).items()}

    def _url(self, label: str, secure: frozenset[str]) -> str:
        host = hosts.platform_host(label, self._domain)
        return self._settings.https_url(host) if host in secure else self._settings.http_url(host)

    def forget_app(self, app_id: AppId) -> None:
        """Drop the app's routes and hosts. Doing it twice is fine."""
        with self._database.write() as session:
            gone = [domain.host for domain in domain_records.domains(session, app_id, self._domain)]
            certificate_records.forget(session, app_id)
            path_records.forget(session, app_id, gone)
            proxies.forget(session, app_id)
            records.forget(session, app_id)
        self.agreement.apply_if_possible(app_id, *gone, front=True)
        for kept in (self.maintenance, self.gate, self.metrics, self.requests, self.notices):
            kept.forget(app_id)


def _control(places: Places, settings: RouterSettings) -> HaproxyControl:
    return HaproxyControl(
        places.worker_socket,
        places.master_socket,
        keep_alive_s=settings.keep_alive_s,
        timeout_s=settings.control_timeout_s,
        reload_timeout_s=settings.reload_timeout_s,
    )

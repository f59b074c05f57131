"""Makes HAProxy's front agree with the records: everything that depends on a host and is not its route."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core import clock
from core.database import Database
from router import (
    acme_records,
    certificate_records,
    config,
    domain_records,
    front_plan,
    gate_records,
    maintenance,
    path_records,
    paths,
    pem,
    proxies,
)
from router.certificates import Certificates
from router.front_control import FrontControl
from router.front_plan import DEFAULT_CERTIFICATE, FrontMap, FrontTable
from router.refusals import Refusals
from router.settings import RouterSettings
from router.types import Https


class Front:
    """Its callers hold the router's lock."""

    def __init__(
        self,
        database: Database,
        settings: RouterSettings,
        domain: str,
        folder: Path,
        certificates: Certificates,
        control: FrontControl,
    ) -> None:
        self._database = database
        self._serves_https = bool(settings.https_port)
        self._domain = domain
        self._folder = folder
        self._certificates = certificates
        self._control = control
        self.version = config.version(settings)

    def agree(self, renew: Callable[[], None], refusals: Refusals) -> None:
        """What HAProxy refuses goes to `refusals`. Raises Unavailable when it does not answer. `renew` gives it today's
        configuration, where it runs with one that an earlier version, or another setting, wrote."""
        if self._control.version() != self.version:
            renew()
        commands = front_plan.plan(self._desired(), self._control.observe(), self._certificates.pem_of)
        refusals.each_alone(commands, lambda command: command.whose, lambda command: self._control.carry_out([command]))

    def leads(self, host: str, path: str) -> bool:
        """Whether HAProxy has this path by now. Raises Unavailable."""
        return paths.key(host, path) in self._control.observe().entries(FrontMap.PATHS)

    def files(self) -> dict[str, str]:
        """What HAProxy reads when it starts."""
        files = front_plan.files(self._desired(), self._certificates.pem_of)
        return {**files, DEFAULT_CERTIFICATE: self._default_certificate()}

    def _desired(self) -> FrontTable:
        moment = clock.now()
        with self._database.read() as session:
            redirects, pages = domain_records.redirects(session), maintenance.entries(session)
            shown = certificate_records.shown(session, self._domain) if self._serves_https else {}
            wanted = certificate_records.all_https(session)
            forks, sticky = path_records.entries(session), proxies.sticky(session)
            challenges = acme_records.http_answers(session)
            gates = gate_records.entries(session)
            special = {*gates[FrontMap.OPTIONS], *pages, *sticky, *domain_records.turning(session, self._domain)}
        secure = {host: wanted.get(each.app_id, Https()) for host, each in shown.items() if each.expires_at > moment}
        tls = {shown[host].app_id for host, https in secure.items() if https.redirect or https.hsts_s}
        maps = {
            **gates,
            FrontMap.CHALLENGES: challenges,
            FrontMap.REDIRECTS: redirects,
            FrontMap.MAINTENANCE: pages,
            FrontMap.HTTPS: {host: "on" for host, https in secure.items() if https.redirect},
            FrontMap.HSTS: {host: f"max-age={https.hsts_s}" for host, https in secure.items() if https.hsts_s},
            FrontMap.PATHS: forks,
            FrontMap.FORKED: {key.partition("/")[0]: "on" for key in forks},
            FrontMap.STICKY: sticky,
            FrontMap.SPECIAL: front_plan.marks(tls, special),
        }
        files = {front_plan.certificate_file(host, each.digest): each.id for host, each in shown.items()}
        return FrontTable(maps, files)

    def _default_certificate(self) -> str:
        """What is shown for a host that has none: made once, and signed by nobody."""
        path = self._folder / DEFAULT_CERTIFICATE
        return path.read_text() if path.exists() else pem.self_signed([self._domain, f"*.{self._domain}"])

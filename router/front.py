"""Makes HAProxy's front agree with the records: everything that depends on a host and is not its route."""

from __future__ import annotations

from core.database import Database
from router import config, domain_records, front_plan, maintenance
from router.front_control import FrontControl
from router.front_plan import FrontMap, FrontTable
from router.settings import RouterSettings


class Front:
    """Its callers hold the router's lock."""

    def __init__(self, database: Database, settings: RouterSettings, control: FrontControl) -> None:
        self._database = database
        self._control = control
        self.version = config.version(settings)

    def is_outdated(self) -> bool:
        """Whether HAProxy runs with a configuration that an earlier version, or another setting, wrote."""
        return self._control.version() != self.version

    def agree(self) -> None:
        """Raises Unavailable when HAProxy does not answer."""
        self._control.carry_out(front_plan.plan(self._desired(), self._control.observe()))

    def files(self) -> dict[str, str]:
        """What HAProxy reads when it starts."""
        return front_plan.files(self._desired())

    def _desired(self) -> FrontTable:
        with self._database.read() as session:
            redirects, pages = domain_records.redirects(session), maintenance.entries(session)
            return FrontTable({FrontMap.REDIRECTS: redirects, FrontMap.MAINTENANCE: pages})

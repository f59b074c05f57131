"""The router's doors in the task queue: certificates are asked for, and what is left of forgotten apps is removed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from core.database import Database
from core.leases import Leases
from core.queue import Queue
from core.secrets import Sealer
from router.acme_account import Account
from router.acme_settings import AcmeSettings
from router.issuing import Issuing
from router.ordering import Ordering
from router.reach import Reach
from router.renewing import LOOK_S, Renewing

if TYPE_CHECKING:
    from router.acme_types import Authority
    from router.service import Router

SWEEP = "router.sweep_certificates"
LOOK = "router.look_at_order"
RENEWALS = "router.ask_when_to_renew"
LEFTOVERS = "router.drop_leftovers"
HOUR_S = 3600.0


def doors(
    queue: Queue,
    router: Router,
    database: Database,
    leases: Leases,
    key_file: Path,
    sweep_s: float,
) -> None:
    """Register what the queue may call: the sweep that finds orders that are due, the turn of one, and
    the question when certificates are to be renewed, and the sweep of files that no app has any more."""
    issuing = issuing_for(router, database, leases, key_file, router.acme, lambda order_id: queue.nudge(LOOK, order_id))
    queue.door(SWEEP, issuing.sweep, every_s=sweep_s)
    queue.door(LOOK, issuing.turn)
    queue.door(RENEWALS, renewing_for(router, database, key_file, router.acme).look, every_s=LOOK_S)
    queue.door(LEFTOVERS, router.leftovers.drop, every_s=HOUR_S)


def waker(queue: Queue) -> Callable[[], None]:
    """What to give a `Router` as `wake`, so that certificates are asked for as soon as somebody wants them."""
    return lambda: queue.nudge(SWEEP)


def issuing_for(
    router: Router,
    database: Database,
    leases: Leases,
    key_file: Path,
    settings: AcmeSettings,
    look: Callable[[str], None],
    reach: Reach | None = None,
) -> Issuing:
    """What asks for the certificates of the router's apps; connects to nothing yet."""
    account = Account(database, key_file, settings.account)
    parts = (lambda: Sealer(key_file), lambda: _connect(settings, account), reach or Reach(settings.check_port))
    ordering = Ordering(database, settings, *parts, router.agreement.apply_front)
    changed = router.agreement.front_changed
    works_with = (router.certificates, ordering, look, changed, router.notices.note)
    return Issuing(database, leases, router.apps_domain, settings, *works_with)


def renewing_for(router: Router, database: Database, key_file: Path, settings: AcmeSettings) -> Renewing:
    """What asks the authority when it wants certificates renewed; connects to nothing yet."""
    account = Account(database, key_file, settings.account)
    return Renewing(database, settings, router.certificates, lambda: _connect(settings, account))


def _connect(settings: AcmeSettings, account: Account) -> Authority:
    from router.acme_client import connect  # its library is for the process that asks

    return connect(settings, account)

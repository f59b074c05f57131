"""A process that takes the turn of one order, as a worker does, and may kill itself (SIGKILL) right after a step of it.

Its one argument is JSON: see `main`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from core.database import Database
from core.leases import Leases
from router import AcmeSettings, Router, RouterSettings
from router.acme_client import AcmeAuthority
from router.reach import Reach
from router.tasks import issuing_for


def main(
    *, database: str, home: str, router: dict[str, Any], acme: dict[str, Any], order: str, die_after: str, ttl_s: float
) -> None:
    """`die_after`: a method of the authority's; "" for none."""
    if die_after:
        _die_after(die_after)
    records, settings = Database(database), AcmeSettings(**acme)
    made = Router(records, RouterSettings(**router), Path(home), "apps.test")
    reach = Reach(settings.check_port, lambda host: ["127.0.0.1"])
    key_file = Path(home) / "secret.key"
    issuing_for(made, records, Leases(records, ttl_s), key_file, settings, print, reach).turn(order)


def _die_after(method: str) -> None:
    original = getattr(AcmeAuthority, method)

    def deadly(*arguments: object) -> None:
        original(*arguments)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(AcmeAuthority, method, deadly)


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))

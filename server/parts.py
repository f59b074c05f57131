"""The parts of a platform: the programs that supervisor runs, in the order in which they start."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from hashlib import sha256

from server.part_names import ROUTER, router_name
from server.ports import Port
from server.site import Site


@dataclass(frozen=True)
class Part:
    """One program. `argv` is what supervisor runs: our own entry, which becomes the program.

    `stop_s`: seconds from its stop signal to SIGKILL. `fingerprint` changes when a running one must be started anew.
    `stage`: parts of an earlier stage are ready before one of a later stage starts. `ready_s`: the longest wait.
    """

    name: str
    argv: tuple[str, ...]
    stage: int
    stop_signal: str
    stop_s: int
    fingerprint: str
    ports: tuple[Port, ...] = ()
    ready_s: float = 60.0


def parts_of(site: Site) -> tuple[Part, ...]:
    """Every part of the platform that `site` describes.

    The router is last to change: only its own addresses make it start anew, never an upgrade or another setting.
    A worker or an API that is ended in the middle of its work leaves records that its successor goes on from, so
    neither is given long to stop.
    """
    whole = _digest(site.changes_with)
    stores = _digest(str(site.home))
    ours = site.registry
    routers = _digest(str(site.router) + "".join(str(port) for port in site.router_more))
    return (
        _part("redis", 0, "TERM", 10, stores),
        *((_part("registry", 0, "TERM", 10, _digest(str(ours)), ours),) if ours else ()),
        _part(ROUTER, 1, "TERM", 10, routers, *site.router_ports),
        *(  # the ports are the first one's too, and checked with it
            _part(router_name(number), 1, "TERM", 10, routers) for number in range(2, site.routers + 1)
        ),
        _part("api", 2, "TERM", 5, whole, site.api),
        _part("gateway", 2, "TERM", 5, whole, site.gateway, site.runs),
        _part("worker", 2, "TERM", 5, whole),
    )


def _part(name: str, stage: int, signal: str, stop_s: int, fingerprint: str, *ports: Port) -> Part:
    argv = (sys.executable, "-m", "server.run_part", name)
    return Part(name, argv, stage, signal, stop_s, fingerprint, ports)


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:16]

"""The HAProxies of a platform, one or more, and what they say together.

Each has a folder and sockets of its own, and all have the same records. One that does not run holds the others up in
nothing: when it comes back, it starts with what the records say by then (docs/decisions/0025).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from core.errors import Unavailable
from core.ids import AppId
from router import config, counts, program
from router.control import RouterControl
from router.counts import Counts
from router.front import Front
from router.plan import Scope
from router.runtime_socket import RouterDown
from router.tables import slot_name

T = TypeVar("T")


@dataclass(frozen=True)
class Places:
    """Where a HAProxy has its files. The first one's names carry no number."""

    folder: Path
    worker_socket: Path
    master_socket: Path

    @classmethod
    def of(cls, home: Path, number: int = 1) -> Places:
        name = "router" if number == 1 else f"router-{number}"
        return cls(home / name, home / "run" / f"{name}.sock", home / "run" / f"{name}-master.sock")

    @property
    def config(self) -> Path:
        return self.folder / config.CONFIG_FILE


@dataclass(frozen=True)
class Haproxy:
    """One of them."""

    places: Places
    control: RouterControl
    front: Front


class Haproxies:
    """All of them, the first first."""

    def __init__(self, haproxies: Iterable[Haproxy]) -> None:
        self.all = tuple(haproxies)

    def each(self, act: Callable[[Haproxy], T]) -> list[T]:
        """What `act` gives for each that runs.

        Raises RouterDown when none does; Unavailable, after all had their turn, for one that runs and does not answer,
        or is about to start: it may have read the records before they were as they are.
        """
        done: list[T] = []
        down: list[tuple[Haproxy, RouterDown]] = []
        silent: Unavailable | None = None
        for haproxy in self.all:
            try:
                done.append(act(haproxy))
            except RouterDown as error:
                down.append((haproxy, error))
            except Unavailable as error:
                silent = error
        if silent is not None:
            raise silent
        if not done:
            raise down[0][1]
        if any(program.running(haproxy.places.config) for haproxy, _ in down):
            raise Unavailable("One of the routers is about to start.", "See `portside-server status`.")
        return done

    def in_flight(self, app_id: AppId, slots: Sequence[str]) -> int:
        """Requests and tunnels on the slots; at least 1 while one of them is where new ones are sent."""

        def count(haproxy: Haproxy) -> int:
            targets = haproxy.control.observe(Scope(apps=frozenset({app_id}))).targets
            return sum(max(haproxy.control.sessions(slot), targets.get(app_id) == slot) for slot in slots)

        return sum(self.each(count)) if slots else 0

    def addresses(self) -> frozenset[str]:
        """Every address that one of them could still send a request to."""
        return frozenset().union(*self.each(lambda haproxy: haproxy.control.addresses()))

    def counts(self, generation: str) -> Counts:
        """What they counted of a generation's answers."""
        return counts.total(self.each(lambda haproxy: haproxy.control.counts(generation)))

    def have(self, host: str, path: str) -> bool:
        """Whether all that run have the host, and the path on it."""

        def has(haproxy: Haproxy) -> bool:
            known = host in haproxy.control.observe(Scope(hosts=frozenset({host}))).hosts
            return known and (not path or haproxy.front.leads(host, path))

        return all(self.each(has))

    def alive(self, number: int = 1) -> bool:
        """Whether that one runs and answers on its control socket."""
        try:
            self.all[number - 1].control.observe(Scope(slots=frozenset({slot_name(0)})))
        except Unavailable:
            return False
        return True

"""The running HAProxy, through its runtime API ("Unix Socket commands" in HAProxy's management guide).

Two sockets: the worker's own, for everything; the master's, to reload and to reach the workers of earlier
configurations, which finish what they had. One connection per step: HAProxy answers its commands and closes.
"""

from __future__ import annotations

import csv
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from core.errors import Unavailable
from router.config import server_options
from router.counts import TABLE, Counts, parse
from router.plan import (
    AddServer,
    DropEntry,
    EnableServer,
    MapName,
    MoveServer,
    PutEntry,
    RemoveServer,
    RouteTable,
    Scope,
    Server,
    Step,
)
from router.runtime_socket import CutOff, Refused, RouterDown, ask, ask_all

_POLL_S = 0.02
_BUSY = "still has connections"
_NO_SLOT = "Can't find backend"
_ENTRY = re.compile(r'found=yes,.* value="([^"]*)"')
_INFO = re.compile(r"^(Listeners|Unstoppable Jobs): (\d+)", re.MULTILINE)
_PROCESS = re.compile(r"^(\d+)\s+worker\s+\d+\s+(\d+)d(\d+)h(\d+)m(\d+)s", re.MULTILINE)
_MOVED = "by 'stats socket command'"  # what HAProxy ends its answer to `set server … addr` with


class RouterControl(Protocol):
    """What the router needs of a proxy. Each method raises Unavailable when it does not answer (RouterDown when there
    is none)."""

    def observe(self, scope: Scope | None) -> RouteTable:
        """The table as the proxy has it: the parts in `scope`, or all of it. A slot that it lacks is left out."""

    def carry_out(self, steps: Sequence[Step]) -> list[RemoveServer]:
        """Do the steps in order; gives the removals that it refused because requests are still on the server.
        Raises Refused at the first that it refuses for another reason."""

    def sessions(self, slot: str) -> int:
        """Requests (and tunnels) now on the slot's servers; at least 1 while more may yet come that were routed by
        an earlier state of the maps."""

    def counts(self, generation: str) -> Counts:
        """What was counted of a generation's answers; nothing of one that the proxy has not heard of."""

    def addresses(self) -> frozenset[str]:
        """Every address that the proxy, earlier workers included, could still send a request to."""

    def reload(self) -> None:
        """Take on the configuration in its file without losing a connection; returns when it is in force."""


class HaproxyControl:
    """The real one. `keep_alive_s` is how long a client's idle connection may bring an earlier worker new requests."""

    def __init__(
        self,
        worker_socket: Path,
        master_socket: Path,
        *,
        keep_alive_s: float,
        timeout_s: float = 5.0,
        reload_timeout_s: float = 20.0,
    ) -> None:
        self._worker = str(worker_socket)
        self._master = str(master_socket)
        self._keep_alive_s = keep_alive_s
        self._timeout_s = timeout_s
        self._reload_timeout_s = reload_timeout_s

    def observe(self, scope: Scope | None) -> RouteTable:
        return self._whole() if scope is None else self._part(scope)

    def _whole(self) -> RouteTable:
        slots: dict[str, dict[str, Server]] = {name: {} for name in self._slot_names()}
        for slot, server in _servers(self._ask("show servers state")):
            slots.setdefault(slot, {})[server.name] = server
        hosts, targets = self._whole_map(MapName.HOSTS), self._whole_map(MapName.TARGETS)
        return RouteTable(hosts, targets, slots, self._whole_map(MapName.HOLDS), self._whole_map(MapName.COUNTED))

    def _part(self, scope: Scope) -> RouteTable:
        """All in one question: a switch waits for it."""
        slots = sorted(scope.slots)
        keys = {
            MapName.HOSTS: scope.hosts,
            MapName.TARGETS: scope.apps,
            MapName.HOLDS: scope.apps,
            MapName.COUNTED: scope.slots,
        }
        entries = [(name, key) for name, wanted in keys.items() for key in sorted(wanted)]
        questions = [f"show servers state {slot}" for slot in slots]
        answers = ask_all(self._worker, [*questions, *(f"get map {n} {key}" for n, key in entries)], self._timeout_s)
        states, values = answers[: len(slots)], answers[len(slots) :]
        maps: dict[MapName, dict[str, str]] = {name: {} for name in keys}
        for (name, key), answer in zip(entries, values, strict=True):
            if found := _ENTRY.search(answer):
                maps[name][key] = found[1]
        present = {slot: state for slot, state in zip(slots, states, strict=True) if not state.startswith(_NO_SLOT)}
        return RouteTable(
            hosts=maps[MapName.HOSTS],
            targets=maps[MapName.TARGETS],
            slots={slot: {server.name: server for _, server in _servers(state)} for slot, state in present.items()},
            holds=maps[MapName.HOLDS],
            counted=maps[MapName.COUNTED],
        )

    def carry_out(self, steps: Sequence[Step]) -> list[RemoveServer]:
        left: list[RemoveServer] = []
        for step in steps:
            commands, fine = _commands(step)
            asked = ";".join(commands)
            answer = self._ask(asked)
            if isinstance(step, RemoveServer) and _BUSY in answer:
                left.append(step)
            elif not answer.endswith(fine) or (answer and not fine) or "\n" in answer:
                raise Refused(f"The router refused `{asked}`: {answer}", "See the router's log.")
        return left

    def sessions(self, slot: str) -> int:
        # `del server` runs while every thread of HAProxy stands still, so it is a barrier: whoever looked into the
        # map before the switch is, after it, counted on the backend. There is no server of this name.
        self._ask(f"del server {slot}/barrier")
        count = _scur(self._ask(f"show stat {slot} 2 -1"))
        for pid, fresh in self._earlier_workers():
            count += _scur(self._ask_master(f"@!{pid} show stat {slot} 2 -1")) + fresh
        return count

    def counts(self, generation: str) -> Counts:
        return parse(self._ask(f"show table {TABLE} key {generation}"))

    def addresses(self) -> frozenset[str]:
        states = [self._ask("show servers state")]
        states += [self._ask_master(f"@!{pid} show servers state") for pid, _ in self._earlier_workers()]
        return frozenset(server.address for state in states for _, server in _servers(state))

    def reload(self) -> None:
        before = self._pid()
        self._ask_master("reload")
        deadline = time.monotonic() + self._reload_timeout_s
        while time.monotonic() < deadline:
            try:
                if self._pid() != before and not self._shares_its_sockets():
                    return
            except (RouterDown, CutOff):
                pass  # between two workers, when the master itself is being replaced
            time.sleep(_POLL_S)
        raise Unavailable("The router did not take on its new configuration.", "See the router's log.")

    def _shares_its_sockets(self) -> bool:
        """Whether an earlier worker takes connections still, also those to the runtime API, as one does that has not
        come to hear that it is to stop: what it is told, and whom it serves, may be what the new one lacks.

        What a worker listens to to the end is its line to the master, an unstoppable job.
        """
        found = [dict(_INFO.findall(self._ask_master(f"@!{pid} show info"))) for pid, _ in self._earlier_workers()]
        return any(int(info["Listeners"]) > int(info["Unstoppable Jobs"]) for info in found if info)

    def _pid(self) -> int:
        found = re.search(r"^Pid: (\d+)", self._ask("show info"), re.MULTILINE)
        if found is None:
            raise CutOff("The router gave no process id.", "See the router's log.")
        return int(found[1])

    def _earlier_workers(self) -> list[tuple[int, bool]]:
        """Pids of the workers that only finish, each with whether clients may still bring it new requests."""
        now, _, old = self._ask_master("show proc").partition("# old workers")
        if not old:
            return []
        current = _PROCESS.search(now)
        days, hours, minutes, seconds = map(int, current.groups()[1:]) if current else (0, 0, 0, 0)
        age_s = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
        return [(int(found[1]), age_s <= self._keep_alive_s + 1) for found in _PROCESS.finditer(old)]

    def _slot_names(self) -> Iterator[str]:
        return (name for name in self._ask("show backend").split() if name.startswith("slot_"))

    def _whole_map(self, name: MapName) -> dict[str, str]:
        lines = (line.split(" ", 2) for line in self._ask(f"show map {name}").splitlines() if line)
        return {key: value for _, key, value in lines}

    def _ask_master(self, command: str) -> str:
        """Ask the master, which does not listen for a moment while it starts or reloads. Call it when a worker runs."""
        deadline = time.monotonic() + self._timeout_s
        while True:
            try:
                return self._ask(command, self._master)
            except (RouterDown, CutOff) as error:
                if time.monotonic() > deadline:
                    raise Unavailable(
                        "The router's master process does not answer.", "See the router's log."
                    ) from error
            time.sleep(_POLL_S)

    def _ask(self, command: str, path: str | None = None) -> str:
        """Send one command to the worker (or to the socket at `path`) and give the answer."""
        return ask(path or self._worker, command, self._timeout_s)


def _commands(step: Step) -> tuple[Sequence[str], str]:
    """A step in HAProxy's words, commands for one line, with the end of their good answer: that of the only one which
    gives an answer, if any does.

    Only checked names, addresses and hosts get into the records, hence here.
    """
    match step:
        case AddServer(slot, server):
            name, where = f"{slot}/{server.name}", f"{server.address}:{server.port}"
            add = f"add server {name} {where} {server_options(server)}"
            return (add, f"enable server {name}", f"enable health {name}"), "New server registered."
        case MoveServer(slot, server):
            return (f"set server {slot}/{server.name} addr {server.address} port {server.port}",), _MOVED
        case EnableServer(slot, server_name):
            return (f"set server {slot}/{server_name} state ready", f"enable health {slot}/{server_name}"), ""
        case RemoveServer(slot, server_name, sever):
            name = f"{slot}/{server_name}"
            cut = (f"shutdown sessions server {name}",) if sever else ()
            return (f"set server {name} state maint", *cut, f"del server {name}"), "Server deleted."
        case PutEntry(map_name, key, value, new):
            return (f"{'add' if new else 'set'} map {map_name} {key} {value}",), ""
        case DropEntry(map_name, key):
            return (f"del map {map_name} {key}",), ""


def _servers(state: str) -> Iterator[tuple[str, Server]]:
    """The servers in an answer to `show servers state`, each with its slot."""
    lines = [line.lstrip("# ") for line in state.splitlines() if " " in line]
    for row in csv.DictReader(lines, delimiter=" "):
        ready = row["srv_admin_state"] == "0"
        yield row["be_name"], Server(row["srv_name"], row["srv_addr"], int(row["srv_port"]), ready)


def _scur(stat: str) -> int:
    """The current sessions in an answer to `show stat SLOT 2 -1`; 0 when the worker has no such slot."""
    rows = list(csv.DictReader(stat.lstrip("# ").splitlines()))
    return int(rows[0]["scur"]) if rows and rows[0].get("scur") else 0

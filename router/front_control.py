"""The part of the running HAProxy that `front_plan` is about, through its runtime API."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from router.front_plan import CERTIFICATE_LIST, CERTIFICATES, Command, FrontMap, FrontTable
from router.runtime_socket import Refused, ask

VERSION_VARIABLE = "PORTSIDE_CONFIG"


class FrontControl(Protocol):
    """What the front needs of a proxy. Each method raises Unavailable (RouterDown when there is none)."""

    def version(self) -> str:
        """The version of the configuration that is in force; "" of one that names none."""

    def observe(self) -> FrontTable:
        """The table as the proxy has it."""

    def carry_out(self, commands: Sequence[Command]) -> None:
        """Do the commands in order. Raises Refused at the first that it refuses."""


class HaproxyFront:
    """The real one."""

    def __init__(self, worker_socket: Path, timeout_s: float) -> None:
        self._socket = str(worker_socket)
        self._timeout_s = timeout_s

    def version(self) -> str:
        return self._ask(f"show env {VERSION_VARIABLE}").partition(f"{VERSION_VARIABLE}=")[2]

    def observe(self) -> FrontTable:
        listed, loaded = self._listed(), self._loaded()
        maps = {name: self._map(name) for name in FrontMap}
        return FrontTable(maps, dict.fromkeys(listed, ""), frozenset(loaded) - frozenset(listed))

    def carry_out(self, commands: Sequence[Command]) -> None:
        for command in commands:
            answer = self._ask(command.text)
            if not answer.endswith(command.good) or (answer and not command.good):
                words = command.text.partition("\n")[0]  # a payload may hold a key
                raise Refused(f"The router refused `{words}`: {answer}", "See the router's log.")

    def _listed(self) -> list[str]:
        """The certificates that HAProxy shows to those who ask for their hosts."""
        lines = self._ask(f"show ssl crt-list {CERTIFICATE_LIST}").splitlines()
        return [line.split()[0] for line in lines if line.startswith(f"{CERTIFICATES}/")]

    def _loaded(self) -> list[str]:
        """The certificates that HAProxy has. A change that was left half done ends here."""
        lines = self._ask("show ssl cert").splitlines()
        for line in lines:
            if line.startswith("*"):
                self._ask(f"abort ssl cert {line[1:]}")
        return [line for line in lines if line.startswith(f"{CERTIFICATES}/")]

    def _map(self, name: FrontMap) -> dict[str, str]:
        lines = (line.split(" ", 2) for line in self._ask(f"show map {name}").splitlines() if line)
        return {key: value for _, key, value in lines}

    def _ask(self, command: str) -> str:
        return ask(self._socket, command, self._timeout_s)

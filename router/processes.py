"""The HAProxy processes, for whoever starts them and looks whether they run. The first one is number 1."""

from __future__ import annotations

from pathlib import Path

from router import pipe, program
from router.agreement import Agreement
from router.haproxies import Haproxies


class Processes:
    """`run`: the folder of sockets and pipes."""

    def __init__(self, agreement: Agreement, haproxies: Haproxies, run: Path) -> None:
        self._agreement = agreement
        self._haproxies = haproxies
        self._run = run

    def write_config(self, number: int = 1) -> Path:
        """Render a HAProxy's files from the records, check them, put them in place; gives the configuration's path.
        Called right before it is started, so that it comes up with today's routes."""
        return self._agreement.write_config(number)

    def command(self, number: int = 1) -> list[str]:
        """The argv that runs that HAProxy in the foreground, taking over from any of its own that is left."""
        places = self._haproxies.all[number - 1].places
        return program.argv(places.config, places.worker_socket, places.master_socket)

    def environment(self) -> dict[str, str]:
        """What HAProxy's environment needs besides: a descriptor, open in this process, that its log goes to."""
        return {pipe.FD_VARIABLE: str(pipe.open_for_haproxy(self._run / pipe.NAME))}

    def alive(self, number: int = 1) -> bool:
        """Whether that HAProxy runs and answers on its control socket."""
        return self._haproxies.alive(number)

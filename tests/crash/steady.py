"""A visitor who asks an app again and again, on a new connection each time, and keeps count of what went wrong."""

from __future__ import annotations

import http.client
import threading
import time
from types import TracebackType

from tests.acceptance.site import Site
from tests.background import eventually

PAUSE_S = 0.05
PATIENCE_S = 10.0


class Steady:
    """`with Steady(site) as visitor: …`; afterwards `visitor.failures` says when what went wrong."""

    def __init__(self, site: Site, patience_s: float = PATIENCE_S) -> None:
        self._site = site
        self._patience_s = patience_s
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._visit, name=f"visitor of {site.name}")
        self.failures: list[str] = []
        self.served = 0

    def __enter__(self) -> Steady:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def is_served_again(self, within_s: float) -> None:
        """Wait until the app answers again; what failed until then is forgiven."""
        served = self.served
        eventually(lambda: self.served > served, f"the app answers again: {self.failures[-3:]}", within_s)
        self.failures.clear()

    def _visit(self) -> None:
        begun = time.monotonic()
        while not self._done.wait(PAUSE_S):
            found = self._ask()
            if found == "200":
                self.served += 1
            else:
                self.failures.append(f"after {time.monotonic() - begun:.1f} s: {found}")

    def _ask(self) -> str:
        port = self._site.platform.http
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=self._patience_s)
        try:
            connection.request("GET", "/", headers={"Host": f"{self._site.name}.localhost:{port}"})
            response = connection.getresponse()
            response.read()
            return str(response.status)
        except (OSError, http.client.HTTPException) as error:
            return repr(error)
        finally:
            connection.close()

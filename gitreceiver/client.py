"""The person at the other end of a push: what they are shown, and whether they are still there."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from dulwich.protocol import SIDE_BAND_CHANNEL_PROGRESS, Protocol

from core.errors import PortsideError

# Terminal sequences (ECMA-48) go as a whole, then every control character but the tab.
_SEQUENCES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_KEEPALIVE = b"0005\x02"  # an empty packet of side-band 2, as in git's builtin/receive-pack.c


class ClientGone(PortsideError):
    """The client has closed the connection."""


def plain(text: str) -> str:
    """`text` without anything that could steer a terminal."""
    return _CONTROLS.sub("", _SEQUENCES.sub("", text))


class Screen:
    """Lines for the client's terminal, through side-band 2; silence longer than `keepalive_s` is broken by a keepalive.

    Without a side-band (a client that never asked for one) nothing is shown. Writing raises ClientGone.
    """

    def __init__(
        self, proto: Protocol, *, sideband: bool, keepalive_s: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._proto = proto
        self._sideband = sideband
        self._keepalive_s = keepalive_s
        self._now = now
        self._wrote_at = now()

    def line(self, text: str) -> None:
        if self._sideband:
            self._proto.write_sideband(SIDE_BAND_CHANNEL_PROGRESS, plain(text).encode(errors="replace") + b"\n")
            self._wrote_at = self._now()

    def trouble(self, *texts: str) -> None:
        """Lines that stand out, as Heroku marks them."""
        for line in "\n".join(text for text in texts if text).splitlines():
            self.line(f" !     {line}")

    def tick(self) -> None:
        """To be called about once a second while there is nothing to say."""
        if self._sideband and self._now() - self._wrote_at > self._keepalive_s:
            self._proto.write(_KEEPALIVE)
            self._wrote_at = self._now()

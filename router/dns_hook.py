"""The program that puts TXT records into people's DNS, for DNS-01: `PROGRAM set|remove NAME VALUE`."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from core import process
from core.errors import DeadlineExceeded, PortsideError

log = logging.getLogger("portside.certificates")
_MOST_WORDS = 300


class HookFailed(PortsideError):
    """The program for DNS records failed."""


@dataclass(frozen=True)
class DnsHook:
    """`set` returns when the record can be seen by all; both may be called twice. See docs/https.md."""

    program: str
    timeout_s: float

    def set(self, name: str, value: str) -> None:
        """Raises HookFailed."""
        self._run("set", name, value)

    def remove(self, name: str, value: str) -> None:
        """What fails is only logged: a record that is left proves nothing any more."""
        try:
            self._run("remove", name, value)
        except HookFailed as error:
            log.warning("a DNS record is left at %s: %s", name, error.message)

    def _run(self, verb: str, name: str, value: str) -> None:
        try:
            done = process.run([self.program, verb, name, value], timeout_s=self.timeout_s, check=False)
        except DeadlineExceeded as error:
            raise HookFailed(f"{self.program} {verb} took longer than {self.timeout_s:.0f} s") from error
        except OSError as error:
            raise HookFailed(f"{self.program} can't be run: {error.strerror}") from error
        if done.code != 0:
            words = (done.error_text or done.text).strip()[-_MOST_WORDS:] or "it says nothing"
            raise HookFailed(f"{self.program} {verb} ended with exit code {done.code}: {words}")

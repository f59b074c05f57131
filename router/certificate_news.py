"""What an app's log tells of its certificates: each success, and of failures in a row as many as help. Pure."""

from __future__ import annotations

import re
from datetime import datetime

from core import clock
from router.acme_plan import Trouble

_DIFFERS_EACH_TIME = re.compile(r"[\w-]{20,}|\d+")
"""Tokens, ports and moments in an authority's words: without them, the same trouble reads the same."""
_TO_DO = {
    Trouble.REFUSED: "Mend that, then: portside certs:auto refresh.",
    Trouble.UNREACHED: "Once that is mended: portside certs:auto refresh.",
}


def issued(host: str, until: datetime, *, renewed: bool) -> str:
    return f"{host}: certificate {'renewed' if renewed else 'issued'}, good until {clock.iso(until)}"


def failed(host: str, reason: str, trouble: Trouble, next_at: datetime, until: datetime | None) -> str:
    """`until`: of the certificate that is there, which is served on."""
    moment = clock.now()
    what = "no certificate"
    if until is not None:
        word = "lasts until" if until > moment else "expired at"
        what = f"certificate not renewed (the one that is shown {word} {clock.iso(until)})"
    words = (f"{host}: {what}: {reason}", _TO_DO.get(trouble, ""), f"Next attempt: {clock.iso(next_at)}.")
    return " ".join(filter(None, words))


def is_told(failures: int, reason: str, before: str) -> bool:
    """Whether a failure is told: each with another reason than the one `before`, and of those with the same the 1st,
    2nd, 4th, 8th … in a row."""
    return failures & (failures - 1) == 0 or _alike(reason) != _alike(before)


def _alike(reason: str) -> str:
    return _DIFFERS_EACH_TIME.sub("", reason)

"""What went wrong with a request, by Heroku's codes (https://devcenter.heroku.com/articles/error-codes). Pure.

HAProxy tells how a request ended in two letters ("Session state at disconnection" in its configuration manual): what
ended it, and in which state it was then.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Code:
    """`text` describes it in the log, in Heroku's words."""

    name: str
    text: str


BACKLOG = Code("H11", "Backlog too deep")
NO_ANSWER_IN_TIME = Code("H12", "Request timeout")
NO_RESPONSE = Code("H13", "Connection closed without response")
NO_PROCESSES = Code("H14", "No web processes running")
IDLE = Code("H15", "Idle connection")
NO_HTTP = Code("H17", "Poorly formatted HTTP response")
CUT_SHORT = Code("H18", "Server Request Interrupted")
NO_CONNECTION_IN_TIME = Code("H19", "Backend connection timeout")
REFUSED = Code("H21", "Backend connection refused")
CONNECTIONS = Code("H22", "Connection limit reached")
CLIENT_LEFT = Code("H27", "Client Request Interrupted")
CLIENT_IDLE = Code("H28", "Client Connection Idle")
MAINTENANCE = Code("H80", "Maintenance mode")
PLATFORM = Code("H99", "Platform error")
# Heroku has no codes for these.
DENIED = Code("P10", "Address not allowed")
NO_PASSWORD = Code("P11", "Password needed")
GUESSING = Code("P12", "Too many wrong passwords")
TOO_FAST = Code("P13", "Request rate limit reached")

MARKED = {
    code.name: code
    for code in (BACKLOG, NO_PROCESSES, CONNECTIONS, MAINTENANCE, DENIED, NO_PASSWORD, GUESSING, TOO_FAST)
}
"""Those that the router decides by its maps; it says so itself."""

OF_CLIENTS = {code.name for code in (CLIENT_LEFT, CLIENT_IDLE, DENIED, NO_PASSWORD, GUESSING, TOO_FAST)}
"""What is not the app's or the platform's fault: a warning in the log."""

_BY_STATE = {
    "sQ": NO_CONNECTION_IN_TIME,
    "sC": NO_CONNECTION_IN_TIME,
    "SC": REFUSED,
    "sH": NO_ANSWER_IN_TIME,
    "SH": NO_RESPONSE,
    "PH": NO_HTTP,
    "sD": IDLE,
    "sL": IDLE,
    "SD": CUT_SHORT,
    "SL": CUT_SHORT,
    "cR": CLIENT_IDLE,
    "cH": CLIENT_IDLE,
    "cD": CLIENT_IDLE,
    "cL": CLIENT_IDLE,
    "CR": CLIENT_LEFT,
    "CQ": CLIENT_LEFT,
    "CC": CLIENT_LEFT,
    "CH": CLIENT_LEFT,
    "CD": CLIENT_LEFT,
    "CL": CLIENT_LEFT,
}
_OUT_OF_RESOURCES = frozenset("RIU")
_UPGRADED = 101


def code_of(state: str, status: int, marked: str) -> Code | None:
    """The code of a request that ended in HAProxy's `state`; None when nothing went wrong.

    `marked` is what the router's rules said ("-": nothing). A WebSocket that either side closed has ended well.
    """
    if marked in MARKED:
        return MARKED[marked]
    if state[:1] in _OUT_OF_RESOURCES:
        return PLATFORM
    if status == _UPGRADED and state[1:2] in ("D", "L"):
        return None
    return _BY_STATE.get(state[:2])

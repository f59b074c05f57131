"""Whether the client of a long answer is still there.

A generator of a streamed answer learns of a lost client only when it writes. While a log is silent there is nothing
to write, so the socket itself is looked at: readable and at its end means closed.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Mapping
from typing import Any


def watch_client(environ: Mapping[str, Any]) -> Callable[[], bool]:
    """A question to ask now and then: has the client of this WSGI request gone?

    gunicorn hands the socket over as `gunicorn.socket`; under any other server the answer is always no.
    """
    connection = environ.get("gunicorn.socket")

    def gone() -> bool:
        return isinstance(connection, socket.socket) and _is_closed(connection)

    return gone


def _is_closed(connection: socket.socket) -> bool:
    try:
        poll = select.poll()  # unlike select(), it takes descriptors over 1023
        poll.register(connection, select.POLLIN)
        return bool(poll.poll(0)) and not connection.recv(1, socket.MSG_PEEK)
    except (OSError, ValueError):
        return True

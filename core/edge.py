"""The one catch-all: around each unit of work (a request, a task, one app's turn in a loop).

An expected error passes through untouched; a bug gets an id, its trace goes to the log, and whoever asked is told the
id and nothing else.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from core.errors import PortsideError

log = logging.getLogger("portside.edge")


class UnexpectedError(PortsideError):
    """Something went wrong inside Portside.

    `error_id` is in the server's log beside the trace.
    """

    def __init__(self, error_id: str) -> None:
        super().__init__(f"Something went wrong inside Portside (error {error_id}). The server's log has the details.")
        self.error_id = error_id


def record_bug(error: BaseException, work: str) -> UnexpectedError:
    """Log `error` with its trace under a new id, and give the error to show instead."""
    error_id = secrets.token_hex(4)
    log.error("error %s in %s", error_id, work, exc_info=error)
    return UnexpectedError(error_id)


@contextmanager
def unit_of_work(work: str) -> Iterator[None]:
    """Run a block at a process's edge: bugs become `UnexpectedError`; Portside's own errors pass."""
    try:
        yield
    except PortsideError:
        raise
    except Exception as error:
        raise record_bug(error, work) from error


@contextmanager
def contained(work: str) -> Iterator[None]:
    """Run one turn of a loop: whatever it raises is logged and the loop goes on."""
    try:
        yield
    except PortsideError as error:
        log.warning("%s: %s", work, error.message)
    except Exception as error:  # one bad app never stops the loop
        record_bug(error, work)

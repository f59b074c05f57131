"""Logging of our own processes: UTC times, a level, to standard error; supervisor keeps and rotates the files."""

from __future__ import annotations

import logging
import sys
import time

FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)-7s %(name)s: %(message)s"
DATE_FORMAT = "%Y-%m-%dT%H:%M:%S"
QUIET = (
    "asyncssh",
    "urllib3",
    "docker",
    "httpx",
    "celery.beat",
    "celery.worker.strategy",
    "celery.app.trace",
    "alembic",
)


def configure(level: str) -> None:
    """Send the records of this process to standard error; libraries that chat only warn."""
    formatter = logging.Formatter(FORMAT, DATE_FORMAT)
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)

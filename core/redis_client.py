"""Redis, asked with little patience: what it carries can be lost, so nobody waits long for one that does not answer."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

ANSWER_S = 3.0
QUIET_S = 2.0


def connect(socket: Path | str) -> redis.Redis:
    """A client for the Redis at `socket`. A broken connection is made anew once, at once; a late answer is an error."""
    once = Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,))
    return redis.Redis(
        unix_socket_path=str(socket),
        protocol=2,
        retry=once,
        socket_connect_timeout=ANSWER_S,
        socket_timeout=ANSWER_S,
    )


class Quiet:
    """Remembers for `quiet_s` that Redis did not answer, so that of many who ask only one waits.

    `with quiet.unless(): …` raises RedisError at once while that is so.
    """

    def __init__(self, quiet_s: float = QUIET_S) -> None:
        self._quiet_s = quiet_s
        self._until = 0.0

    @contextmanager
    def unless(self) -> Iterator[None]:
        if time.monotonic() < self._until:
            raise redis.ConnectionError("Redis did not answer a moment ago")
        try:
            yield
        except redis.RedisError:
            self._until = time.monotonic() + self._quiet_s
            raise

"""The task queue: Celery over Redis, carrying ids and nothing else.

A message is only a nudge. What is to be done stands in the database; a lost message costs the time until the next
sweep, a message delivered twice finds nothing to do. So a queue that is down never fails a request.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import redis
from celery import Celery
from kombu.exceptions import KombuError, OperationalError

from core.edge import contained
from core.redis_client import Quiet, connect

log = logging.getLogger("portside.queue")

undelivered: ContextVar[bool] = ContextVar("undelivered", default=False)
"""Whether a nudge of this thread could not be sent; who serves a request sets it back before, and looks after."""


class Queue:
    """One Celery app. Packages register their doors with `door`; `nudge` sends a message to one."""

    def __init__(self, broker_url: str) -> None:
        self.celery = Celery("portside", broker=broker_url)
        socket = broker_url.removeprefix("redis+socket://")
        self._broker = connect(socket) if socket != broker_url else None
        self._quiet = Quiet()
        self._periodic: dict[float, list[Callable[[], None]]] = {}
        self.celery.conf.update(
            task_acks_late=True,
            task_ignore_result=True,
            task_serializer="json",
            accept_content=["json"],
            worker_prefetch_multiplier=1,
            worker_hijack_root_logger=False,
            broker_connection_retry_on_startup=True,
            broker_connection_max_retries=None,
            broker_transport_options={"socket_timeout": 30, "socket_connect_timeout": 2},
            beat_schedule={},
        )

    def door(self, name: str, function: Callable[..., None], every_s: float | None = None) -> None:
        """Register `function` as the task `name`; with `every_s`, beat also calls it with no argument so often.

        All that is due equally often comes in one message, one after the other: at rest, messages are what costs.
        """

        def run(*ids: str) -> None:
            with contained(f"task {name} {' '.join(ids)}".strip()):
                function(*ids)

        self.celery.task(name=name, shared=False)(run)
        if every_s is not None:
            self._at_once(every_s).append(run)

    def _at_once(self, every_s: float) -> list[Callable[[], None]]:
        """What one message of beat's every `every_s` calls."""
        name = f"every {every_s:g} s"
        if every_s not in self._periodic:
            due = self._periodic[every_s] = []

            def run_all() -> None:
                for run in due:
                    run()

            self.celery.task(name=name, shared=False)(run_all)
            entry: dict[str, Any] = {"task": name, "schedule": every_s, "options": {"expires": every_s}}
            self.celery.conf.beat_schedule[name] = entry
        return self._periodic[every_s]

    def nudge(self, name: str, *ids: str) -> None:
        """Ask a worker to look at the records `ids` now; if the queue is down, the next sweep will."""
        try:
            self._ping()
            self.celery.send_task(name, args=ids, retry=False, ignore_result=True)
        except (redis.RedisError, OperationalError, KombuError, OSError) as error:
            undelivered.set(True)
            log.warning("queue is down, %s waits for the sweep: %s", name, error)

    def _ping(self) -> None:
        """Celery would wait for six seconds when Redis is gone, and for thirty when it hangs. Raises RedisError."""
        if self._broker is not None:
            with self._quiet.unless():
                self._broker.ping()

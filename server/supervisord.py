"""Our supervisord: supervisor's own, with the code of the parts loaded before it forks them.

api, gateway and worker stand on the same 80 MB of Python modules. Forked from a process that has them, they share
those pages, which is what keeps a control plane within its memory; and a part starts without importing anything. What
a part would still import itself is its own alone, with every page of the others that importing touches: so PRELOADED
lists that too, and nothing that only commands need (Alembic, httpx with rich) is imported by what the parts run.
"""

from __future__ import annotations

import importlib
import os
import pkgutil
import signal
import ssl
import sys
import traceback
from collections.abc import Mapping
from typing import NoReturn

from sqlalchemy.orm import configure_mappers
from supervisor import loggers, supervisord
from supervisor.options import ServerOptions

from server import run_part, sharing

PRELOADED = (
    "server.wsgi",
    "server.gateway",
    "server.worker",
    "billiard.pool",
    "celery.app.amqp",
    "celery.app.control",
    "celery.app.events",
    "celery.app.log",
    "celery.apps.worker",
    "celery.backends.base",
    "celery.concurrency.thread",
    "celery.events.receiver",
    "celery.fixups.django",
    "celery.worker.autoscale",
    "celery.worker.components",
    "celery.worker.consumer",
    "celery.worker.consumer.delayed_delivery",
    "celery.worker.strategy",
    "dulwich.config",
    "dulwich.worktree",
    "gitreceiver.gateway",
    "gunicorn.app.wsgiapp",
    "gunicorn.glogging",
    "gunicorn.workers.gthread",
    "kombu.transport.redis",
    "kombu.mixins",
    "netrc",
    "scheduler.rendezvous",
    "sqlalchemy.dialects.sqlite",
    "sqlite3",
)
PRELOADED_WHOLE = "web.api"  # it loads its modules by name when the application is made
_HANDLED = (signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP, signal.SIGCHLD, signal.SIGUSR2)


class ForkingOptions(ServerOptions):  # type: ignore[misc]
    """Supervisor's options, whose children that are parts of ours go on in the fork instead of starting Python anew."""

    def execve(self, filename: str, argv: list[str], env: Mapping[str, str]) -> None:
        """Called by supervisor in a fresh child, whose files, group, folder and umask are set. Never returns."""
        if argv[1:-1] == ["-m", "server.run_part"]:
            _live_as(argv[-1], env)
        super().execve(filename, argv, env)


def _live_as(part: str, env: Mapping[str, str]) -> NoReturn:
    """Be the part until its end. The caller's frames stay below us, so nothing of supervisord is ever collected here:
    its file objects would close descriptors that are now somebody else's. Nor may anything get out to those frames:
    they would end as supervisord does, and remove the socket of the one that lives."""
    code = 1
    try:
        for number in _HANDLED:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(env)
        run_part.live(part)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)  # also when nobody reads the output any more: a part may outlive its first process


def _keep_quiet(_handler: object) -> None:
    """What supervisor does when it can't write a log. Its own way, to print the trace, fails too on a full disk, and
    would end supervisord just when everything must be kept running."""


def main() -> None:
    """Load everything, then be supervisord."""
    loggers.Handler.handleError = _keep_quiet
    folder = importlib.import_module(PRELOADED_WHOLE).__path__
    for module in (*PRELOADED, *(found.name for found in pkgutil.iter_modules(folder, f"{PRELOADED_WHOLE}."))):
        importlib.import_module(module)
    configure_mappers()  # else each part does it, at its first query
    ssl.create_default_context()  # and reads the machine's certificates, 2 MB, at its first client
    sharing.settle()
    supervisord.ServerOptions = ForkingOptions
    supervisord.main()


if __name__ == "__main__":
    main()

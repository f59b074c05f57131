"""The worker: Celery in one process of threads, with its clock (beat) and the scheduler's loop beside it.

Whatever it is ended in the middle of stands in the records, and the next worker goes on from there. So it ends fast:
it takes no new work, gives the loop a moment, and goes.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from pathlib import Path
from typing import Any

from celery import signals
from celery.beat import Scheduler, Service

from server import journal, procfs
from server.gc import collect_nightly
from server.platform import Platform, compose
from server.site import read_site
from server.sweeps import Sweeps
from server.worker_files import heartbeat_file, ready_file

log = logging.getLogger("portside.worker")

THREADS = 24
GC = "server.gc"
GC_LOOK_S = 20.0
HEARTBEAT = "server.heartbeat"
HEARTBEAT_S = 5.0


def main() -> None:
    """Serve the queue until a signal comes."""
    platform = compose(os.environ)
    journal.configure(platform.settings.log_level)
    run = platform.settings.home / "run"
    ready_file(run).unlink(missing_ok=True)
    platform.queue.door(HEARTBEAT, heartbeat_file(run).touch, every_s=HEARTBEAT_S)  # first of what is due as often
    Sweeps(platform).register_doors()
    site = read_site(os.environ)
    platform.queue.door(GC, lambda: collect_nightly(platform, site), every_s=GC_LOOK_S)
    serve(platform, run)


def serve(platform: Platform, run: Path) -> None:
    """Run Celery in this thread, beat and the scheduler's loop in two others."""
    celery = platform.queue.celery
    stop = threading.Event()
    schedule: Any = {"scheduler_cls": Scheduler, "remote_control": False}  # this scheduler keeps its times in memory
    clock = Service(celery, max_interval=1, **schedule)
    beat = threading.Thread(target=clock.start, name="beat", daemon=True)
    loop = threading.Thread(target=platform.scheduler.run_loop, args=(stop,), name="scheduler loop", daemon=True)

    def begin(**_: Any) -> None:
        signal.signal(signal.SIGTERM, _leave)
        beat.start()
        loop.start()
        procfs.write_record(ready_file(run))
        heartbeat_file(run).touch()  # an old one would tell `doctor` of a worker that hangs
        log.info("ready: %d threads", THREADS)

    signals.worker_ready.connect(begin, weak=False)
    worker = celery.Worker(
        pool="threads",
        concurrency=THREADS,
        hostname=f"worker@{platform.settings.domain}",
        without_gossip=True,
        without_mingle=True,
        without_heartbeat=True,
        loglevel=platform.settings.log_level,
        task_events=False,
    )
    worker.start()
    stop.set()


def _leave(_signal: int, _frame: Any) -> None:
    """Celery's warm shutdown waits for running tasks, which may be builds of many minutes: don't.

    The kernel ends the subprocesses of this process with it.
    """
    os.write(2, b"stopping; what is unfinished goes on when a worker returns\n")
    os._exit(0)


if __name__ == "__main__":
    main()

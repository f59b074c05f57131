"""The gateway process: git over SSH, the bytes of attached one-off runs, and what the router logs."""

from __future__ import annotations

import os
import threading
from functools import partial

from core.settings import read
from gitreceiver import run_gateway
from router import Listener, RouterSettings, Tallies
from scheduler import InstanceNames
from server import journal
from server.platform import Platform, compose


def main() -> None:
    """Serve until a signal comes."""
    platform = compose(os.environ)
    journal.configure(platform.settings.log_level)
    _listen_to_router(platform)
    beside = partial(platform.scheduler.runs.serving, platform.run_certificate)
    run_gateway(platform.git_parts, platform.settings.home / "ssh_host_key", beside)


def _listen_to_router(platform: Platform) -> None:
    settings = read(RouterSettings, "router", platform.source)
    names, router = InstanceNames(platform.database), platform.router
    tallies = Tallies(router.metrics, lambda instance_id: names.of(instance_id).version)
    home, with_values = platform.settings.home, settings.log_query_values
    listener = Listener(home, router.requests, names.process_of, with_values, [tallies])
    threading.Thread(target=listener.run, args=(threading.Event(),), name="router's log", daemon=True).start()


if __name__ == "__main__":
    main()

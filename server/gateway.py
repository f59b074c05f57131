"""The gateway process: git over SSH, and the bytes of attached one-off runs."""

from __future__ import annotations

import os
from functools import partial

from gitreceiver import run_gateway
from server import journal
from server.platform import compose


def main() -> None:
    """Serve until a signal comes."""
    platform = compose(os.environ)
    journal.configure(platform.settings.log_level)
    beside = partial(platform.scheduler.runs.serving, platform.run_certificate)
    run_gateway(platform.git_parts, platform.settings.home / "ssh_host_key", beside)


if __name__ == "__main__":
    main()

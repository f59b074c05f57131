"""The gateway process: git over SSH."""

from __future__ import annotations

import os

from gitreceiver import run_gateway
from server import journal
from server.platform import compose


def main() -> None:
    """Serve until a signal comes."""
    platform = compose(os.environ)
    journal.configure(platform.settings.log_level)
    run_gateway(platform.git_parts, platform.settings.home / "ssh_host_key")


if __name__ == "__main__":
    main()

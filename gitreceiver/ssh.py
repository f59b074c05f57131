"""The way into the SSH gateway.

asyncssh costs 13 MB of memory, which only the process that serves SSH shall pay, so it is loaded on the call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path

from gitreceiver.serving import GitParts

Beside = Callable[[], AbstractAsyncContextManager[object]]
"""Gives what else is to be served, once the event loop runs."""


def run_gateway(parts: GitParts, host_key: Path, beside: Beside = nullcontext) -> None:
    """Serve git over SSH, and `beside` in the same event loop, until SIGTERM or SIGINT.

    Blocks; to be called from a process's main thread.
    """
    from gitreceiver.gateway import serve_until_stopped

    asyncio.run(serve_until_stopped(parts, host_key, beside))

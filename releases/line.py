"""One app, one line: whose turn it is.

A release's turn has come when its app's line lease is free and no release with a lower number is undecided. The
scheduler's loop needs no turn: each of its steps is one transaction that holds only while the live release is the one
it was planned for.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from core.errors import DeadlineExceeded
from core.leases import Lease, Leases
from releases.history import History
from releases.types import Release
from scheduler import line_of

LOOK_AGAIN_S = 0.1


@contextmanager
def turn(
    release: Release, history: History, leases: Leases, timeout_s: float, stopped: Callable[[], BaseException | None]
) -> Iterator[Lease | None]:
    """Wait for the release's turn and hold the app's line for the block; None when it is decided by then.

    Raises DeadlineExceeded after `timeout_s`, or what `stopped` gives. Either leaves the release as it is.
    """
    end = time.monotonic() + timeout_s
    while not history.get(release.id).is_decided:
        if _is_first(release, history) and not leases.is_held(line_of(release.app_id)):
            with leases.held(line_of(release.app_id)) as lease:
                if lease is not None and _is_first(release, history):
                    yield None if history.get(release.id).is_decided else lease
                    return
        reason = stopped()
        if reason is not None:
            raise reason
        if time.monotonic() > end:
            raise DeadlineExceeded(f"{release.name} waited over {timeout_s:.0f} s for its turn")
        time.sleep(LOOK_AGAIN_S)
    yield None


def _is_first(release: Release, history: History) -> bool:
    ahead = history.undecided(release.app_id)
    return not ahead or ahead[0].version >= release.version

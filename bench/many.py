"""Twenty pushes at once."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

from bench.bed import Bed, BenchApp, must
from bench.figures import Row, ratio, seconds
from tests.live import Done

APPS = 20
SINGLES = 5
LOOK_EVERY_S = 0.1  # twenty that look must not be a load of their own


def at_once(bed: Bed) -> Row:
    """20 code-only pushes to 20 apps, begun together.

    Measured: from the start of the first `git push` until every app has given a 200 of its new version. Reference:
    20 times one such push to one of these apps, divided by the cores that this machine lets us use; the median of 5,
    in the same run. Every app has been pushed once before.
    """
    apps = [bed.app("instant") for _ in range(APPS)]
    with ThreadPoolExecutor(4) as some:
        for done in some.map(_first, apps):
            must(done)
    singles = [_push([apps[0]]) for _ in range(SINGLES)]
    together_s = _push(apps)
    for app in apps:
        app.destroy()
    cores = len(os.sched_getaffinity(0))
    share = seconds([APPS * single_s / cores for single_s in singles])
    note = f"one push {seconds(singles)}; {cores} cores"
    return ratio(f"{APPS} pushes at once, all live", seconds([together_s]), share, 1.2, note)


def _first(app: BenchApp) -> Done:
    app.change()
    return app.push()


def _push(apps: list[BenchApp]) -> float:
    """Push a change of each app at once; how long until the last is live."""
    words = [app.change() for app in apps]
    begun = time.monotonic()
    gits = [app.pushing() for app in apps]
    try:
        with ThreadPoolExecutor(len(apps)) as watchers:
            live = list(watchers.map(BenchApp.answers, apps, words, [LOOK_EVERY_S] * len(apps)))
    finally:
        codes = [git.wait(timeout=300) for git in gits]
    for app, code in zip(apps, codes, strict=True):
        if code:
            raise RuntimeError(f"{app.name}: {app.said()[-500:]}")
    return max(live) - begun

"""`git revert` and a push, against a rollback to the same files."""

from __future__ import annotations

import subprocess

from bench.bed import Bed, BenchApp, must
from bench.deploys import NOTHING_WARM, ROUNDS, push, roll_back
from bench.figures import Row, ratio, seconds


def push_of_a_revert(bed: Bed) -> Row:
    """Back to files that were built before.

    Measured: from the start of `git push` of a reverted commit until the router gives the first 200 of the files as
    they were. Reference: from the API request of a rollback until the first 200 of the restored release, of which
    none is kept warm. Each round pushes a change, takes it back with git, and brings it back with a rollback; a first
    round is not counted. A revert that builds anything fails the row.
    """
    reverted: list[float] = []
    rolled_back: list[float] = []
    with bed.with_settings(**NOTHING_WARM):
        app = bed.app("instant")
        before = app.change()
        must(app.push())
        for _ in range(ROUNDS + 1):
            changed = app.change()
            must(app.push())
            _revert(app)
            reverted.append(push(app, before)[0])
            if "reusing its image" not in app.said():
                raise RuntimeError(f"a reverted commit was built anew: {app.said()[-500:]}")
            rolled_back.append(roll_back(bed, app, changed))
        app.destroy()
    return ratio("git revert + push → first 200, no build", seconds(reverted[1:]), seconds(rolled_back[1:]), 1.5)


def _revert(app: BenchApp) -> None:
    subprocess.run(
        ["git", "revert", "--no-edit", "HEAD"], cwd=app.folder, env=app.platform.people, check=True, capture_output=True
    )

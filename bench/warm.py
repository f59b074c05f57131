"""Rollback to the release before while its instances are kept frozen."""

from __future__ import annotations

import time

import docker

from bench.bed import Bed, BenchApp
from bench.deploys import ROUNDS, roll_back, two_releases
from bench.figures import Row, seconds
from tests.traces import LABEL

BUDGET_S = 0.2
PATIENCE_S = 60.0
LOOK_EVERY_S = 0.1


def rollback(bed: Bed) -> Row:
    """Back to the release before, whose instance is frozen by then.

    Measured: from the API request (POST /apps/APP/releases) until the router gives the first 200 of the restored
    release. There is no reference: the budget is a time. A first round is not counted.
    """
    app, words = two_releases(bed)
    took = []
    for number in range(ROUNDS + 1):
        _await_frozen(bed, app)
        took.append(roll_back(bed, app, words[number % 2]))
    app.destroy()
    measured = seconds(took[1:])
    kept = {"measured": measured.values}
    return Row("rollback warm → first 200", str(measured), "", measured.median, BUDGET_S, "s", kept=kept)


def _await_frozen(bed: Bed, app: BenchApp) -> None:
    """Wait until the engine shows an instance of the app frozen."""
    deadline = time.monotonic() + PATIENCE_S
    engine = docker.from_env()
    try:
        while True:
            paused = {"label": f"{LABEL}={bed.platform.name}", "status": "paused"}
            if any(
                str(one.name).startswith(f"{app.name}.")
                for one in engine.containers.list(ignore_removed=True, filters=paused)
            ):
                break
            if time.monotonic() > deadline:
                raise TimeoutError(f"nothing of {app.name} was frozen within {PATIENCE_S:g} s")
            time.sleep(LOOK_EVERY_S)
    finally:
        engine.close()

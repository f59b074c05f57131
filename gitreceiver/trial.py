"""A build that no push asked for: it takes its place in the queue of builds, and makes no release."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

from builder import BuildRequest, BuiltImage, Source
from core.ids import AppId
from core.logs import LogWriter
from gitreceiver.run import DISPATCH, Workshop, build_slot

Stopped = Callable[[], BaseException | None]
ASK_EVERY_S = 0.5


def build_aside(workshop: Workshop, app_id: AppId, source: Source, log: LogWriter, stopped: Stopped) -> BuiltImage:
    """The image of a source; a later push of the same files finds it. Raises as Builder.build does."""
    app = workshop.releases.app(app_id)
    request = BuildRequest(
        app_id=app_id,
        app_name=app.name,
        commit="",
        source=source,
        config=workshop.releases.config(app_id),
        rebuild=False,
        deadline_s=workshop.settings.build_timeout_s,
    )
    try:
        with ExitStack() as slot:
            _wait_for_slot(workshop, slot, log, stopped)
            return workshop.builder.build(request, log, stopped)
    finally:
        workshop.builder.drop_old_builds(app_id)
        workshop.queue.nudge(DISPATCH)


def _wait_for_slot(workshop: Workshop, slot: ExitStack, log: LogWriter, stopped: Stopped) -> None:
    said = False
    while not _took_slot(workshop, slot):
        if not said:
            log.step("Waiting for other builds to end")
            said = True
        reason = stopped()
        if reason is not None:
            raise reason
        time.sleep(ASK_EVERY_S)


def _took_slot(workshop: Workshop, slot: ExitStack) -> bool:
    places = (build_slot(number) for number in range(workshop.settings.parallel_builds))
    return any(slot.enter_context(workshop.leases.held(place)) is not None for place in places)

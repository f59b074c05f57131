"""The end of a switch: the router takes the route that the records have."""

from __future__ import annotations

import time

from core.errors import Unavailable
from core.ids import AppId
from core.logs import LogWriter
from router import Router

AGAIN_S = 0.1


def take_route(router: Router, app_id: AppId, log: LogWriter, most_s: float) -> None:
    """Have the router take the app's route, waiting `most_s` at most for one that does not answer.

    Who said live before would still be served the old release. In the end the loop does it: the records stand.
    """
    end, told = time.monotonic() + most_s, False
    while True:
        try:
            return router.apply(app_id)
        except Unavailable as error:
            if time.monotonic() > end:
                return log.problem("The router is still away. The new route holds as soon as it answers.")
            if not told:
                log.detail(f"{error.message} Waiting for it, at most {most_s:.0f} s.")
            told = True
        time.sleep(AGAIN_S)

"""Counting an app's answers, for those who compare one generation with the next."""

from __future__ import annotations

from collections.abc import Callable

from core.database import Database
from core.ids import AppId
from router import records
from router.counts import Counts


class Traffic:
    """`counts` tells what was counted of a generation; `apply` puts an app's records into force, if HAProxy answers."""

    def __init__(self, database: Database, counts: Callable[[str], Counts], apply: Callable[[AppId], None]) -> None:
        self._database = database
        self._counts = counts
        self._apply = apply

    def count(self, app_id: AppId, on: bool) -> None:
        """Have the answers of the app's present and later generations counted, or not any more."""
        with self._database.read() as session:
            if records.is_counted(session, app_id) is on:
                return
        with self._database.write() as session:
            records.route(session, app_id).counted = on
        self._apply(app_id)

    def seen(self, app_id: AppId) -> Counts | None:
        """What was counted of the app's present generation; None of an app that has none, or is not counted.

        Counts begin anew when the router takes on a new configuration. Raises Unavailable.
        """
        with self._database.read() as session:
            generation = records.counted_generation(session, app_id)
        return None if generation is None else self._counts(generation)

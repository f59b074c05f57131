"""Old logs are emptied, but stay logs."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from core import clock
from core.logs import EXPIRED, LogRow, LogStreams, connect
from tests.databases import new_database


def test_old_logs_are_emptied_but_for_those_to_keep(tmp_path: Path) -> None:
    database = new_database(tmp_path / "logs.db")
    logs = LogStreams(database, connect(tmp_path / "no-redis.sock"))
    with database.write() as session:
        for name, age_days in (("old", 40), ("kept", 40), ("new", 2)):
            session.add(LogRow(id=name, text="a story", closed_at=clock.now() - timedelta(days=age_days)))
    before = clock.now() - timedelta(days=30)
    assert logs.expire(before, {"kept"}) == 1
    assert [logs.text(name) for name in ("old", "kept", "new")] == [f"{EXPIRED}\n", "a story\n", "a story\n"]
    assert logs.is_closed("old")
    assert logs.expire(before, {"kept"}) == 0

"""What beat is told to send."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.queue import Queue, undelivered


@pytest.fixture
def queue() -> Queue:
    return Queue("memory://")


def test_all_that_is_due_equally_often_comes_in_one_message(queue: Queue) -> None:
    called: list[str] = []
    for name in ("one", "two"):
        queue.door(name, lambda name=name: called.append(name), every_s=5.0)
    queue.door("three", lambda: called.append("three"), every_s=60.0)
    entries = queue.celery.conf.beat_schedule
    assert {name: entry["schedule"] for name, entry in entries.items()} == {"every 5 s": 5.0, "every 60 s": 60.0}
    queue.celery.tasks["every 5 s"]()
    assert called == ["one", "two"]


def test_one_that_fails_keeps_the_next_from_nothing(queue: Queue) -> None:
    called: list[str] = []

    def break_down() -> None:
        raise RuntimeError("a bug")

    queue.door("broken", break_down, every_s=5.0)
    queue.door("sound", lambda: called.append("sound"), every_s=5.0)
    queue.celery.tasks["every 5 s"]()
    assert called == ["sound"]


def test_a_nudge_that_can_not_be_sent_fails_nothing_and_is_remembered(tmp_path: Path) -> None:
    undelivered.set(False)
    queue = Queue(f"redis+socket://{tmp_path}/no.sock")
    queue.door("one", lambda: None)
    queue.nudge("one")
    assert undelivered.get()
    undelivered.set(False)

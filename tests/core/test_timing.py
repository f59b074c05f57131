"""Steps are recorded by whoever takes them, in whatever thread, and cost nothing without a recording."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from core import clock, timing
from core.timing import Recorder, Step

ORIGIN = datetime(2026, 5, 1, tzinfo=UTC)


def at(milliseconds: int) -> datetime:
    return ORIGIN + timedelta(milliseconds=milliseconds)


def test_a_step_is_counted_from_the_beginning_of_the_story() -> None:
    recorder = Recorder(ORIGIN)
    recorder.add("build", at(200), at(700))
    assert recorder.steps == (Step("build", 200, 500),)


def test_a_step_of_several_at_once_lasts_from_the_first_to_the_last() -> None:
    recorder = Recorder(ORIGIN)
    recorder.add("start", at(100), at(300))
    recorder.add("start", at(150), at(450))
    recorder.add("start", at(120), at(200))
    assert recorder.steps == (Step("start", 100, 350),)


def test_steps_come_in_the_order_in_which_they_began_and_go_on_from_earlier_ones() -> None:
    recorder = Recorder(ORIGIN, (Step("receive", 0, 40),))
    recorder.add("upload", at(300), at(400))
    recorder.add("start", at(250), at(900))
    assert [step.name for step in recorder.steps] == ["receive", "start", "upload"]


def test_without_a_recording_nothing_is_kept() -> None:
    with timing.step("build"):
        pass
    assert timing.recorded() == ()


def test_a_step_that_raises_is_recorded_too() -> None:
    recorder = Recorder(clock.now())
    with pytest.raises(ValueError, match="no"), timing.recording(recorder), timing.step("build"):
        raise ValueError("no")
    assert [step.name for step in recorder.steps] == ["build"]


def test_the_recording_is_carried_into_the_threads_of_a_pool() -> None:
    def work(name: str) -> None:
        with timing.step(name):
            pass

    recorder = Recorder(clock.now())
    with timing.recording(recorder), ThreadPoolExecutor(2) as pool:
        list(pool.map(timing.carried(work), ["a"]))
        pool.submit(timing.carried(work), "b").result()
        pool.submit(work, "lost").result()
    assert {step.name for step in recorder.steps} == {"a", "b"}

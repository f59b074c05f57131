"""A push's last line: what took how long, and what made it slower than its like."""

from __future__ import annotations

from core.timing import Step
from gitreceiver.waterfall import Waterfall, decode, encode, line


def push(total_ms: int, **took_ms: int) -> Waterfall:
    return Waterfall(total_ms, tuple(Step(name, 0, took) for name, took in took_ms.items()))


USUAL = push(1400, build=500, start=400, upload=200)


def test_the_longest_steps_come_first_and_the_shortest_not_at_all() -> None:
    assert line(push(1400, detect=20, start=400, build=500, upload=200), []) == (
        "done in 1.4 s (build 0.5, start 0.4, upload 0.2)"
    )


def test_no_more_than_five_steps_are_named() -> None:
    told = line(push(9000, a=100, b=200, c=300, d=400, e=500, f=600), [])
    assert told == "done in 9.0 s (f 0.6, e 0.5, d 0.4, c 0.3, b 0.2)"


def test_a_push_as_fast_as_its_like_says_no_more() -> None:
    assert "usually" not in line(push(1600, build=700, start=400), [USUAL])


def test_twenty_per_cent_more_of_very_little_is_no_matter() -> None:
    assert "usually" not in line(push(2300, build=1400, start=400), [USUAL])


def test_a_second_more_of_very_much_is_no_matter() -> None:
    assert "usually" not in line(push(101_500, build=99_000), [push(100_000, build=98_000)])


def test_a_slower_push_names_the_step_that_grew_most() -> None:
    now = push(9100, build=8000, start=600, upload=200)
    assert line(now, [USUAL, USUAL, push(1500, build=600, start=500)]) == (
        "done in 9.1 s (build 8.0, start 0.6, upload 0.2); usually 1.4 s: build took 8.0 s instead of 0.5"
    )


def test_a_step_that_is_new_counts_from_nothing() -> None:
    assert line(push(6500, queue=5000, build=500), [USUAL]).endswith("queue took 5.0 s instead of 0.0")


def test_time_that_no_step_explains_is_said_without_a_cause() -> None:
    assert line(push(9000, build=500), [USUAL]) == "done in 9.0 s (build 0.5); usually 1.4 s"


def test_a_push_that_reused_its_image_is_compared_with_its_like_only() -> None:
    reused = push(400, start=300)
    assert "usually" not in line(push(1500, build=600, start=400), [reused])
    assert "usually 0.4 s" in line(push(1500, start=1400), [USUAL, reused])


def test_only_the_five_latest_are_compared() -> None:
    slow = [push(9000, build=8000)] * 5
    assert "usually" not in line(push(9000, build=8000), [*slow, *([USUAL] * 9)])


def test_steps_come_back_from_the_database_as_they_went() -> None:
    assert decode(encode(USUAL.steps)) == USUAL.steps
    assert decode(None) == ()

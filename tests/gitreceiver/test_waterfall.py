"""A push's last line: what took how long, and what made it slower than the last of its kind."""

from __future__ import annotations

import pytest

from core.timing import Step
from gitreceiver.waterfall import Built, Waterfall, decode, encode, line

REQUIREMENTS = 'build [3/5] COPY --chown=app:app ["source/requirements.txt", "requirements.txt"]'
INSTALL = "build [4/5] RUN uv pip install -r requirements.txt"
FILES = "build [5/5] COPY --chown=app:app source/ ./"


def push(total_ms: int, built: Built | None = None, stages: dict[str, int] | None = None, **took_ms: int) -> Waterfall:
    steps = {**took_ms, **(stages or {})}
    return Waterfall(total_ms, tuple(Step(name, 0, took) for name, took in steps.items()), built)


USUAL = push(1400, build=500, start=400, upload=200)


def test_the_longest_steps_come_first_and_the_shortest_not_at_all() -> None:
    assert line(push(1400, detect=20, start=400, build=500, upload=200), []) == (
        "done in 1.4 s (build 0.5, start 0.4, upload 0.2)"
    )


def test_no_more_than_five_steps_are_named() -> None:
    told = line(push(9000, a=100, b=200, c=300, d=400, e=500, f=600), [])
    assert told == "done in 9.0 s (f 0.6, e 0.5, d 0.4, c 0.3, b 0.2)"


def test_what_lies_in_the_build_is_not_told_beside_it() -> None:
    told = line(push(2000, build=1500, export=300, stages={INSTALL: 1000, "build context": 100}), [])
    assert told == "done in 2.0 s (build 1.5)"


def test_a_push_as_fast_as_its_like_says_no_more() -> None:
    assert "the last" not in line(push(1600, build=700, start=400), [USUAL])


def test_twenty_per_cent_more_of_very_little_is_no_matter() -> None:
    assert "the last" not in line(push(900, build=500), [push(700, build=300)])


def test_a_second_more_of_very_much_is_no_matter() -> None:
    assert "the last" not in line(push(101_500, build=99_000), [push(100_000, build=98_000)])


def test_twenty_per_cent_more_is_told_with_the_step_that_grew_most() -> None:
    assert line(push(1680, build=780, start=400), [USUAL]) == (
        "done in 1.7 s (build 0.8, start 0.4); the last one took 1.4 s: build +0.3 s"
    )


def test_a_step_that_is_new_counts_from_nothing() -> None:
    assert line(push(6500, queue=5000, build=500), [USUAL]).endswith("the last one took 1.4 s: queue +5.0 s")


def test_time_that_no_step_explains_is_said_without_a_cause() -> None:
    assert line(push(9000, build=500), [USUAL]) == "done in 9.0 s (build 0.5); the last one took 1.4 s"


def test_only_the_last_of_its_kind_counts() -> None:
    slow = push(9000, build=8000)
    assert "the last" not in line(push(9000, build=8000), [slow, USUAL, USUAL])
    assert "the last one took 1.4 s" in line(push(9000, build=8000), [USUAL, slow])


@pytest.mark.parametrize("other", [Built.REUSED, Built.COLD])
def test_a_warm_build_is_compared_with_no_other_kind(other: Built) -> None:
    now = push(5000, Built.WARM, build=4000)
    assert "the last" not in line(now, [push(400, other, build=100)])
    assert "the last one took 2.0 s" in line(now, [push(400, other, build=100), push(2000, Built.WARM, build=1000)])


def test_pushes_of_older_times_are_told_apart_by_whether_they_built() -> None:
    reused = push(400, start=300)
    assert "the last" not in line(push(1500, build=600, start=400), [reused])
    assert "the last one took 0.4 s" in line(push(1500, start=1400), [USUAL, reused])


def test_an_install_that_ran_anew_is_told_with_the_file_that_changed() -> None:
    now = push(5600, build=4700, stages={REQUIREMENTS: 40, INSTALL: 4200, FILES: 60})
    assert line(now, [push(1400, build=500, stages={FILES: 60})]) == (
        "done in 5.6 s (build 4.7); the last one took 1.4 s: build +4.2 s: "
        "uv pip install -r requirements.txt ran anew because requirements.txt changed"
    )


def test_a_step_that_always_runs_and_took_longer_is_told_with_both_times() -> None:
    make = "build [2/2] RUN make"
    told = line(push(5000, build=4500, stages={make: 4000}), [push(1400, build=500, stages={make: 400})])
    assert told.endswith("build +4.0 s: make took 4.0 s instead of 0.4")


@pytest.mark.parametrize(
    ("first", "because"),
    [
        ("COPY . /app", " because the app's files changed"),
        ("COPY source/ .", " because the app's files changed"),
        ("COPY package.json package-lock.json ./", " because package.json, package-lock.json changed"),
        ("COPY --from=assets /out /app", " because the stage assets changed"),
        ("ENV MODE=fast", " after ENV MODE=fast"),
    ],
)
def test_the_first_step_that_ran_says_why_the_later_ones_did(first: str, because: str) -> None:
    stages = {f"build [web 2/3] {first}": 10, "build [web 3/3] RUN make": 4000, "build [other 2/2] RUN x": 100}
    assert line(push(5000, build=4500, stages=stages), [USUAL]).endswith(f": make ran anew{because}")


def test_the_order_of_steps_is_that_of_their_numbers() -> None:
    stages = {"build [2/12] COPY lock ./": 10, "build [10/12] RUN slow": 4000, "build [11/12] RUN x": 5}
    assert line(push(5000, build=4500, stages=stages), [USUAL]).endswith("slow ran anew because lock changed")


def test_steps_come_back_from_the_database_as_they_went() -> None:
    assert decode(encode(USUAL.steps)) == USUAL.steps
    assert decode(None) == ()

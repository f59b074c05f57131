"""The times of a Dockerfile's steps, from BuildKit's plain progress and the moments at which its lines came."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from builder.stage_times import StageTimes

START = datetime(2026, 5, 1, tzinfo=UTC)


def times(*lines: tuple[int, str]) -> dict[str, tuple[int, int]]:
    """(milliseconds, line)… → name: (began, took) in milliseconds."""
    found = StageTimes()
    for after_ms, line in lines:
        found.feed(line, START + timedelta(milliseconds=after_ms))
    return {
        step.name: (
            round((step.began - START) / timedelta(milliseconds=1)),
            round((step.ended - step.began).total_seconds() * 1000),
        )
        for step in found
    }


def test_a_step_lasts_from_its_heading_to_its_end() -> None:
    assert times(
        (100, "#8 [deps 4/4] RUN make all"), (110, "#8 sha256:0cf2"), (900, "#8 0.158 hi"), (1570, "#8 DONE 1.5s")
    ) == {"build [deps 4/4] RUN make all": (100, 1470)}


def test_lines_that_come_late_are_put_right_by_what_buildkit_tells() -> None:
    assert times((100, "#8 [2/4] RUN make"), (100, "#8 DONE 0.4s")) == {"build [2/4] RUN make": (-250, 350)}
    assert times((100, "#8 [2/4] RUN make"), (9000, "#8 DONE 0.4s")) == {"build [2/4] RUN make": (8550, 450)}


def test_an_end_in_the_same_line_as_output_is_seen() -> None:
    assert times((0, "#6 [2/2] RUN printf x"), (400, "#6 0.410 x#6 DONE 0.4s")) == {
        "build [2/2] RUN printf x": (0, 400)
    }


def test_steps_that_run_beside_each_other_are_told_apart() -> None:
    assert times(
        (0, "#5 [a 2/2] RUN x"), (10, "#6 [b 2/2] RUN y"), (20, "#5 ..."), (500, "#6 DONE 0.5s"), (1000, "#5 DONE 1.0s")
    ) == {
        "build [b 2/2] RUN y": (10, 490),
        "build [a 2/2] RUN x": (0, 1000),
    }


def test_what_was_cached_has_no_time() -> None:
    assert times((0, "#4 [2/4] RUN make"), (1, "#4 CACHED")) == {}


def test_the_context_and_the_export_are_told_and_nothing_else_internal() -> None:
    assert times(
        (0, "#1 [internal] load build definition from Dockerfile"),
        (0, "#1 DONE 0.0s"),
        (0, "#3 [1/2] FROM docker.io/portside/base:debian-13"),
        (10, "#3 DONE 0.0s"),
        (100, "#6 [internal] load build context"),
        (200, "#6 DONE 0.1s"),
        (300, "#12 exporting to image"),
        (600, "#12 exporting layers 0.2s done"),
        (650, "#12 DONE 0.3s"),
    ) == {"build context": (100, 100), "export": (300, 350)}


def test_mounts_and_the_file_of_secrets_are_not_told() -> None:
    line = "#6 [3/4] RUN --mount=type=cache,id=x,target=/c : config 1-2; . /run/secrets/config && uv pip install"
    assert list(times((0, line), (100, "#6 DONE 0.1s"))) == ["build [3/4] RUN uv pip install"]

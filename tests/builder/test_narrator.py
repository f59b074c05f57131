"""What a push shows of a pack's build, told from what real builds printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from builder.explain import explain
from builder.narrator import narrator
from builder.progress import Progress
from tests.builder.conftest import Lines, MemorySource

RECORDINGS = Path(__file__).parent.parent / "fixtures" / "buildkit"
Tell = Callable[[str, str], list[str]]


@pytest.fixture
def told(fixture_app: Callable[..., MemorySource], log: Lines) -> Tell:
    """What is told of a recorded build of a fixture app."""

    def tell(app: str, recording: str) -> list[str]:
        progress, say = Progress(), narrator(explain(fixture_app(app)), log)
        for printed in (RECORDINGS / f"{recording}.txt").read_text().splitlines():
            for line in progress.feed(printed):
                say(line)
        return log.lines

    return tell


def test_a_first_build_tells_its_steps_in_words(told: Tell) -> None:
    assert told("python_tiny", "python_first") == [
        "-----> Installing dependencies",
        "         warning: Requirements file `requirements.txt` does not contain any dependencies",
        "         Using Python 3.13.5 environment at: /opt/venv",
        "         Audited in 237ms",
        "-----> Adding the app's files",
    ]


def test_cached_is_said_only_of_steps_that_were_told(told: Tell) -> None:
    assert told("python_tiny", "python_again") == [
        "-----> Installing dependencies",
        "         CACHED",
        "-----> Adding the app's files",
    ]


def test_a_build_of_two_stages_ends_with_its_last_told_step(told: Tell) -> None:
    assert told("node_tiny", "node_first") == [
        "-----> Installing dependencies",
        "",
        "         added 2 packages in 966ms",
        "-----> Adding the app's files",
        "-----> Running the build script",
        "",
        "         > shop@1.0.0 build",
        "         > node build.js",
        "",
        "-----> Leaving out what only the build needs",
        "",
        "         up to date in 495ms",
    ]

"""BuildKit's plain progress, as its versions 0.8 (engine 20.10) and later print it, made readable."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder import BuildFailed
from builder.buildkit import failure
from builder.problems import (
    BuildRefused,
    CompilerMissing,
    DependencyNotFound,
    DiskFull,
    ImageMissing,
    ImageUnreachable,
    NoNetwork,
    StepCommandMissing,
    StepFailed,
    StepNotExecutable,
)
from builder.progress import Progress
from core.errors import Unavailable

RECORDINGS = Path(__file__).parent.parent / "fixtures" / "buildkit"

FAILED_RUN = """\
#6 [3/3] RUN --mount=type=secret,id=config : config 1-2; . /run/secrets/config && make all
#6 0.2 \x1b[31mgoing\x1b[0m
#6 0.3 10%\r#6 0.3 100%
#6 0.4 boom
#6 ERROR: {error}
------
 > [3/3] RUN make all:
#6 0.4 boom
------
{error}
"""


def shown(text: str) -> tuple[Progress, list[str]]:
    progress = Progress()
    return progress, [str(line) for raw in text.splitlines() for line in progress.feed(raw)]


def recorded(name: str) -> str:
    """What a real build printed (`docker build --progress=plain`, the engine 20.10)."""
    return (RECORDINGS / f"{name}.txt").read_text()


def test_steps_and_their_output_are_shown_and_nothing_internal():
    assert shown(recorded("python_again"))[1] == [
        "[1/4] FROM portside/python:debian-13-c75398ecb10c",
        "[2/4] COPY --chown=app:app [source/requirements.txt, requirements.txt]",
        "  CACHED",
        "[3/4] RUN uv pip install -r requirements.txt",
        "  CACHED",
        "[4/4] COPY --chown=app:app source/ ./",
    ]


def test_each_line_stands_under_its_own_step_when_stages_take_turns():
    deps = '[deps 3/3] RUN for i in 1 2 3 4 5 6 7 8; do echo "deps $i"; sleep 2; done; mkdir /out; date > /out/b'
    assets = '[assets 2/2] RUN for i in 1 2 3 4 5 6 7 8; do echo "assets $i"; sleep 2; done; mkdir /out; date > /out/a'
    assert shown(recorded("stages"))[1] == [
        "[deps 1/3] FROM portside/base:debian-13",
        "[deps 2/3] WORKDIR /app",
        "  CACHED",
        deps,
        *(f"  deps {number}" for number in range(1, 6)),
        assets,
        *(f"  assets {number}" for number in range(1, 7)),
        deps,
        *(f"  deps {number}" for number in range(6, 9)),
        assets,
        *(f"  assets {number}" for number in range(7, 9)),
        "[3/5] COPY --from=assets /out .",
        "[4/5] COPY --from=deps /out .",
        "[5/5] RUN echo one; printf 'no newline'",
        "  one",
        "  no newline",
    ]


@pytest.mark.parametrize(
    "error",
    [
        "executor failed running [/bin/sh -c make all]: exit code: 2",
        'process "/bin/sh -c make all" did not complete successfully: exit code: 2',
    ],
)
def test_a_failed_run_is_told_by_its_own_words(error):
    progress, lines = shown(FAILED_RUN.format(error=error))
    assert lines[0] == "[3/3] RUN make all"
    assert lines[1] == "  going"
    assert lines[-1] == "  boom"
    told = failure(progress)
    assert isinstance(told, BuildFailed)
    assert told.message == "`RUN make all` ended with exit code 2."


@pytest.mark.parametrize(
    ("output", "kind"),
    [
        ("Because there is no version of x==9 and you require x==9", DependencyNotFound),
        ("ERROR: No matching distribution found for x==9", DependencyNotFound),
        ("npm error notarget No matching version found for left-pad@99.0.0.", DependencyNotFound),
        ("npm error 404  'nosuch@1.0.0' is not in this registry.", DependencyNotFound),
        ("error: command 'gcc' failed: No such file or directory", CompilerMissing),
        ("Error: pg_config executable not found.", CompilerMissing),
        ("Temporary failure in name resolution", NoNetwork),
        ("npm error code EAI_AGAIN", NoNetwork),
        ("cp: write error: No space left on device", DiskFull),
        ("/bin/sh: 1: ruby: not found", StepCommandMissing),
        ("/bin/sh: 1: ./build.sh: Permission denied", StepNotExecutable),
        ("anything else", StepFailed),
    ],
)
def test_known_troubles_are_told_apart(output, kind):
    text = f"#6 [2/2] RUN x\n#6 0.1 {output}\n#6 ERROR: executor failed running [x]: exit code: 1\n"
    told = failure(shown(text)[0])
    assert isinstance(told, BuildFailed)
    assert type(told.problem) is kind


def test_a_step_killed_for_memory_says_so():
    text = "#6 [2/2] RUN x\n#6 ERROR: executor failed running [x]: exit code: 137\n"
    assert str(failure(shown(text)[0])).startswith("`RUN x` was killed: the build ran out of memory.")


def test_a_very_long_step_is_cut():
    text = f"#6 [2/2] RUN {'word ' * 100}\n#6 ERROR: executor failed running [x]: exit code: 1\n"
    assert len(failure(shown(text)[0]).args[0]) < 220


def test_an_engine_that_is_down_is_not_the_apps_fault():
    text = "failed to dial gRPC: cannot connect to the Docker daemon. Is 'docker daemon' running on this host?"
    assert isinstance(failure(shown(text)[0]), Unavailable)


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (
            'failed to do request: Head "https://h/v2/nosuch/image/manifests/1": dial tcp: lookup h: no such host',
            ImageUnreachable("h/nosuch/image:1", "no such host"),
        ),
        ("docker.io/library/debian:none: not found", ImageMissing("debian:none")),
        (
            "nosuch/image:1: pull access denied, repository does not exist or may require authorization",
            ImageMissing("nosuch/image:1"),
        ),
        ("something new", BuildRefused("something new")),
    ],
)
def test_a_base_image_that_cannot_be_had_is_named(error, problem):
    text = f"#3 [internal] load metadata for docker.io/x/y:1\n#3 ERROR: {error}\n------\n------\n{error}\n"
    told = failure(shown(text)[0])
    assert isinstance(told, BuildFailed)
    assert told.problem == problem

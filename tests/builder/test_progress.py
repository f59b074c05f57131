"""BuildKit's plain progress, as its versions 0.8 (engine 20.10) and later print it, made readable."""

from __future__ import annotations

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

SUCCESS = """\
#1 [internal] load remote build context
#1 sha256:8c36de635992406b2ae72dbe143d88f63d62b212a5fd5b199763e617a46d11aa
#1 DONE 0.0s

#3 [internal] load metadata for docker.io/portside/base:debian-13
#3 DONE 0.0s

#4 [1/3] FROM docker.io/portside/base:debian-13
#4 CACHED

#6 [build 2/3] RUN --mount=type=cache,id=x,target=/c echo one; printf 'no newline'
#6 0.208 one
#6 0.410 no newline#6 DONE 0.4s

#9 [stage-1 3/3] COPY  source/  .
#9 DONE 0.1s

#10 exporting to image
#10 writing image sha256:11a3333b5ecd25d7e5929c9104ef56f60c730e66a132eeade8dfcb1517101d82 done
#10 DONE 0.0s
"""

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


def test_steps_and_their_output_are_shown_and_nothing_internal():
    assert shown(SUCCESS)[1] == [
        "[1/3] FROM portside/base:debian-13",
        "  CACHED",
        "[build 2/3] RUN echo one; printf 'no newline'",
        "  one",
        "  no newline",
        "[3/3] COPY source/ .",
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

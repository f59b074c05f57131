"""BuildKit's plain progress, as its versions 0.8 (engine 20.10) and later print it, made readable."""

from __future__ import annotations

import pytest

from builder import BuildFailed
from builder.buildkit import failure
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
    ("output", "hint"),
    [
        ("  x No solution found when resolving dependencies:", "A dependency with that version can't be had"),
        ("error: command 'gcc' failed: No such file or directory", "A dependency has no ready-made wheel"),
        ("Temporary failure in name resolution", "The server has no way to the network"),
        ("anything else", "The lines above say why."),
    ],
)
def test_known_troubles_have_their_hint(output, hint):
    text = f"#6 [2/2] RUN x\n#6 0.1 {output}\n#6 ERROR: executor failed running [x]: exit code: 1\n"
    told = failure(shown(text)[0])
    assert isinstance(told, BuildFailed)
    assert told.hint.startswith(hint)


def test_a_step_killed_for_memory_says_so():
    text = "#6 [2/2] RUN x\n#6 ERROR: executor failed running [x]: exit code: 137\n"
    assert str(failure(shown(text)[0])).startswith("`RUN x` was killed: the build ran out of memory.")


def test_a_very_long_step_is_cut():
    text = f"#6 [2/2] RUN {'word ' * 100}\n#6 ERROR: executor failed running [x]: exit code: 1\n"
    assert len(failure(shown(text)[0]).args[0]) < 220


def test_an_engine_that_is_down_is_not_the_apps_fault():
    text = "failed to dial gRPC: cannot connect to the Docker daemon. Is 'docker daemon' running on this host?"
    assert isinstance(failure(shown(text)[0]), Unavailable)


def test_a_base_image_that_cannot_be_had_is_named():
    error = 'failed to do request: Head "https://h/v2/nosuch/image/manifests/1": no such host'
    text = f"#3 [internal] load metadata for docker.io/nosuch/image:1\n#3 ERROR: {error}\n------\n------\n{error}\n"
    assert failure(shown(text)[0]).args[0] == f"The Dockerfile can't be built: {error}"

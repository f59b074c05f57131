"""`docker build` with BuildKit: a tar stream in, an image under a name out."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

from builder.engine import Engine
from builder.failures import problem_of
from builder.limits import Limiter, over_memory
from builder.problems import failed
from builder.progress import Line, Progress
from builder.stage_times import StageTimes
from core import clock, timing
from core.errors import Unavailable


class BuildKit:
    """The builder inside the engine."""

    def __init__(self, engine: Engine, limiter: Limiter) -> None:
        self._engine = engine
        self._limiter = limiter

    def build(
        self,
        context: Iterator[bytes],
        name: str,
        on_line: Callable[[Line], None],
        deadline_s: float,
        stopped: Callable[[], BaseException | None],
        *,
        dockerfile: str = "Dockerfile",
        target: str = "",
        secrets: Mapping[str, bytes] | None = None,
        cached: bool = True,
        timed: bool = False,
        cache_owner: str = "",
        arguments: Mapping[str, str] | None = None,
    ) -> str:
        """Build `context` and name the result; gives the image id.

        `dockerfile` is its path in the context, `target` the stage to build ("": the last). `secrets`: what a RUN can
        mount, by id; each is in no layer, no argv and on no disk. `cached=False` runs every step anew.
        `timed`: how long each step took is a part of the story that is told (`core.timing`).
        Cache mounts (RUN --mount=type=cache) are shared by the builds of one `cache_owner`, and by no other
        (https://docs.docker.com/reference/dockerfile/#buildkit-built-in-build-args). `arguments`: values of
        the Dockerfile's ARGs.
        Raises BuildFailed with the reason, what `stopped` gives, or DeadlineExceeded.
        """
        progress, times = Progress(), StageTimes()

        def show(line: str) -> None:
            times.feed(line, clock.now())
            for readable in progress.feed(line):
                on_line(readable)

        with ExitStack() as files, self._limiter.watching():
            options = ["--progress=plain", "--file", dockerfile, "--tag", name]
            options += ["--target", target] if target else []
            for secret_id, content in (secrets or {}).items():
                options += ["--secret", f"id={secret_id},src={files.enter_context(_in_memory(content))}"]
            options += [] if cached else ["--no-cache"]
            own = {"BUILDKIT_CACHE_MOUNT_NS": cache_owner} if cache_owner else {}
            options += [f"--build-arg={name}={value}" for name, value in {**own, **(arguments or {})}.items()]
            code = self._engine.stream(
                "build", *options, "-", on_line=show, stdin=context, deadline_s=deadline_s, stopped=stopped
            )
        for step in times if timed else ():
            timing.add(step.name, step.began, step.ended)
        image_id = self._engine.image_id(name) if code == 0 else None
        if image_id is None:
            raise failure(progress, self._limiter.limits.memory_mb if self._limiter.holds else None)
        return image_id


def as_exports(values: Mapping[str, str]) -> bytes:
    """Variables as a file that a shell can source."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items()).encode()


@contextmanager
def _in_memory(content: bytes) -> Iterator[str]:
    """A path that the docker client can open and that is memory of this process, gone when it is."""
    descriptor = os.memfd_create("secret")
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(content)
        yield f"/proc/{os.getpid()}/fd/{descriptor}"
    finally:
        os.close(descriptor)


def failure(progress: Progress, memory_mb: int | None = None) -> Exception:
    """What to tell about a build that ended with an error; `memory_mb` is what each step may use, None for no limit."""
    if memory_mb is not None and (over := over_memory(progress, memory_mb)):
        return over
    if "annot connect to the Docker daemon" in progress.failure:
        return Unavailable("The Docker Engine does not answer.", "See `portside-server doctor`.")
    return failed(problem_of(progress))

"""`docker build` with BuildKit: a tar stream in, an image under a name out."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from textwrap import shorten

from builder.engine import Engine
from builder.limits import Limiter, over_memory
from builder.progress import Line, Progress
from builder.types import BuildFailed
from core.errors import Unavailable

_LONE = re.compile(
    r"failed to solve(?: with frontend [\w.-]+)?: |failed to create LLB definition: |rpc error: .*? desc = "
)
LONGEST_STEP = 160


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
        secret: Mapping[str, str] | None = None,
        cached: bool = True,
        cache_owner: str = "",
    ) -> str:
        """Build `context` and name the result; gives the image id.

        `dockerfile` is its path in the context. `secret` becomes a file of `export NAME=value` lines that a RUN can
        mount as the secret `config`; it is in no layer, no argv and on no disk. `cached=False` runs every step anew.
        Cache mounts (RUN --mount=type=cache) are shared by the builds of one `cache_owner`, and by no other
        (https://docs.docker.com/reference/dockerfile/#buildkit-built-in-build-args).
        Raises BuildFailed with the reason, what `stopped` gives, or DeadlineExceeded.
        """
        progress = Progress()

        def show(line: str) -> None:
            for readable in progress.feed(line):
                on_line(readable)

        with _secret_file(secret or {}) as path, self._limiter.watching():
            options = ["--progress=plain", "--file", dockerfile, "--tag", name]
            options += ["--secret", f"id=config,src={path}"] if path else []
            options += [] if cached else ["--no-cache"]
            options += ["--build-arg", f"BUILDKIT_CACHE_MOUNT_NS={cache_owner}"] if cache_owner else []
            code = self._engine.stream(
                "build", *options, "-", on_line=show, stdin=context, deadline_s=deadline_s, stopped=stopped
            )
        image_id = self._engine.image_id(name) if code == 0 else None
        if image_id is None:
            raise failure(progress, self._limiter.limits.memory_mb if self._limiter.holds else None)
        return image_id


@contextmanager
def _secret_file(values: Mapping[str, str]) -> Iterator[str | None]:
    """A path that the docker client can open and that is memory of this process, gone when it is."""
    if not values:
        yield None
        return
    descriptor = os.memfd_create("config")
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write("".join(f"export {name}={shlex.quote(value)}\n" for name, value in values.items()).encode())
        yield f"/proc/{os.getpid()}/fd/{descriptor}"
    finally:
        os.close(descriptor)


def failure(progress: Progress, memory_mb: int | None = None) -> Exception:
    """What to tell about a build that ended with an error; `memory_mb` is what each step may use, None for no limit."""
    if memory_mb is not None and (over := over_memory(progress, memory_mb)):
        return over
    reason = _LONE.sub("", progress.failure) or "docker build ended without saying why"
    output = "\n".join(progress.tail)
    step = shorten(progress.failed_step, LONGEST_STEP, placeholder=" …")
    if "annot connect to the Docker daemon" in reason:
        return Unavailable("The Docker Engine does not answer.", "See `portside-server doctor`.")
    if progress.exit_code == 137:
        return BuildFailed(f"`{step}` was killed: the build ran out of memory.", "Build with less at once.")
    if progress.exit_code is not None:
        message = f"`{step}` ended with exit code {progress.exit_code}."
        return BuildFailed(message, hint_for(output))
    if match := re.search(r'"(/[^"]*)"(?:: | )not found', reason):
        missing = match[1].removeprefix("/source").removeprefix("/")
        message = f"`{step}`: there is no {missing} in the commit."
        return BuildFailed(message, f"Is it committed, and not in .dockerignore? git add {missing}")
    return BuildFailed(f"The Dockerfile can't be built: {reason}", "Mend it, commit and push again.")


def hint_for(output: str) -> str:
    """What to do about a failed RUN, told from its output."""
    if re.search(r"No solution found|no version of|not found in the package registry|No matching distribution", output):
        return "A dependency with that version can't be had: check its name and version."
    if re.search(
        r"[`']?(gcc|cc|clang|cargo|rustc|pg_config)[`']?:? .*(not found|No such file|failed)|No such file.*'(cc|gcc)'",
        output,
    ):
        return (
            "A dependency has no ready-made wheel for Python 3.13 and wants a compiler: "
            "pin a version that has one (psycopg2-binary for psycopg2), or bring a Dockerfile."
        )
    if re.search(r"Temporary failure in name resolution|dns error|Could not resolve", output):
        return "The server has no way to the network from inside builds: see `portside-server doctor`."
    return "The lines above say why. Mend it, commit and push again."

"""What went wrong in a Dockerfile's steps, from what BuildKit said."""

from __future__ import annotations

from dataclasses import dataclass

from builder.problems.base import AGAIN, Problem
from core.reports import Report


@dataclass(frozen=True)
class StepFailed(Problem):
    """A RUN that ended with an exit code."""

    step: str
    exit_code: int
    last_line: str

    words = (
        "`{step}` ended with exit code {exit_code}.",
        "{last_line}",
        "exit code 0",
        "Mend what its output above names, " + AGAIN,
    )


@dataclass(frozen=True)
class StepKilled(Problem):
    """A RUN that was killed, which in a build means: for its memory. `memory_mb` is the limit, 0: not known."""

    step: str
    memory_mb: int = 0

    def report(self) -> Report:
        raise_it = f", or allow builds more on the server: PORTSIDE_BUILDER_BUILD_MEMORY_MB={self.memory_mb * 2}"
        why = f"it used more than {self.memory_mb} MB of memory" if self.memory_mb else "the build ran out of memory"
        return Report(
            f"`{self.step}` was killed: {why}.",
            f"more than {self.memory_mb} MB in use" if self.memory_mb else "exit code 137, as of SIGKILL",
            f"at most {self.memory_mb} MB" if self.memory_mb else "a build that fits in its memory",
            f"Build with less at once (fewer jobs in parallel){raise_it if self.memory_mb else ''}, {AGAIN}",
        )


@dataclass(frozen=True)
class StepCommandMissing(Problem):
    """A RUN whose program is not in the image."""

    step: str
    program: str

    words = (
        "`{step}` needs {program}, which is not in the image.",
        "no program named {program}",
        "a program that the base image has, or that an earlier step installs",
        "Check its name, or install it in the Dockerfile before this step, " + AGAIN,
    )


@dataclass(frozen=True)
class StepNotExecutable(Problem):
    """A RUN whose program is there and may not be run."""

    step: str
    program: str

    words = (
        "`{step}` may not run {program}.",
        "{program} without the right to execute",
        "a file that is executable in git",
        "git update-index --chmod=+x {program}, " + AGAIN,
    )


@dataclass(frozen=True)
class NoNetwork(Problem):
    """Something in the build could not reach the network."""

    step: str
    said: str

    words = (
        "`{step}` could not reach the network.",
        "{said}",
        "a way from inside builds to where the dependencies are",
        "Push again; if it stays so, `portside-server doctor` on the server says why.",
    )


@dataclass(frozen=True)
class CopyMissing(Problem):
    """A COPY or ADD of what is not in the context. `ignored_by` and `submodule` say why, when one is the reason."""

    step: str
    path: str
    ignored_by: str = ""
    submodule: str = ""
    near: str = ""

    def report(self) -> Report:
        title = f"`{self.step}` copies {self.path}, which is not in the commit."
        found, todo = f"no {self.path}", f"git add {self.path}, {AGAIN}"
        if self.ignored_by:
            title = f"`{self.step}` copies {self.path}, which {self.ignored_by} leaves out."
            found, todo = (
                f"a pattern in {self.ignored_by} that matches {self.path}",
                f"Add !{self.path} at its end, {AGAIN}",
            )
        elif self.submodule:
            found = f"the git submodule {self.submodule}; submodules do not travel with a push"
            todo = f"Put its files into the repository itself, {AGAIN}"
        elif self.near:
            found, todo = self.near, f"Is {self.near} meant? Change one of the two names, {AGAIN}"
        return Report(title, found, f"{self.path} in the build", todo)


@dataclass(frozen=True)
class DockerfileSyntax(Problem):
    """A Dockerfile that BuildKit can't read. `line` 0: not told. `text` is that line."""

    reason: str
    line: int = 0
    text: str = ""
    meant: str = ""

    def report(self) -> Report:
        where = f"line {self.line}: " + (f"`{self.text}`: " if self.text else "") if self.line else ""
        todo = f"Is {self.meant} meant? Mend line {self.line}" if self.meant else "Mend it"
        return Report(
            "The Dockerfile can't be read.",
            where + self.reason,
            "the instructions of https://docs.docker.com/reference/dockerfile/",
            f"{todo}, {AGAIN}",
        )


@dataclass(frozen=True)
class ImageMissing(Problem):
    """A base image that its registry does not have, or not for us."""

    image: str

    words = (
        "The base image {image} can't be had.",
        "its registry has no such image, or not for everyone",
        "an image that can be pulled without signing in, or the name of an earlier stage",
        "Check the name and the tag (docker pull {image}), " + AGAIN,
    )


@dataclass(frozen=True)
class ImageUnreachable(Problem):
    """A base image whose registry does not answer."""

    image: str
    said: str

    words = (
        "The base image {image} can't be had: its registry does not answer.",
        "{said}",
        "a registry in reach, an image that this server holds, or the name of an earlier stage",
        "Check the name; `docker images` on the server lists what it holds, " + AGAIN,
    )


@dataclass(frozen=True)
class DiskFull(Problem):
    """No space was left on the server's disk."""

    step: str

    words = (
        "There is no space left on the server's disk.",
        "`{step}` could not write",
        "room for the image and its layers",
        "Free some: `portside-server gc` on the server, then push again.",
    )


@dataclass(frozen=True)
class NoStartCommand(Problem):
    """An image without CMD and ENTRYPOINT, and no Procfile."""

    words = (
        "The image says nothing of what to run.",
        "no CMD, no ENTRYPOINT and no Procfile",
        "one of the three",
        "Add a CMD to the Dockerfile, or a Procfile with a line such as: web: ./server, " + AGAIN,
    )


@dataclass(frozen=True)
class BuildRefused(Problem):
    """BuildKit gave a reason that none of the others covers."""

    reason: str

    words = ("The Dockerfile can't be built.", "{reason}", "a build that ends well", "Mend it, " + AGAIN)

"""What is wrong with what an app says of its own Dockerfile."""

from __future__ import annotations

from dataclasses import dataclass

from builder.problems.base import AGAIN, Problem
from core.reports import Report


@dataclass(frozen=True)
class DockerfileMissing(Problem):
    """portside.toml names a Dockerfile that is not in the commit. `has`: files that may be Dockerfiles."""

    path: str
    near: str
    has: tuple[str, ...]

    def report(self) -> Report:
        meant = f"Is {self.near} meant? Write that into portside.toml" if self.near else f"git add --force {self.path}"
        return Report(
            f"portside.toml names {self.path}, which is not in the commit.",
            f"{', '.join(self.has)}" if self.has else "no Dockerfile in any folder",
            f"{self.path}, committed",
            f"{meant}, {AGAIN}",
        )


@dataclass(frozen=True)
class StageMissing(Problem):
    """The target that portside.toml names is no stage of the Dockerfile."""

    path: str
    target: str
    stages: tuple[str, ...]

    def report(self) -> Report:
        has = f"the stages {', '.join(self.stages)}" if self.stages else "no stage with a name"
        return Report(
            f"{self.path} has no stage {self.target}.",
            has,
            f"a line such as: FROM debian AS {self.target}",
            f"Mend `target` under [build] in portside.toml, {AGAIN}",
        )


@dataclass(frozen=True)
class BuildSecretUnset(Problem):
    """Config variables that the build wants as secrets, and that the app's config has not."""

    names: tuple[str, ...]

    def report(self) -> Report:
        several = len(self.names) > 1
        return Report(
            f"The build wants {'secrets' if several else 'a secret'} that the app's config has not.",
            f"no {', '.join(self.names)}",
            "each of `secrets` under [build] in portside.toml, set as a config variable",
            f"portside config:set {' '.join(f'{name}=…' for name in self.names)}, then push again.",
        )

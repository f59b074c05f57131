"""One app of a test: its repository, its pushes and its answers, as its owner sees them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.background import Background
from tests.live import BIN, Done, LivePlatform
from tests.traces import LABEL


@dataclass(frozen=True)
class Container:
    """A container of an app as the engine lists it."""

    id: str
    process: str
    version: int


@dataclass(frozen=True)
class Site:
    """An app made from the fixture `accept_site`, which answers with what it is made of."""

    platform: LivePlatform
    name: str
    folder: Path

    def write(self, words: str, file: str = "words") -> str:
        """Commit `words` as the text of a file; the commit."""
        (self.folder / file).write_text(f"{words}\n")
        return self.platform.commit(self.folder, words.splitlines()[0])

    def build_also(self, instruction: str) -> str:
        """Commit one more instruction of the Dockerfile, before the rest; the commit.

        It runs: the variable before it is another one in each app, so that nothing is found in the engine's cache.
        """
        base, rest = (self.folder / "Dockerfile").read_text().split("\n", 1)
        return self.write(f"{base}\nENV SITE={self.name}\n{instruction}\n{rest}".rstrip(), "Dockerfile")

    def start_with(self, command: str) -> str:
        """Commit another command for `web`; the commit."""
        return self.write(f"web: {command}", "Procfile")

    def git(self, *arguments: str) -> Done:
        return self.platform.git(self.folder, *arguments)

    def push(self, *arguments: str) -> Done:
        return self.platform.push(self.folder, *arguments)

    def pushing(self) -> Background:
        """`git push portside main`, which goes on while the test does something else."""
        return Background(["git", "push", "portside", "main"], self.platform.people, self.folder)

    def cli(self, *arguments: str) -> Done:
        """`portside …` in the app's folder."""
        return self.platform.cli(*arguments, cwd=self.folder)

    def running(self, *arguments: str) -> Background:
        """`portside …`, which goes on while the test does something else."""
        return Background([str(BIN / "portside"), *arguments], self.platform.people, self.folder)

    def answer(self, path: str = "/") -> dict[str, str]:
        """The facts that the app answers with."""
        response = self.platform.get(self.name, path)
        assert response.status_code == 200, response.text
        return dict(line.split("=", 1) for line in response.text.splitlines())

    def branch(self, name: str = "main") -> str:
        """Where the branch is on the server; empty when it is not there."""
        return self.git("ls-remote", "portside", f"refs/heads/{name}").output.partition("\t")[0]

    def versions(self) -> list[tuple[object, object]]:
        """(version, status) of the releases, the newest first."""
        return [(release["version"], release["status"]) for release in self.platform.releases(self.name)]

    def containers(self) -> list[Container]:
        """The running containers of the app."""
        engine = self.platform.engine()
        try:
            found = engine.containers.list(ignore_removed=True, filters={"label": f"{LABEL}={self.platform.name}"})
            return [
                Container(str(one.id), one.labels["portside.process"], int(one.labels["portside.version"]))
                for one in found
                if str(one.name).startswith(f"{self.name}.")
            ]
        finally:
            engine.close()

"""What measuring takes: a platform with the settings of production, apps on it, a clock that stops at an answer."""

from __future__ import annotations

import dataclasses
import http.client
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import docker

from accounts import Identity
from builder import BuilderSettings
from core.platform import PlatformSettings
from gitreceiver import ReceiverSettings
from releases import ReleaseSettings
from scheduler import SchedulerSettings
from server.platform import Platform, compose
from tests.live import FAST, Done, LivePlatform
from tests.traces import LABEL

APPS = Path(__file__).parent / "apps"
SECTIONS: Mapping[str, type[Any]] = {
    "SCHEDULER_": SchedulerSettings,
    "RELEASES_": ReleaseSettings,
    "RECEIVER_": ReceiverSettings,
    "": PlatformSettings,
}
DOCKER = BuilderSettings().docker
LOOK_EVERY_S = 0.01  # as the scripts of the reference
PATIENCE_S = 120.0
_words = count(1)


def defaults_of(names: Iterable[str]) -> dict[str, object]:
    """The defaults of settings named as in the environment, without PORTSIDE_: what tests set short, as it ships."""
    return {name: _default(name) for name in names}


def _default(name: str) -> object:
    for prefix, settings in SECTIONS.items():
        for each in dataclasses.fields(settings):
            if name == f"{prefix}{each.name.upper()}":
                return each.default
    raise LookupError(f"no setting is called {name}")


class Bed:
    """A platform of the bench's own, set as in production but for `settings`. `start`, then measure, then `end`."""

    def __init__(self, is_full: bool = False, **settings: object) -> None:
        self.platform = LivePlatform(**{**defaults_of(FAST), **settings})
        self.is_full = is_full

    def start(self) -> None:
        self.platform.start()

    @contextmanager
    def with_settings(self, **settings: object) -> Iterator[None]:
        """For the block, run the platform with these settings, named as in the environment without PORTSIDE_."""
        changed = {f"PORTSIDE_{name}": str(value) for name, value in settings.items()}
        before = {name: self.platform.environ[name] for name in changed}
        self._again(changed)
        try:
            yield
        finally:
            self._again(before)

    def _again(self, environ: Mapping[str, str]) -> None:
        must(self.platform.server("stop", "--all"))
        self.platform.environ.update(environ)
        must(self.platform.server("up"))

    def end(self) -> None:
        """Leave nothing on the machine."""
        self.platform.end()

    @cached_property
    def parts(self) -> Platform:
        """The platform's own front doors, for records by the thousand."""
        return compose(self.platform.environ)

    @cached_property
    def owner(self) -> Identity:
        return next(user for user in self.parts.accounts.users() if user.email == self.platform.email)

    @cached_property
    def token(self) -> str:
        return self.parts.accounts.issue_token(self.owner.user_id, "bench")[1]

    @cached_property
    def language_image(self) -> str:
        """The newest image for Python apps in this engine; made by a push of one when there is none."""
        if not self._language_images():
            must(self.app("hundred_ms").push())
        return self._language_images()[0]

    def _language_images(self) -> list[str]:
        engine = docker.from_env()
        try:
            return [tag for image in engine.images.list(name="portside/python") for tag in image.tags]
        finally:
            engine.close()

    def app(self, kind: str | Path) -> BenchApp:
        """A new app from `bench/apps/KIND`, or from another folder; not pushed yet."""
        name, folder = self.platform.app(APPS / kind)
        recipe = folder / "Dockerfile"
        if recipe.exists():
            recipe.write_text(recipe.read_text().replace("FROM LANGUAGE_IMAGE", f"FROM {self.language_image}"))
            self.platform.commit(folder, "base image")
        return BenchApp(self.platform, name, folder)

    def image_of(self, app: BenchApp) -> str:
        """The id of the image that the app's instance runs."""
        engine = docker.from_env()
        try:
            running = engine.containers.list(ignore_removed=True, filters={"label": f"{LABEL}={self.platform.name}"})
            return next(str(one.attrs["Image"]) for one in running if str(one.name).startswith(f"{app.name}."))
        finally:
            engine.close()

    def remove_container(self, container_id: str, *images: str) -> None:
        """Remove a container that was started by hand, and images that were built by hand."""
        engine = docker.from_env()
        try:
            engine.containers.get(container_id).remove(force=True)
        finally:
            engine.close()
        self.remove_images(*images)

    def remove_images(self, *images: str) -> None:
        """Remove images that were built by hand."""
        engine = docker.from_env()
        try:
            for image in images:
                engine.images.remove(image, force=True)
        finally:
            engine.close()


@dataclass(frozen=True)
class BenchApp:
    """One app of the bench and its repository."""

    platform: LivePlatform
    name: str
    folder: Path

    @property
    def host(self) -> str:
        return f"{self.name}.localhost"

    def change(self) -> str:
        """Commit a change of one file; the words that the app `instant` then answers."""
        words = f"words {next(_words)} of {self.name}"
        (self.folder / "words.txt").write_text(words)
        self.platform.commit(self.folder, words)
        return words

    def push(self, *arguments: str) -> Done:
        return self.platform.push(self.folder, *arguments)

    def pushing(self) -> subprocess.Popen[bytes]:
        """`git push portside main`, which goes on meanwhile. What it says is kept beside the repository."""
        with self.folder.with_suffix(".push").open("wb") as said:
            return subprocess.Popen(
                ["git", "push", "portside", "main"],
                cwd=self.folder,
                env=self.platform.people,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
            )

    def said(self) -> str:
        """What the last `pushing` said."""
        return self.folder.with_suffix(".push").read_text(errors="replace")

    def cli(self, *arguments: str) -> Done:
        return self.platform.cli(*arguments, cwd=self.folder)

    def answers(self, words: str, look_every_s: float = LOOK_EVERY_S) -> float:
        """Wait for the first 200 with these words at the router; the monotonic time at which it was there."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            if self._answer() == words:
                return time.monotonic()
            time.sleep(look_every_s)
        raise TimeoutError(f"{self.name} did not answer {words!r} within {PATIENCE_S:g} s")

    def _answer(self) -> str | None:
        connection = http.client.HTTPConnection("127.0.0.1", self.platform.http, timeout=10)
        try:
            connection.request("GET", "/", headers={"Host": self.host})
            response = connection.getresponse()
            return response.read().decode() if response.status == 200 else None
        finally:
            connection.close()

    def destroy(self) -> None:
        must(self.platform.cli("destroy", "--confirm", self.name))


def must(done: Done) -> Done:
    """The command when it went well; RuntimeError with its last words when not."""
    if done.code:
        raise RuntimeError(f"a command ended with {done.code}: {done.output.strip()[-500:]}")
    return done

"""The Docker Engine as the builder needs it: looking at images and naming them. (`buildkit.py` builds.)

Nothing of the Docker SDK gets past this module: its errors become `Unavailable` or an answer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import docker
from docker.errors import APIError, DockerException, ImageNotFound
from requests.exceptions import RequestException

from builder.disk import Layers, Usage
from builder.garbage import EngineImage
from builder.pushing import push
from builder.settings import BuilderSettings
from builder.still import remove_forgotten, still
from core.errors import Away, Unavailable, UserError
from core.process import stream


@dataclass(frozen=True)
class ImageFacts:
    """What is known of an image: its id, whether it says what to run, and its EXPOSEd TCP ports."""

    image_id: str
    runs_something: bool
    tcp_ports: tuple[int, ...]


class Engine:
    """One Docker Engine."""

    def __init__(self, settings: BuilderSettings) -> None:
        self._settings = settings

    @cached_property
    def _client(self) -> docker.DockerClient:
        url = self._settings.docker_host or os.environ.get("DOCKER_HOST") or "unix:///var/run/docker.sock"
        return docker.DockerClient(base_url=url, timeout=120)

    @property
    def environment(self) -> dict[str, str]:
        """The environment for `docker` commands, on top of the process's own."""
        names = {"DOCKER_BUILDKIT": "1", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1", "DOCKER_CLI_HINTS": "false"}
        return names | ({"DOCKER_HOST": self._settings.docker_host} if self._settings.docker_host else {})

    def command(self, *arguments: str) -> list[str]:
        """The argv of a `docker` command."""
        return [self._settings.docker, *arguments]

    def stream(
        self,
        *arguments: str,
        on_line: Callable[[str], None],
        stdin: Iterator[bytes] | None = None,
        deadline_s: float,
        stopped: Callable[[], BaseException | None],
    ) -> int:
        """Run a long `docker` command; its exit code. Raises what `stopped` gives, or DeadlineExceeded."""
        try:
            return stream(
                self.command(*arguments),
                on_line=on_line,
                stdin=stdin,
                env=self.environment,
                deadline_s=deadline_s,
                stopped=stopped,
            )
        except FileNotFoundError as error:
            message = f"The Docker client {self._settings.docker} is not there."
            raise UserError(message, "Set PORTSIDE_BUILDER_DOCKER to where it is.") from error

    def push(self, name: str, deadline_s: float, stopped: Callable[[], BaseException | None]) -> str:
        """Upload an image to the registry that its name begins with; "" or why it failed. Raises as `stream` does."""
        with self._answers():
            return push(self._client.api, name, deadline_s, stopped)

    def image_id(self, name: str) -> str | None:
        """The id ("sha256:…") of the image named by tag, digest or id; None when the engine does not hold it."""
        facts = self.facts(name)
        return None if facts is None else facts.image_id

    def facts(self, name: str) -> ImageFacts | None:
        """What the engine knows of an image, or None."""
        with self._answers():
            try:
                attributes = self._client.images.get(name).attrs
            except ImageNotFound:
                return None
        config: Mapping[str, object] = attributes.get("Config") or {}
        exposed = config.get("ExposedPorts")
        ports = sorted(_tcp_ports(exposed if isinstance(exposed, dict) else {}))
        return ImageFacts(attributes["Id"], bool(config.get("Cmd") or config.get("Entrypoint")), tuple(ports))

    def layers(self, image: str) -> Layers | None:
        """The layers of an image that the engine holds; None when it does not."""
        with self._answers():
            try:
                found = self._client.images.get(image)
                history = found.history()
            except ImageNotFound:
                return None
        digests = (found.attrs.get("RootFS") or {}).get("Layers") or ()
        return Layers(tuple(digests), tuple(int(step["Size"]) for step in reversed(history)))

    @cached_property
    def data_root(self) -> Path | None:
        """Where the engine keeps its data; None when that is not on this machine."""
        if not str(self._client.api.base_url).startswith("http+docker://"):
            return None
        with self._answers():
            path = Path(self._client.info()["DockerRootDir"])
        return path if path.is_dir() else None

    def read_files(self, image: str, paths: Iterable[str]) -> dict[str, bytes]:
        """Those of the files at `paths` that an image holds, none larger than 1 MiB; it must say what it runs."""
        with self._answers(), still(self._client.api, image) as container:
            found = {path: container.read(path) for path in paths}
        return {path: content for path, content in found.items() if content is not None}

    def with_environment(self, image: str, variables: Mapping[str, str], name: str) -> str:
        """An image like `image` with these variables in its environment, named `name`; gives its id."""
        with self._answers(), still(self._client.api, image) as container:
            return container.commit(variables, name)

    def remove_stills(self) -> None:
        """Remove what a process left that was killed while it read an image."""
        with self._answers():
            remove_forgotten(self._client.api)

    def tag(self, image: str, name: str) -> None:
        """Give `image` the further name `repository:tag`."""
        repository, _, tag = name.rpartition(":")
        with self._answers():
            self._client.api.tag(image, repository, tag)

    def untag(self, name: str) -> None:
        """Take a name off an image; with its last name the image goes, unless a container uses it."""
        with self._answers():
            try:
                self._client.api.remove_image(name)
            except ImageNotFound:
                return
            except APIError as error:
                if error.status_code != 409:  # in use by a container: it stays until that is gone
                    raise

    def names(self, repository: str) -> list[str]:
        """All `repository:tag` names that the engine holds."""
        with self._answers():
            images = self._client.api.images(name=repository)
        return [name for image in images for name in image.get("RepoTags") or () if name != "<none>:<none>"]

    def images(self) -> list[EngineImage]:
        """Every image that the engine holds, whosever it is."""
        with self._answers():
            found = self._client.api.images()
        return [
            EngineImage(
                image["Id"],
                tuple(name for name in image.get("RepoTags") or () if name != "<none>:<none>"),
                tuple(digest for digest in image.get("RepoDigests") or () if digest != "<none>@<none>"),
                datetime.fromtimestamp(image["Created"], UTC),
            )
            for image in found
        ]

    def usage(self) -> Usage:
        """What images and build caches take on the engine's disk. Looks at every volume too, so not for every push."""
        with self._answers():
            found = self._client.df()
        images = found.get("Images") or ()
        caches = [one for one in found.get("BuildCache") or () if not one.get("Shared")]
        return Usage(
            {image["Id"]: max(0, image["Size"] - max(0, image.get("SharedSize") or 0)) for image in images},
            sum(one["Size"] for one in caches),
            sum(one["Size"] for one in caches if not one.get("InUse")),
        )

    def layers_bytes(self) -> int:
        """What all images take on the engine's disk, shared layers counted once."""
        with self._answers():
            return int(self._client.df().get("LayersSize") or 0)

    def prune_build_cache(self, keep_bytes: int) -> int:
        """Let BuildKit drop what it used longest ago until `keep_bytes` are left; gives the bytes freed."""
        with self._answers():
            return int(self._client.api.prune_builds(keep_storage=keep_bytes, all=True).get("SpaceReclaimed") or 0)

    @contextmanager
    def _answers(self) -> Iterator[None]:
        try:
            yield
        except APIError as error:
            message = f"The Docker Engine does not answer as it should: {str(error)[:300]}"
            raise Unavailable(message, "See `portside-server doctor`.") from error
        except (DockerException, RequestException) as error:
            raise Away("The Docker Engine does not answer.", "See `portside-server doctor`.") from error


def _tcp_ports(exposed: Mapping[str, object]) -> Iterator[int]:
    for port in exposed:
        number, _, protocol = port.partition("/")
        if protocol in ("", "tcp") and number.isdigit():
            yield int(number)

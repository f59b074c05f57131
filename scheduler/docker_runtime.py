"""The Docker engine as a runtime: the one module that talks to the docker SDK.

The SDK's low-level client maps one call to one request (https://docker-py.readthedocs.io/en/stable/api.html), so
starting an instance costs the engine's own create and start and nothing else.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from docker import APIClient
from docker.errors import APIError, ImageNotFound, InvalidVersion, NotFound
from docker.types import LogConfig
from docker.utils import kwargs_from_env

from core.ids import AppId
from scheduler import docker_exec, docker_memory, docker_network, docker_pull, shell
from scheduler.docker_answers import inspected, listed
from scheduler.docker_attachment import DockerAttachment, attach
from scheduler.docker_errors import mapped, start_error
from scheduler.docker_streams import LABEL, DockerEndings, DockerOutput, listening_sockets
from scheduler.docker_volumes import DockerVolumes
from scheduler.runtime import (
    UNPRIVILEGED,
    Capacity,
    Container,
    ContainerOrder,
    Endings,
    Executed,
    Image,
    ImageGone,
    OutputLine,
    StartFailed,
    Stream,
    Terminal,
)
from scheduler.settings import SchedulerSettings

_IS_SO_ALREADY = re.compile("already paused|not paused|not running")
_CALL_TIMEOUT_S = 120
_MB = 1024 * 1024
_KEPT_LOG = LogConfig(type="local", config={"max-size": "10m", "max-file": "3"})


class DockerRuntime:
    """Runs containers on one engine, in a bridge network of Portside's own with traffic between containers off."""

    def __init__(self, settings: SchedulerSettings) -> None:
        self._settings = settings
        self._client: Any = None
        self._images: dict[str, Image] = {}
        self._opening = threading.Lock()
        self.volumes = DockerVolumes(settings, lambda: self._api, mapped)

    def prepare(self) -> None:
        with mapped():
            if self._api.networks(filters={"name": f"^{self._settings.network}$"}):
                return
            docker_network.make(self._api, self._settings, {f"{LABEL}.platform": self._settings.platform})

    def capacity(self) -> Capacity:
        with mapped():
            info = self._api.info()
        return Capacity(int(info["MemTotal"]) // _MB, float(info["NCPU"]))

    def image(self, image_id: str, image_ref: str) -> Image:
        why = ": it is in no registry"
        with mapped():
            found = self._images.get(image_id) or self._inspect_image(image_id) or self._inspect_image(image_ref)
            if found is None and image_ref:
                why = f": {docker_pull.pull(self._api, image_ref)}"
                found = self._inspect_image(image_ref)
        if found is None:
            raise StartFailed(
                f"The engine does not have the image {image_ref or image_id or '(none)'}, and it can't be pulled{why}.",
                "Is the registry running? See `portside-server doctor`.",
            )
        self._images[image_id] = found
        return found

    def start(self, order: ContainerOrder) -> str:
        with mapped():
            container_id = self._created(order, attached=False)
            with self._removed_unless_started(order, container_id):
                self._api.start(container_id)
        return container_id

    def open(self, order: ContainerOrder) -> DockerAttachment:
        with mapped():
            container_id = self._created(order, attached=True)
            with self._removed_unless_started(order, container_id):
                attachment = attach(self._api, container_id, order.terminal is not None)
                self._api.start(container_id)
        if order.terminal is not None:
            self.resize(container_id, order.terminal)
        return attachment

    def resize(self, container_id: str, terminal: Terminal) -> None:
        with mapped():
            try:
                self._api.resize(container_id, terminal.lines, terminal.columns)
            except APIError as error:
                if error.status_code not in (404, 409, 500):  # gone, or not running (500 in engines before 23)
                    raise

    def execute(self, container_id: str, argv: Sequence[str], timeout_s: float) -> Executed:
        found = self._tolerant(lambda api: api.inspect_container(container_id)) or {"Config": {}}
        launcher = (found["Config"].get("Labels") or {}).get(shell.LAUNCHER_LABEL, "")
        with mapped():
            return docker_exec.execute(self._api, container_id, shell.to_execute(argv, launcher), timeout_s)

    def look(self, container_id: str) -> Container | None:
        with mapped():
            try:
                found = self._api.inspect_container(container_id)
            except NotFound:
                return None
        return inspected(found, self._settings.network)

    def containers(self, app_id: AppId | None = None) -> list[Container]:
        wanted = [f"{LABEL}.platform={self._settings.platform}"]
        if app_id is not None:
            wanted.append(f"{LABEL}.app={app_id}")
        with mapped():
            found = self._api.containers(all=True, filters={"label": wanted})
        return [listed(one, self._settings.network) for one in found]

    def signal(self, container_id: str, name: str) -> None:
        self._tolerant(lambda api: api.kill(container_id, signal=name))

    def remove(self, container_id: str) -> None:
        self._tolerant(lambda api: api.remove_container(container_id, force=True, v=True))

    def pause(self, container_id: str) -> None:
        self._tolerant(lambda api: api.pause(container_id))

    def resume(self, container_id: str) -> None:
        self._tolerant(lambda api: api.unpause(container_id))

    def memory_mb(self, container_id: str) -> int | None:
        stats = self._tolerant(lambda api: api.stats(container_id, stream=False, one_shot=True))
        return docker_memory.held_mb(stats or {})

    def free_memory_mb(self) -> int | None:
        with mapped():
            return docker_memory.available_mb(str(self._api.base_url))

    def _tolerant(self, call: Callable[[Any], Any]) -> Any:
        """What the call gives; None if the container is gone, has ended, is being removed, or is that way already."""
        with mapped():
            try:
                return call(self._api)
            except APIError as error:
                if error.status_code not in (404, 409) and not _IS_SO_ALREADY.search(str(error)):
                    raise
            except InvalidVersion:  # an engine before 20.10 can't tell what memory is held
                pass
        return None

    def output(
        self, container_id: str, tail: int | None, after: OutputLine | None = None, follow: bool = False
    ) -> Stream:
        since = after.at.timestamp() if after else None
        with mapped():
            try:
                frames = self._api.logs(
                    container_id,
                    stream=True,
                    follow=follow,
                    timestamps=True,
                    tail="all" if tail is None else tail,
                    since=since,
                )
            except APIError as error:
                if error.status_code not in (404, 409):
                    raise
                frames = None
        return DockerOutput(frames, after)

    def listening(self, container_id: str) -> frozenset[tuple[str, int]]:
        with mapped():
            try:
                pid = self._api.inspect_container(container_id)["State"]["Pid"]
            except NotFound:
                return frozenset()
        return listening_sockets(pid)

    def endings(self) -> Endings:
        label = f"{LABEL}.platform={self._settings.platform}"
        with mapped():
            return DockerEndings(self._api.events(decode=True, filters={"event": "die", "label": label}))

    @property
    def _api(self) -> Any:
        with self._opening:
            if self._client is None:
                arguments: dict[str, Any] = {"version": "auto", "timeout": _CALL_TIMEOUT_S, "num_pools": 50}
                if self._settings.docker_host:
                    arguments["base_url"] = self._settings.docker_host
                else:
                    arguments |= kwargs_from_env()
                self._client = APIClient(**arguments)
            return self._client

    def _inspect_image(self, name: str) -> Image | None:
        if not name:
            return None
        try:
            found = self._api.inspect_image(name)
        except ImageNotFound:
            return None
        labels = found["Config"].get("Labels") or {}
        return Image(found["Id"], found["Config"].get("User") or "", labels.get(shell.LAUNCHER_LABEL, ""))

    def _created(self, order: ContainerOrder, attached: bool) -> str:
        try:
            return self._create(order, attached)
        except ImageNotFound as error:
            self._images.clear()
            raise ImageGone(f"The image of v{order.version} is gone from the engine.") from error
        except APIError as error:
            raise start_error(order, error) from error

    @contextmanager
    def _removed_unless_started(self, order: ContainerOrder, container_id: str) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self.remove(container_id)
            if isinstance(error, APIError):
                raise start_error(order, error) from error
            raise

    def _create(self, order: ContainerOrder, attached: bool) -> str:
        limits = self._api.create_host_config(
            network_mode=self._settings.network,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            init=True,
            mem_limit=f"{order.memory_mb}m",
            memswap_limit=f"{order.memory_mb}m",
            nano_cpus=int(order.cpus * 1e9),
            pids_limit=order.pids,
            log_config=LogConfig(type="none") if attached else _KEPT_LOG,
            mounts=self.volumes.mounts(order.mounts),
        )
        endpoint = self._api.create_endpoint_config(ipv4_address=order.address)
        runs: dict[str, Any] = {"environment": dict(order.env)}
        if order.command is not None:
            runs = shell.how_to_run(
                shell.sized(order.command, order.terminal), order.env, order.image.launcher, order.once
            )
        made = self._api.create_container(
            order.image.id,
            name=f"{order.app_name}.v{order.version}.{order.process}.{order.instance_id[:8]}",
            user=UNPRIVILEGED if order.image.is_root else None,
            labels=self._labels(order),
            host_config=limits,
            networking_config=self._api.create_networking_config({self._settings.network: endpoint}),
            use_config_proxy=False,
            stdin_open=attached,
            tty=order.terminal is not None,
            **runs,
        )
        return str(made["Id"])

    def _labels(self, order: ContainerOrder) -> dict[str, str]:
        values = {
            "platform": self._settings.platform,
            "app": order.app_id,
            "release": order.release_id,
            "version": str(order.version),
            "rollout": order.rollout,
            "instance": order.instance_id,
            "fence": str(order.fence),
            "process": order.process,
        }
        return {f"{LABEL}.{name}": value for name, value in values.items()}

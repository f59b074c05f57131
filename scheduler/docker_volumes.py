"""Named volumes of a Docker engine: made, given to an image's user, measured and deleted."""

from __future__ import annotations

import io
import shutil
import tarfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from docker.errors import APIError, NotFound
from docker.types import Mount

from core.ids import AppId
from scheduler.docker_streams import LABEL
from scheduler.image_users import ids_of
from scheduler.runtime import Image, Volume, VolumeGone, VolumeInUse, VolumeMount
from scheduler.settings import SchedulerSettings

_PARENT = "/portside-volume"
_ROOT = "data"
_MODE = 0o755
_MOST_READ_BYTES = 1_000_000


class DockerVolumes:
    """The volumes that carry this platform's label. `api` gives the engine's client, `mapped` maps its errors."""

    def __init__(
        self, settings: SchedulerSettings, api: Callable[[], Any], mapped: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._platform = settings.platform
        self._api = api
        self._mapped = mapped

    def make(self, name: str, app_id: AppId, image: Image) -> None:
        with self._mapped():
            labels = {f"{LABEL}.platform": self._platform, f"{LABEL}.app": app_id}
            self._api().create_volume(name, driver="local", labels=labels)
            self._give_root(name, image)

    def all(self, app_id: AppId | None = None) -> list[Volume]:
        wanted = [f"{LABEL}.platform={self._platform}"]
        if app_id is not None:
            wanted.append(f"{LABEL}.app={app_id}")
        with self._mapped():
            found = self._api().volumes(filters={"label": wanted})["Volumes"] or []
        return [Volume(one["Name"], AppId((one["Labels"] or {}).get(f"{LABEL}.app", ""))) for one in found]

    def sizes(self) -> Mapping[str, int]:
        with self._mapped():
            try:
                found = self._api().df()["Volumes"] or []
            except APIError:  # another measuring is under way: old engines do one at a time
                return {}
        known = {one["Name"]: (one.get("UsageData") or {}).get("Size", -1) for one in found}
        return {name: size for name, size in known.items() if size >= 0}

    def remove(self, name: str) -> None:
        with self._mapped():
            self._drop(_helper(name))
            try:
                self._api().remove_volume(name)
            except NotFound:
                return
            except APIError as error:
                if error.status_code != 409:
                    raise
                raise VolumeInUse(
                    "An instance that is ending still uses the volume.", "Try again in a minute."
                ) from error

    def free_bytes(self) -> int | None:
        with self._mapped():
            root = str(self._api().info().get("DockerRootDir") or "")
        try:
            return shutil.disk_usage(root).free
        except OSError:  # the engine is on another machine
            return None

    def mounts(self, wanted: Iterable[VolumeMount]) -> list[Mount]:
        """For creating a container. Raises VolumeGone where the engine would quietly make an empty volume instead."""
        found = []
        for mount in wanted:
            try:
                self._api().inspect_volume(mount.volume)
            except NotFound:
                raise VolumeGone(
                    f"The volume for {mount.path} is gone from this host, and its data with it: {mount.volume}.",
                    "Bring it back under that name, or give it up with `portside storage:unmount`.",
                ) from None
            found.append(Mount(mount.path, mount.volume, type="volume", no_copy=True))
        return found

    def _give_root(self, name: str, image: Image) -> None:
        """Let the engine unpack an archive of one folder over the volume's root: that sets its owner and mode.

        The container for it is made from the image and never started, so the image needs no shell and no program of
        it runs as root; what is in the volume is not touched.
        """
        api, helper = self._api(), _helper(name)
        self._drop(helper)
        limits = api.create_host_config(
            network_mode="none",
            cap_drop=["ALL"],
            mounts=[Mount(f"{_PARENT}/{_ROOT}", name, type="volume", no_copy=True)],
        )
        api.create_container(image.id, entrypoint=["none"], name=helper, host_config=limits, use_config_proxy=False)
        try:
            ids = ids_of(image.runs_as, self._read(helper, "/etc/passwd"), self._read(helper, "/etc/group"))
            if ids is not None:  # else the engine tells, when it starts an instance, that the image lacks that user
                api.put_archive(helper, _PARENT, _folder(*ids))
        finally:
            self._drop(helper)

    def _read(self, container: str, path: str) -> str:
        """A text file of the image; empty when it has none."""
        try:
            chunks, stat = self._api().get_archive(container, path)
        except NotFound:
            return ""
        if stat["size"] > _MOST_READ_BYTES:
            return ""
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as archive:
            member = archive.next()
            file = archive.extractfile(member) if member is not None and member.isfile() else None
            return "" if file is None else file.read().decode("utf-8", "replace")

    def _drop(self, container: str) -> None:
        try:
            self._api().remove_container(container, force=True)
        except NotFound:
            return


def _helper(volume: str) -> str:
    """The container that gives a volume to its owner; by this name the next try finds what a crash left of it."""
    return f"{volume}.owner"


def _folder(uid: int, gid: int) -> bytes:
    """A tar archive of one empty folder."""
    info = tarfile.TarInfo(_ROOT)
    info.type, info.mode, info.uid, info.gid = tarfile.DIRTYPE, _MODE, uid, gid
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.addfile(info)
    return packed.getvalue()

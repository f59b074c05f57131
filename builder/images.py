"""Release images: in the registry under `apps/APP_ID:vN`, and under the same name in the engine.

A release's image is the build's image with labels on it (app, release, commit). Labels are part of an image's config,
so each release has a digest of its own and can be forgotten without touching another that shares all its layers.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import update

from builder.engine import Engine
from builder.pulse import Pulse
from builder.registry import Manifest, Registry
from builder.settings import BuilderSettings
from builder.tables import BuildRow
from core.database import Database
from core.errors import NotFound, Unavailable
from core.ids import AppId
from core.leases import Leases

REGISTRY_RESTS = "registry-rests"  # the lease of who has stopped the registry for a while
LONGEST_REST_S = 600.0
VERSION_TAG = re.compile(r"^v([1-9]\d*)$")
LABEL_PREFIX = "portside."


class ImageStore:
    """The registry together with the engine's own store."""

    def __init__(self, database: Database, engine: Engine, registry: Registry, settings: BuilderSettings) -> None:
        self._database = database
        self._engine = engine
        self._registry = registry
        self._settings = settings
        self._leases = Leases(database)

    def publish(
        self,
        app_id: AppId,
        app_name: str,
        image_id: str,
        version: int,
        labels: Mapping[str, str],
        stopped: Callable[[], BaseException | None] = lambda: None,
    ) -> str:
        """Upload the engine's image `image_id` as release `version`; gives its pullable ref, by digest.

        Doing it again gives the same ref. Raises Unavailable when the registry does not answer, or what `stopped`
        gives.
        """
        self.upload(image_id, self._name(app_id, version), stopped)
        manifest, config = self._stored(app_id, f"v{version}")
        ref = self._put(app_id, manifest, config, version, _labels(app_id, app_name, version, labels))
        with self._database.write() as session:
            built = (BuildRow.app_id == app_id, BuildRow.image_id == image_id)
            session.execute(update(BuildRow).where(*built).values(ref=ref))
        return ref

    def republish(self, app_id: AppId, app_name: str, ref: str, version: int, labels: Mapping[str, str]) -> str:
        """Make an image that is in the registry already (`ref`) the image of another release: no layer moves.

        Raises NotFound when the registry no longer has it.
        """
        self._await_registry()
        manifest, config = self._stored(app_id, ref.rpartition("@")[2])
        earlier = _release_of(config)
        new_ref = self._put(app_id, manifest, config, version, _labels(app_id, app_name, version, labels))
        if earlier and self._engine.image_id(self._name(app_id, earlier)) is not None:
            self._engine.tag(self._name(app_id, earlier), self._name(app_id, version))
        return new_ref

    def restore(
        self,
        app_id: AppId,
        app_name: str,
        image_id: str,
        ref: str,
        version: int,
        labels: Mapping[str, str],
        stopped: Callable[[], BaseException | None] = lambda: None,
    ) -> str | None:
        """Publish a release's image again from the engine's copy, which the registry has lost; gives its ref, the same
        unless app or labels have another name now. None when the engine has no copy. Raises as `publish`."""
        copy = self._copy(image_id, ref)
        return None if copy is None else self.publish(app_id, app_name, copy, version, labels, stopped)

    def holds(self, image_id: str, ref: str) -> bool:
        """Whether the engine has a copy of the image from which `restore` could publish it again."""
        return self._copy(image_id, ref) is not None

    def has(self, ref: str, closely: bool = False) -> bool:
        """Whether the registry holds the image that `publish` gave as `ref`; `closely`: with every layer of it."""
        self._await_registry()
        repository, digest = self._place(ref)
        if not closely:
            return self._registry.digest(repository, digest) is not None
        try:
            manifest = self._registry.manifest(repository, digest)
        except NotFound:
            return False
        return all(self._registry.has_blob(repository, blob) for blob in manifest.blobs)

    def highest_version(self, app_id: AppId) -> int:
        """The highest release of the app that the registry knows; 0 for none."""
        self._await_registry()
        return max(self._versions(self._registry.tags(_repository(app_id))), default=0)

    def forget_release(self, app_id: AppId, version: int) -> None:
        """Take the image of one release out of the registry and the engine. Others that share layers stay."""
        self._await_registry()
        self._engine.untag(self._name(app_id, version))
        digest = self._registry.digest(_repository(app_id), f"v{version}")
        if digest is not None:
            self._registry.delete_manifest(_repository(app_id), digest)

    def forget_app(self, app_id: AppId) -> None:
        """Take all of an app's release images out of the registry and the engine."""
        self._await_registry()
        repository = _repository(app_id)
        for name in self._engine.names(f"{self._registry.host}/{repository}"):
            self._engine.untag(name)
        for version in self._versions(self._registry.tags(repository)):
            self.forget_release(app_id, version)

    def upload(self, image: str, name: str, stopped: Callable[[], BaseException | None] = lambda: None) -> None:
        """Name the engine's `image` and push it under that name: only layers that the registry lacks are sent."""
        self._await_registry()
        self._registry.check()
        self._engine.tag(image, name)
        with Pulse(self._registry.check).watched(stopped) as ended:
            reason = self._engine.push(name, self._settings.push_timeout_s, ended)
        if reason:
            self._registry.check()
            raise Unavailable(f"The image did not get into the registry: {reason}", "See `portside-server doctor`.")

    def fetch(self, ref: str, deadline_s: float, stopped: Callable[[], BaseException | None]) -> str | None:
        """Get a published image back into the engine; its id there, or None when the registry lacks it."""
        if not self.has(ref):
            return None
        said: list[str] = []
        with Pulse(self._registry.check).watched(stopped) as ended:
            if self._engine.stream("pull", ref, on_line=said.append, deadline_s=deadline_s, stopped=ended):
                return None
        return self._engine.image_id(ref)

    def name_of(self, repository: str, tag: str) -> str:
        """The whole name of an image in this registry."""
        return f"{self._registry.host}/{repository}:{tag}"

    def _await_registry(self) -> None:
        """While somebody has the registry stopped (`portside-server gc`), wait until it is back."""
        end = time.monotonic() + LONGEST_REST_S
        while self._leases.is_held(REGISTRY_RESTS) and time.monotonic() < end:
            time.sleep(0.1)

    def _copy(self, image_id: str, ref: str) -> str | None:
        """The name of the engine's copy: as it was built, or as it was pulled."""
        return next((name for name in (image_id, ref) if name and self._engine.image_id(name) is not None), None)

    def _place(self, ref: str) -> tuple[str, str]:
        """(repository, digest) of a ref."""
        repository, _, digest = ref.removeprefix(f"{self._registry.host}/").rpartition("@")
        return repository, digest

    def _name(self, app_id: AppId, version: int) -> str:
        return self.name_of(_repository(app_id), f"v{version}")

    def _stored(self, app_id: AppId, reference: str) -> tuple[Manifest, dict[str, Any]]:
        """The manifest and the config of an image in the registry."""
        repository = _repository(app_id)
        manifest = self._registry.manifest(repository, reference)
        return manifest, json.loads(self._registry.blob(repository, manifest.config_digest))

    def _put(
        self,
        app_id: AppId,
        manifest: Manifest,
        config: Mapping[str, object],
        version: int,
        labels: Mapping[str, str],
    ) -> str:
        """Put that image under the release's tag, with exactly these labels of Portside's on it."""
        repository = _repository(app_id)
        labelled = with_labels(config, labels)
        self._registry.put_blob(repository, labelled)
        digest = self._registry.put_manifest(repository, f"v{version}", manifest.with_config(labelled))
        return f"{self._registry.host}/{repository}@{digest}"

    def _versions(self, tags: list[str]) -> list[int]:
        return [int(match[1]) for tag in tags if (match := VERSION_TAG.match(tag))]


def with_labels(config: Mapping[str, object], labels: Mapping[str, str]) -> bytes:
    """An image config with Portside's labels replaced by `labels`; everybody else's stay."""
    inner = config.get("config")
    inner = dict(inner) if isinstance(inner, dict) else {}
    kept = {name: value for name, value in (inner.get("Labels") or {}).items() if not name.startswith(LABEL_PREFIX)}
    inner["Labels"] = kept | dict(labels)
    return json.dumps({**config, "config": inner}, sort_keys=True, separators=(",", ":")).encode()


def _release_of(config: Mapping[str, Any]) -> int | None:
    """The number of the release that an image was published for."""
    match = VERSION_TAG.match((config.get("config", {}).get("Labels") or {}).get(f"{LABEL_PREFIX}release", ""))
    return int(match[1]) if match else None


def _labels(app_id: AppId, app_name: str, version: int, labels: Mapping[str, str]) -> dict[str, str]:
    own = {"app": app_name, "app-id": app_id, "release": f"v{version}"}
    return {**labels, **{f"{LABEL_PREFIX}{name}": value for name, value in own.items()}}


def _repository(app_id: AppId) -> str:
    return f"apps/{app_id}"

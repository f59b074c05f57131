"""The builder: a source tree in, an image out; the same tree is never built twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from builder import packs
from builder.buildkit import BuildKit
from builder.choices import Choice, Choices
from builder.context import SOURCE_FOLDER
from builder.debian import DEFAULT, STACKS, Stack, stack_named
from builder.disk import Gauge, Took, new_layers_bytes
from builder.eject import DEBIAN, Recipe, decisions, dockerfile
from builder.eject import recipe as dockerfile_of
from builder.engine import Engine
from builder.explain import Plan, explain
from builder.failures import with_source
from builder.images import ImageStore
from builder.key import build_key, config_key
from builder.limits import Limiter
from builder.narrator import narrator
from builder.official import official_images
from builder.order import config_for, order
from builder.problems import failed
from builder.records import Cache, Records
from builder.release_file import what_runs, with_defaults
from builder.remotes import pinned
from builder.settings import BuilderSettings
from builder.stacks import LanguageImage, MakeBase, Stacks
from builder.tables import BuildRow
from builder.types import BuildFailed, BuildRequest, BuiltImage, Source
from builder.uploads import LARGEST_BYTES, Readable, TarSource
from core import timing
from core.database import Database
from core.errors import PortsideError
from core.ids import AppId
from core.logs import LogWriter
from core.secrets import Mask

Stopped = Callable[[], BaseException | None]
DEFAULT_PORT = 5000
_DROPPED_AT_ONCE = 10


@dataclass(frozen=True)
class _Recipe:
    """One build, decided: its key, the language image of each pack that has one by the pack's name, whose caches."""

    key: str
    config: dict[str, str]
    config_key: str
    bases: Mapping[str, str]
    base: str  # the one of the app's own pack, "" for an app's own Dockerfile
    cache: Cache


class Builder:
    """Builds apps. Safe to use from several threads."""

    LARGEST_UPLOAD_BYTES: ClassVar = LARGEST_BYTES
    STACKS: ClassVar = STACKS

    def __init__(
        self,
        database: Database,
        engine: Engine,
        settings: BuilderSettings,
        images: ImageStore,
        make_base: MakeBase | None = None,
    ) -> None:
        """`make_base` makes a stack's base image when the first app needs it; without it that is refused."""
        self._engine = engine
        self._settings = settings
        self._images = images
        self._records = Records(database)
        self.choices = Choices(database)
        self._buildkit = BuildKit(engine, Limiter(settings.limits))
        self._stacks = Stacks(engine, self._buildkit, settings, make_base)
        self._official = official_images(settings.official_images)

    def explain(self, source: Source, app_id: AppId | None = None) -> Plan:
        """How a source would be built, for a new app or as the app's choices are; raises BuildFailed."""
        choice = self.choices.of(app_id) if app_id else Choice()
        return explain(source, stack_named(choice.stack), choice.packs, self._official)

    def stack(self, name: str) -> Stack:
        """The stack of that name; raises UserError."""
        return stack_named(name)

    def receive(self, upload: Readable) -> TarSource:
        """The source in a tar, plain or gzipped; raises BadUpload. Close it."""
        return TarSource.receive(upload, self.LARGEST_UPLOAD_BYTES)

    def recipe(
        self,
        source: Source,
        app_id: AppId | None = None,
        app_name: str = "app",
        config: Mapping[str, str] | None = None,
    ) -> Recipe:
        """How a source would be built, each decision in a line, and its Dockerfile; raises BuildFailed."""
        plan = self.explain(source, app_id)
        ejected = dockerfile(plan, source, app_name, plan.stack.suite, config or {})
        return Recipe(plan.pack.name, decisions(plan, source, plan.stack.name), ejected)

    def build(self, request: BuildRequest, log: LogWriter, stopped: Stopped = lambda: None) -> BuiltImage:
        """The image of a source, built now or found; each step is told to `log`.

        Raises BuildFailed with the reason, what `stopped` gives (asked every 50 ms), or DeadlineExceeded.
        """
        log.hide(Mask(request.config.values()))
        with timing.step("detect"):
            plan = pinned(self.explain(request.source, request.app_id), request.config)
        log.step(plan.detected.headline)
        for line in plan.detected.details:
            log.detail(line)
        self._stacks.ensure_base(plan.stack, log.detail)
        recipe = self._recipe(plan, request)
        if not request.rebuild:
            earlier = self._reusable(request, recipe, stopped)
            if earlier is not None:
                log.step(f"Nothing changed since build {earlier.id[:8]}: reusing its image")
                return self._built(plan, earlier, reused=True)
        with timing.step("prepare"):
            self._prepare_language(plan, log, stopped)
        before = self._records.latest_image(request.app_id)
        row = self._records.begin(request, recipe.key, recipe.config_key, plan.pack.name)
        gauge = Gauge(self._engine.data_root)
        try:
            with timing.step("build"):
                row.image_id = self._run(plan, recipe, request, row.id, log, gauge.looking(stopped))
            built = self._built(plan, row, reused=False)
        except PortsideError as error:
            self._records.failed(row.id, error.message, gauge.took(0))
            raise
        self._records.succeeded(row.id, row.image_id, self._took(gauge, row.image_id, before or recipe.base))
        is_cold = before is None or request.rebuild or recipe.cache.is_empty
        return replace(built, cold=is_cold)

    def took(self, app_id: AppId, most: int) -> list[Took]:
        """What the app's latest builds took on the disk, the newest first."""
        return self._records.took(app_id, most)

    @property
    def data_root(self) -> Path | None:
        """Where the engine keeps images and build cache; None when that is not on this machine."""
        return self._engine.data_root

    def prepare_stacks(
        self, log_line: Callable[[str], None] = lambda line: None, stack_name: str = DEFAULT.name
    ) -> None:
        """Set-up: make the language images of a stack, and put their layers into the registry: no first push pays."""
        for pack in packs.AT_SET_UP:
            image = self._stacks.language_image(pack, stack_named(stack_name))
            image_id = self._stacks.prepare(image, log_line)
            log_line(f"Uploading {image.name} to the registry")
            name = self._images.name_of(f"stacks/{pack.name}", image.name.rpartition(":")[2])
            self._images.upload(image_id, name)
            self._engine.untag(name)  # the engine remembers where its layers are without it

    def drop_old_builds(self, app_id: AppId) -> None:
        """Give up the images of all builds but the newest few; releases have names of their own for theirs."""
        kept = self._settings.kept_builds
        for build_id in self._records.builds(app_id)[kept : kept + _DROPPED_AT_ONCE]:
            self._engine.untag(_name(build_id))

    def purge_cache(self, app_id: AppId) -> None:
        """Let the app's next build start with empty caches, even when nothing else has changed."""
        self._records.purge_cache(app_id)

    def forget_app(self, app_id: AppId) -> None:
        """Drop the app's build records and their images. (Its releases' images are the ImageStore's.)"""
        for build_id in self._records.builds(app_id):
            self._engine.untag(_name(build_id))
        self._records.forget(app_id)
        self.choices.forget(app_id)

    def _recipe(self, plan: Plan, request: BuildRequest) -> _Recipe:
        config = config_for(plan, request.config)
        bases = {pack.name: image.name for pack, image in self._language_images(plan)}
        bases |= {DEBIAN: self._stacks.base(plan.stack)} if bases else {}
        text = dockerfile_of(plan, bases, request.app_id, SOURCE_FOLDER, "") if plan.pack.template else ""
        cache = self._records.cache(request.app_id)
        owner, tree = AppId(cache.owner), request.source.tree_id
        key = build_key(owner, tree, f"{plan.pack.name}\n{text}", " ".join(bases.values()), config)
        return _Recipe(key, config, config_key(request.app_id, config), bases, bases.get(plan.pack.name, ""), cache)

    def _reusable(self, request: BuildRequest, recipe: _Recipe, stopped: Stopped) -> BuildRow | None:
        """The latest finished build of the same key whose image is in the engine, or can be had from the registry."""
        row = self._records.finished(request.app_id, recipe.key)
        if row is None or row.image_id is None:
            return None
        if self._engine.image_id(row.image_id) is not None:
            return row
        row.image_id = self._images.fetch(row.ref, request.deadline_s, stopped) if row.ref else None
        if row.image_id is None:
            return None
        self._engine.tag(row.image_id, _name(row.id))
        self._records.moved(row.id, row.image_id)
        return row

    def _prepare_language(self, plan: Plan, log: LogWriter, stopped: Stopped) -> None:
        for _, image in self._language_images(plan):
            self._stacks.prepare(image, log.detail, stopped)

    def _language_images(self, plan: Plan) -> Iterator[tuple[packs.Pack, LanguageImage]]:
        for pack in plan.packs:
            if pack.language_image is not None:
                yield pack, self._stacks.language_image(pack, plan.stack, plan.official if pack is plan.pack else "")

    def _run(
        self, plan: Plan, recipe: _Recipe, request: BuildRequest, build_id: str, log: LogWriter, stopped: Stopped
    ) -> str:
        """Hand the context to BuildKit; gives the image id."""
        stamp = self._records.config_stamp(request.app_id, recipe.config_key)
        ordered = order(plan, recipe.bases, request, recipe.config, stamp)
        try:
            image_id = self._buildkit.build(
                ordered.context,
                _name(build_id),
                narrator(plan, log),
                min(request.deadline_s, self._settings.build_timeout_s),
                stopped,
                dockerfile=ordered.dockerfile,
                target=ordered.target,
                timed=True,
                secrets=ordered.secrets,
                cached=not (request.rebuild or recipe.cache.is_empty),
                cache_owner=recipe.cache.owner,
                arguments=ordered.arguments,
            )
        except BuildFailed as error:
            own = plan.detected.own
            more = with_source(error.problem, request.source, plan.ignore, own.path if own else "Dockerfile")
            raise (failed(more) if more else error) from error
        return with_defaults(self._engine, plan, image_id, _name(build_id), log)

    def _built(self, plan: Plan, row: BuildRow, reused: bool) -> BuiltImage:
        """What came out; raises BuildFailed when nothing says what the image runs."""
        assert row.image_id is not None
        facts = self._engine.facts(row.image_id)
        processes = what_runs(self._engine, plan, row.image_id, facts)
        ports = facts.tcp_ports if facts else ()
        port = ports[0] if len(ports) == 1 else DEFAULT_PORT
        health, overlap = plan.manifest.healthchecks, plan.manifest.overlap
        made = (row.id, row.image_id, processes, port, health, plan.pack.name, reused, plan.stack.name)
        more = (plan.manifest.quantities, plan.manifest.sizes, plan.manifest.cron, plan.manifest.shrink)
        return BuiltImage(*made, False, overlap, plan.manifest.resting, plan.manifest.trial, *more)

    def _took(self, gauge: Gauge, image_id: str, known: str) -> Took:
        """What a build took, its image's layers reckoned above those of the image named `known`."""
        made, earlier = self._engine.layers(image_id), self._engine.layers(known) if known else None
        return gauge.took(new_layers_bytes(made, [earlier] if earlier else []) if made else 0)


def _name(build_id: str) -> str:
    return f"portside/build:{build_id}"

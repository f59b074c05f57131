"""`portside-server gc`: gives back the space of what nobody needs, never what a kept release does."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta

from core import clock
from core.edge import contained
from core.errors import Conflict, PortsideError
from core.settings import read
from server import ballast
from server.platform import Platform
from server.progress import Progress
from server.registry_cleaning import clean_registry, wake_registry
from server.site import Site
from server.sweeps import Sweeps

MB = 1_000_000
LEASE = "gc"
STAMP = "gc.done"
AT_MOST_EVERY = timedelta(hours=12)
AT_LEAST_EVERY = timedelta(hours=36)


@dataclass(frozen=True)
class GcSettings:
    """Section `gc`. `hour`: of the day (UTC) at which the nightly run begins. `log_days`: how long the log of a build
    is kept whose release can't be brought back any more."""

    hour: int = 3
    log_days: int = 30


def is_due(now: datetime, last: datetime, hour: int) -> bool:
    """Whether the nightly run is to begin: in its hour, or when the machine was off in it."""
    age = now - last
    return age > AT_LEAST_EVERY or (now.hour == hour and age > AT_MOST_EVERY)


def collect_nightly(platform: Platform, site: Site) -> None:
    """The run of the night, if it is time for one. A platform that is new waits for its first night."""
    wake_registry(site, platform.leases)
    stamp = site.run / STAMP
    if not stamp.exists():
        stamp.touch()
    last = datetime.fromtimestamp(stamp.stat().st_mtime, clock.now().tzinfo)
    if is_due(clock.now(), last, read(GcSettings, "gc", platform.source).hour):
        collect(platform, site, Progress())


def collect(platform: Platform, site: Site, progress: Progress) -> None:
    """The whole run, told line by line; also on a disk that is full to the last byte.

    Raises Conflict when another run has not ended.
    """
    free_before = _free_bytes(site)
    with ballast.dropped(site), platform.leases.held(LEASE) as lease:
        if lease is None:
            raise Conflict("Another gc is running.", "Wait until it has ended.")
        (site.run / STAMP).touch()
        _images(platform, progress)
        _caches(platform, progress)
        _logs(platform, progress)
        _registry(platform, site, progress)
        _volumes(platform, progress)
    free_bytes = _free_bytes(site)
    gained = max(0, free_bytes - free_before)
    progress.line(f"{gained // MB} MB more are free: {free_bytes // MB} MB where {site.home} is.")


def _images(platform: Platform, progress: Progress) -> None:
    with progress.step("Images that nothing needs"), contained("gc: images"):
        Sweeps(platform).drop_old_images()
        freed = platform.cleaning.drop_images(platform.kept_images)
        progress.detail(f"{freed.count} names removed, {freed.size_bytes // MB} MB freed")


def _caches(platform: Platform, progress: Progress) -> None:
    quota_mb = platform.builder_settings.cache_quota_mb
    with progress.step(f"Build caches over {quota_mb} MB"), contained("gc: build caches"):
        progress.detail(f"{platform.cleaning.drop_caches() // MB} MB freed")


def _logs(platform: Platform, progress: Progress) -> None:
    days = read(GcSettings, "gc", platform.source).log_days
    with progress.step(f"Build logs older than {days} days"), contained("gc: logs"):
        keep = platform.releases.kept().log_ids
        progress.detail(f"{platform.logs.expire(clock.now() - timedelta(days=days), keep)} emptied")


def _registry(platform: Platform, site: Site, progress: Progress) -> None:
    with progress.step("What no image in the registry needs"), contained("gc: registry"):
        try:
            platform.cleaning.drop_language_manifests()
            progress.detail(f"{clean_registry(site, platform.leases) // MB} MB freed")
        except Conflict as error:
            progress.detail(f"left alone: {error.message}")
        except PortsideError as error:
            progress.detail(f"not done: {error}")


def _volumes(platform: Platform, progress: Progress) -> None:
    """Apps' data is never collected: a volume that no record knows may be all that is left of a lost database."""
    with contained("gc: volumes"):
        for name in platform.storage.unknown():
            progress.line(f"The volume {name} is in no record and was left alone: docker volume rm {name} deletes it.")


def _free_bytes(site: Site) -> int:
    return shutil.disk_usage(site.home).free

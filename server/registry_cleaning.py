"""Blobs that no manifest of our registry needs: found and deleted by the registry's own program while it is stopped.

`registry garbage-collect` must not run beside a writing registry (https://distribution.github.io/distribution/about/
garbage-collection/), so it is stopped for that time. Who needs it then waits (`builder.REGISTRY_RESTS`); a deploy that
is under way is not kept waiting: then nothing is done.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from builder import REGISTRY_RESTS
from core import process
from core.errors import Conflict, Unavailable
from core.leases import Leases
from server import lifecycle, procfs, readiness
from server.site import Site
from server.supervision import Supervisor

REGISTRY = "registry"
LONGEST_S = 540.0
START_S = 60.0


def clean_registry(site: Site, leases: Leases) -> int:
    """Delete what no manifest needs; gives the bytes freed.

    Raises Conflict, with why, when it can't be done now: the registry is somebody else's or is stopped, or a deploy is
    under way.
    """
    if site.registry is None:
        raise Conflict("it is elsewhere, so its owner has to clean it.")
    with leases.held(REGISTRY_RESTS) as rest, lifecycle.alone(site):
        if rest is None:
            raise Conflict("somebody else is cleaning it.")
        busy = [lease for prefix in ("pushes:", "line:", "build-slot:") for lease in leases.held_under(prefix)]
        if busy:
            raise Conflict("a deploy is under way. Try again later.")
        folder = site.home / "registry"
        before_bytes = size_bytes(folder)
        with _stopped(site):
            argv = ["docker-registry", "garbage-collect", "--delete-untagged", str(site.run / "registry.yml")]
            process.run(argv, env={"PATH": site.environ["PATH"]}, timeout_s=LONGEST_S)
            drop_dead_links(folder)
        return max(0, before_bytes - size_bytes(folder))


def wake_registry(site: Site, leases: Leases) -> None:
    """Start the registry if a run that was killed in the middle left it stopped."""
    supervisor = Supervisor(site)
    if site.registry is None or leases.is_held(REGISTRY_RESTS) or not supervisor.is_running():
        return
    if supervisor.programs()[REGISTRY].state == "STOPPED":
        supervisor.start_part(REGISTRY)


@contextmanager
def _stopped(site: Site) -> Iterator[None]:
    supervisor = Supervisor(site)
    if not supervisor.is_running() or not readiness.is_ready(site, REGISTRY):
        raise Conflict("it does not run. Start it: portside-server up")
    supervisor.stop_part(REGISTRY)
    try:
        yield
    finally:
        supervisor.start_part(REGISTRY)
        deadline = time.monotonic() + START_S
        while not readiness.is_ready(site, REGISTRY):
            if time.monotonic() > deadline:
                raise Unavailable("The registry does not come back.", f"Its log: {site.log / REGISTRY}.log")
            time.sleep(procfs.POLL_S)


def drop_dead_links(folder: Path) -> int:
    """Delete what a repository still says of layers that are gone, which the registry's own program leaves: two files
    for each release there ever was. Gives how many. The registry is stopped."""
    root = folder / "docker" / "registry" / "v2"
    dead = [link.parent for link in root.glob("repositories/**/_layers/sha256/*/link") if not _leads(root, link)]
    for layer in dead:
        shutil.rmtree(layer)
    return len(dead)


def _leads(root: Path, link: Path) -> bool:
    algorithm, _, digest = link.read_text().strip().partition(":")
    return (root / "blobs" / algorithm / digest[:2] / digest / "data").exists()


def size_bytes(folder: Path) -> int:
    """What the files under a folder take on disk."""
    total = 0
    for root, _, names in os.walk(folder):
        total += sum(os.lstat(os.path.join(root, name)).st_blocks * 512 for name in names)
    return total

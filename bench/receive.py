"""A big push: received by Portside, and by C git."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench import cgit
from bench.bed import Bed, must
from bench.figures import Row, ratio, seconds
from tests.live import LivePlatform
from tests.traces import free_ports

FILES, FILE_BYTES, FOLDERS = 30_000, 4_000, 300
ROUNDS = 5
BRANCH = "main:refs/heads/stored"
"""Not a deploy branch, so that nothing is built."""


def big_push(bed: Bed) -> Row:
    """A push of 30,000 files, 120 MB that can't be compressed, as one commit in one pack.

    Measured: the whole `git push` over HTTP to a new app, to a branch that is stored and not deployed. Reference: the
    same push over HTTP to a new bare repository behind `git http-backend` under gunicorn with our API's settings, and
    with the same check of what comes in (`receive.fsckObjects`, as our `index-pack --strict`). The two take turns.
    """
    source = _repository(bed.platform)
    ours, theirs = [], []
    with _c_git(bed.platform) as (root, url):
        for number in range(ROUNDS):
            theirs.append(_push_to_c_git(bed.platform, source, root / f"{number}.git", f"{url}/{number}.git"))
            ours.append(_push_to_portside(bed.platform, source))
    shutil.rmtree(source)
    what = f"receive {FILES * FILE_BYTES // 1_000_000} MB, {FILES:,} files"
    return ratio(what, seconds(ours), seconds(theirs), 1.5)


def _repository(platform: LivePlatform) -> Path:
    folder = platform.folder / "big"
    noise = random.Random(1)
    for number in range(FILES):
        path = folder / f"{number % FOLDERS:03d}" / f"{number:05d}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(noise.randbytes(FILE_BYTES))
    must(platform.git(folder, "init", "--quiet", "--initial-branch=main"))
    platform.commit(folder, "big")
    must(platform.git(folder, "repack", "-a", "-d", "-q"))
    return folder


def _push_to_portside(platform: LivePlatform, source: Path) -> float:
    name = f"big-{os.urandom(4).hex()}"
    must(platform.cli("create", name, cwd=source))
    took_s = _timed(platform, source, "portside")
    must(platform.cli("destroy", "--confirm", name))
    must(platform.git(source, "remote", "remove", "portside"))
    return took_s


def _push_to_c_git(platform: LivePlatform, source: Path, bare: Path, url: str) -> float:
    must(platform.git(bare.parent, "init", "--quiet", "--bare", bare.name))
    for setting in ("http.receivepack", "receive.fsckObjects"):
        must(platform.git(bare, "config", setting, "true"))
    took_s = _timed(platform, source, url)
    shutil.rmtree(bare)
    return took_s


def _timed(platform: LivePlatform, source: Path, remote: str) -> float:
    os.sync()  # what the round before left to be written is not this one's to wait for
    begun = time.monotonic()
    must(platform.git(source, "push", remote, BRANCH))
    return time.monotonic() - begun


@contextmanager
def _c_git(platform: LivePlatform) -> Iterator[tuple[Path, str]]:
    """gunicorn with `bench.cgit`, until the block ends; gives the folder that it serves and its address."""
    root, port = platform.folder / "cgit", free_ports(1)[0]
    root.mkdir()
    url = f"http://127.0.0.1:{port}"
    options = ["--worker-class", "gthread", "--workers", "1", "--threads", "8", "--timeout", "300"]
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *options, "--bind", f"127.0.0.1:{port}", "bench.cgit:application"],
        cwd=Path(__file__).parents[1],
        env={**platform.people, cgit.ROOT: str(root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _until_it_answers(url)
        yield root, url
    finally:
        server.terminate()
        server.wait(timeout=30)
        shutil.rmtree(root, ignore_errors=True)


def _until_it_answers(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            httpx.get(url, trust_env=False)
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise TimeoutError("C git's server does not answer")

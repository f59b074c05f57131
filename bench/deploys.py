"""Push → live and rollback, against the same by hand."""

from __future__ import annotations

import os
import subprocess
import time
from ipaddress import ip_network
from pathlib import Path

import httpx

from bench.bed import DOCKER, Bed, BenchApp, must
from bench.figures import Row, ratio, seconds
from tests.traces import free_ports

ROUNDS = 7
NOTHING_WARM = {"SCHEDULER_WARM_S": 0}
_FOLDER = Path(__file__).parent


def push_to_live(bed: Bed) -> Row:
    """A code-only change with warm caches.

    Measured: from the start of `git push` until the router gives the first 200 of the new version. Reference:
    floor.sh with the same repository and Dockerfile, from its start to its first 200. Every push has a change of its
    own, the two take turns, and a first round of both is not counted.
    """
    app, bare = bed.app("instant"), bed.platform.folder / "floor.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(bare)], check=True)
    ours, floor, ended = [], [], []
    for _ in range(ROUNDS + 1):
        floor.append(_by_hand(bed, app, bare))
        live_s, ended_s = push(app, app.change())
        ours.append(live_s)
        ended.append(ended_s)
    app.destroy()
    note = f"the git command itself ends after {seconds(ended[1:])}"
    return ratio("push → live, code-only change", seconds(ours[1:]), seconds(floor[1:]), 1.3, note)


def push(app: BenchApp, words: str) -> tuple[float, float]:
    """Push what is committed; after how many seconds the app answered with `words`, and after how many git ended."""
    begun = time.monotonic()
    git = app.pushing()
    try:
        live = app.answers(words)
    except TimeoutError as error:
        raise RuntimeError(app.said()[-500:]) from error
    finally:
        code = git.wait(timeout=300)
    if code:
        raise RuntimeError(app.said()[-500:])
    return live - begun, time.monotonic() - begun


def _by_hand(bed: Bed, app: BenchApp, bare: Path) -> float:
    app.change()
    image = f"{bed.platform.name}:floor"
    return _script(bed, ["floor.sh", str(app.folder), str(bare), image, str(free_ports(1)[0])], image)


def _start_by_hand(bed: Bed, image: str) -> float:
    port = free_ports(1)[0]
    return _script(bed, ["start.sh", image, f"127.0.0.1:{port}", "--publish", f"127.0.0.1:{port}:5000"])


def _start_in_our_network(bed: Bed, image: str) -> float:
    """The same in the platform's network, whose isolation the engine takes longer to set up."""
    address = str(ip_network(bed.platform.environ["PORTSIDE_SCHEDULER_SUBNET"])[-2])
    return _script(bed, ["start.sh", image, f"{address}:5000", "--network", bed.platform.name, "--ip", address])


def _script(bed: Bed, argv: list[str], *images: str) -> float:
    """How long a script of ours takes; the container that it starts is removed afterwards, and so are `images`."""
    name, *arguments = argv
    environ = {**os.environ, "DOCKER": DOCKER}
    begun = time.monotonic()
    done = subprocess.run(
        [str(_FOLDER / name), *arguments],
        env=environ, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    took_s = time.monotonic() - begun
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr.strip()[-500:]}")
    bed.remove_container(done.stdout.split()[-1], *images)
    return took_s


def rollback(bed: Bed) -> Row:
    """Back to the release before, which has been stopped: none is kept warm.

    Measured: from the API request (POST /apps/APP/releases) until the router gives the first 200 of the restored
    release. Reference: start.sh, which runs one container of the same image, with nothing but a published port, until
    its first 200. The note has the ratio to the same in an isolated network, as instances run in.
    """
    ours, floor, isolated = [], [], []
    with bed.with_settings(**NOTHING_WARM):
        app, words = two_releases(bed)
        image = bed.image_of(app)
        for number in range(ROUNDS + 1):
            floor.append(_start_by_hand(bed, image))
            isolated.append(_start_in_our_network(bed, image))
            ours.append(roll_back(bed, app, words[number % 2]))
        app.destroy()
    beside = {"by hand in the platform's network": seconds(isolated[1:])}
    return ratio("rollback → first 200", seconds(ours[1:]), seconds(floor[1:]), 1.2, beside=beside)


def two_releases(bed: Bed) -> tuple[BenchApp, list[str]]:
    """An app with two releases, the second live, and what each answers."""
    app = bed.app("instant")
    words = []
    for _ in range(2):
        words.append(app.change())
        must(app.push())
    return app, words


def roll_back(bed: Bed, app: BenchApp, words: str) -> float:
    """Roll back to the release before; after how many seconds the app answered with `words`."""
    url = f"{bed.platform.api_url}/apps/{app.name}/releases"
    headers = {"Authorization": f"Bearer {bed.token}", "Accept": "application/vnd.heroku+json; version=3"}
    with httpx.Client(headers=headers, trust_env=False, timeout=30) as client:
        client.get(url)  # the connection is there
        begun = time.monotonic()
        asked = client.post(url, json={"release": None})
        asked.raise_for_status()
        live = app.answers(words)
        _until_decided(client, f"{url}/{asked.json()['version']}")
    return live - begun


def _until_decided(client: httpx.Client, url: str) -> None:
    while client.get(url).json()["status"] == "pending":
        time.sleep(0.1)

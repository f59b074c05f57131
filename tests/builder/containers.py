"""Containers of built images: what is inside, and what their web process answers."""

from __future__ import annotations

import ipaddress
import json
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from builder import BuiltImage

DOCKER = "/usr/bin/docker"
FETCH = "exec 3<>/dev/tcp/127.0.0.1/5000; printf 'GET {path} HTTP/1.0\\r\\nHost: a\\r\\n\\r\\n' >&3; cat <&3"


def gateway() -> str:
    """Where the containers of builds reach this machine.

    An engine that made its bridge since it started does not tell the gateway: then it is the subnet's first address.
    """
    argv = [DOCKER, "network", "inspect", "bridge", "--format={{json (index .IPAM.Config 0)}}"]
    told = json.loads(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)
    return str(told.get("Gateway") or next(ipaddress.ip_network(told["Subnet"]).hosts()))


def in_image(built: BuiltImage, command: str) -> str:
    """What a shell command prints in a container of the image that has no network."""
    argv = [DOCKER, "run", "--rm", "--network=none", "--entrypoint=/bin/sh", built.image_id, "-c", command]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


@contextmanager
def running(built: BuiltImage) -> Iterator[str]:
    """The id of a container that runs the image's web process as Portside would, with port 5000."""
    options = ["--network=none", "--cap-drop=ALL", "--init", "--env=PORT=5000", "--env=RELEASE_VERSION=v7"]
    command = dict(built.processes)["web"] or ""
    argv = [DOCKER, "run", "--detach", *options, "--entrypoint=/bin/sh", built.image_id, "-c", command]
    container = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
    try:
        yield container
    finally:
        subprocess.run([DOCKER, "rm", "--force", container], check=True, capture_output=True)


def answer(container: str, path: str = "/") -> str:
    """The whole answer to a GET, asked from inside, as soon as there is one."""
    for _ in range(300):
        argv = [DOCKER, "exec", container, "bash", "-c", FETCH.format(path=path)]
        asked = subprocess.run(argv, capture_output=True, text=True)
        if asked.returncode == 0 and asked.stdout:
            return asked.stdout
        threading.Event().wait(0.1)
    raise AssertionError(subprocess.run([DOCKER, "logs", container], capture_output=True, text=True))


def exit_code_when_stopped(container: str) -> int:
    """The exit code after `docker stop`: SIGTERM, and SIGKILL 20 s later."""
    subprocess.run([DOCKER, "stop", "--time=20", container], check=True, capture_output=True)
    argv = [DOCKER, "inspect", "--format={{.State.ExitCode}}", container]
    return int(subprocess.run(argv, check=True, capture_output=True, text=True).stdout)

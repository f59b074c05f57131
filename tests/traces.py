"""What platforms of tests leave on the machine, and how it is removed: theirs by name, nobody else's."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from ipaddress import ip_network
from pathlib import Path

import docker

from server import procfs

LABEL = "portside.platform"
_NAME = re.compile(r"portside-test-(?P<pid>\d+)-(?P<start>\d+)-\d+")


def remove_traces(name: str) -> None:
    """Remove the containers and the network of the platform `name`, and the images of its registry."""
    engine = docker.from_env()
    try:
        for container in engine.containers.list(all=True, filters={"label": f"{LABEL}={name}"}):
            container.remove(force=True)
        for network in engine.networks.list(names=[f"^{name}$"]):
            network.remove()
    finally:
        engine.close()


def reap_the_dead() -> None:
    """End and remove what test runs left that were killed; a platform whose test process lives is not touched."""
    engine = docker.from_env()
    labels = [
        container.labels.get(LABEL, "") for container in engine.containers.list(all=True, filters={"label": LABEL})
    ]
    networks = [network.name for network in engine.networks.list()]
    engine.close()
    folders = [path.name for path in Path(tempfile.gettempdir()).glob("portside-test-*")]
    for name in sorted({*labels, *networks, *folders}):
        match = _NAME.fullmatch(name)
        if match is None or _lives(int(match["pid"]), int(match["start"])):
            continue
        home = Path(tempfile.gettempdir()) / name / "home"
        if home.exists():
            stop = [str(Path(sys.executable).parent / "portside-server"), "stop", "--all"]
            subprocess.run(stop, env=os.environ | {"PORTSIDE_HOME": str(home)}, check=False, timeout=120)
        remove_traces(name)
        shutil.rmtree(home.parent, ignore_errors=True)


def _lives(pid: int, start: int) -> bool:
    record = procfs.record_of(pid)
    return record is not None and record.start == start


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody uses just now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    numbers = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return numbers


def free_subnet() -> str:
    """A subnet that no network of the engine overlaps."""
    engine = docker.from_env()
    taken = [
        ip_network(pool["Subnet"])
        for network in engine.networks.list()
        for pool in network.attrs["IPAM"]["Config"] or []
        if ":" not in pool.get("Subnet", ":")
    ]
    engine.close()
    choices = (ip_network(f"10.{90 + n // 250}.{n % 250}.0/24") for n in range(2500))
    start = os.getpid() % 2000  # two test runs that begin at once choose apart
    return str(next(net for net in itertools.islice(choices, start, None) if not any(net.overlaps(t) for t in taken)))

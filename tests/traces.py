"""What platforms of tests leave on the machine, and how it is removed: theirs by name, nobody else's."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping
from ipaddress import IPv4Network, ip_network
from pathlib import Path

import docker
import psutil

from server import procfs

LABEL = "portside.platform"
_STOP_S = 300
_NAME = re.compile(r"portside-test-(?P<pid>\d+)-(?P<start>\d+)-\d+")


class StaysBehind(Exception):
    """A test's platform could not be stopped. All of it stays, so that the next run can end it."""


def end_platform(name: str, environ: Mapping[str, str]) -> None:
    """Stop everything of the platform `name` and leave nothing of it; raises StaysBehind."""
    folder = Path(tempfile.gettempdir()) / name
    if (folder / "home").exists():
        _stop(folder, environ)
    remove_traces(name)
    unmount(folder / "home")
    shutil.rmtree(folder, ignore_errors=True)


def _stop(folder: Path, environ: Mapping[str, str]) -> None:
    argv = [str(Path(sys.executable).parent / "portside-server"), "stop", "--all"]
    try:
        subprocess.run(argv, env=dict(environ), check=True, text=True, capture_output=True, timeout=_STOP_S)
    except subprocess.SubprocessError as error:
        said = "".join(part for part in (getattr(error, "stdout", None), getattr(error, "stderr", None)) if part)
        raise StaysBehind(f"{folder} stays for the next run of the tests to end: {error}\n{said}") from error


def remove_traces(name: str) -> None:
    """Remove the containers, volumes and the network of the platform `name`, and the images of its registry."""
    engine = docker.from_env()
    try:
        for container in engine.containers.list(all=True, ignore_removed=True, filters={"label": f"{LABEL}={name}"}):
            container.remove(force=True)
        for volume in engine.volumes.list(filters={"label": f"{LABEL}={name}"}):
            volume.remove()
        for network in engine.networks.list(names=[f"^{name}$"]):
            network.remove()
    finally:
        engine.close()


def reap_the_dead() -> None:
    """End and remove what test runs left that were killed; a platform whose test process lives is not touched.

    Warns of one that does not stop, and leaves it for the run after this one.
    """
    engine = docker.from_env()
    labels = [
        container.labels.get(LABEL, "")
        for container in engine.containers.list(all=True, ignore_removed=True, filters={"label": LABEL})
    ]
    labels += [volume.attrs["Labels"].get(LABEL, "") for volume in engine.volumes.list(filters={"label": LABEL})]
    networks = [network.name for network in engine.networks.list()]
    engine.close()
    folders = [path.name for path in Path(tempfile.gettempdir()).glob("portside-test-*")]
    for name in sorted({*labels, *networks, *folders}):
        match = _NAME.fullmatch(name)
        if match is None or _lives(int(match["pid"]), int(match["start"])):
            continue
        home = Path(tempfile.gettempdir()) / name / "home"
        try:
            end_platform(name, os.environ | {"PORTSIDE_HOME": str(home)})
            _kill_orphans(home)
        except StaysBehind as error:
            warnings.warn(str(error), stacklevel=2)


def _kill_orphans(home: Path) -> None:
    """End what names that home in its command line: parts whose records were lost with an earlier home there."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if f"{home}/".encode() in file.read_bytes():
                os.kill(int(file.parent.name), signal.SIGKILL)


def unmount(folder: Path) -> None:
    """Take off whatever is mounted there, also while somebody still has a file of it open; fine when nothing is."""
    while os.path.ismount(folder):
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=60)


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


def late_port() -> int:
    """A loopback port that nobody uses, for a program that begins later: none that the kernel gives out by itself."""
    candidates = range(20_000, 32_000)  # net.ipv4.ip_local_port_range begins at 32768
    for number in random.sample(candidates, len(candidates)):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", number)):
            return number
    raise AssertionError("no port is free")


def free_subnet() -> str:
    """A subnet that no network of the engine, and none that this host has an address in, overlaps."""
    engine = docker.from_env()
    taken = [
        ip_network(pool["Subnet"])
        for network in engine.networks.list()
        for pool in network.attrs["IPAM"]["Config"] or []
        if ":" not in pool.get("Subnet", ":")
    ]
    engine.close()
    taken += _of_this_host()
    choices = (ip_network(f"10.{90 + n // 250}.{n % 250}.0/24") for n in range(2500))
    start = os.getpid() % 2000  # two test runs that begin at once choose apart
    return str(next(net for net in itertools.islice(choices, start, None) if not any(net.overlaps(t) for t in taken)))


def _of_this_host() -> list[IPv4Network]:
    """The networks of the host's interfaces: those of another engine are among them."""
    found = itertools.chain.from_iterable(psutil.net_if_addrs().values())
    pairs = [(one.address, one.netmask) for one in found if one.family is socket.AF_INET and one.netmask]
    return [IPv4Network(f"{address}/{mask}", strict=False) for address, mask in pairs]

"""A Docker engine of the tests' own, to be killed: with its own data, sockets, bridge and control group.

The machine's engine never notices: this one touches no firewall rule (`--iptables=false`), so its containers are
reached at their own addresses only, which is all that Portside does.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

import docker
from docker.errors import DockerException
from requests.exceptions import RequestException

from server import procfs
from server.engine import SOCKETS, STALE
from tests.background import eventually
from tests.traces import free_subnet

START_S = 60
BASE = "portside/base:debian-13"
CONTROL_GROUPS = Path("/sys/fs/cgroup")
_NAME = re.compile(r"portside-engine-(?P<pid>\d+)-(?P<start>\d+)")


class SecondEngine:
    """`with SecondEngine() as engine: …`; needs root. Nothing is left of it afterwards. One for a process."""

    def __init__(self, start_s: float = START_S) -> None:
        """`start_s`: the longest that it may take to answer; with hundreds of containers it takes minutes."""
        me = procfs.record_of(os.getpid())
        assert me is not None
        self.folder = Path(tempfile.gettempdir()) / f"portside-engine-{me.pid}-{me.start}"
        self.url = f"unix://{self.folder}/docker.sock"
        self._bridge = _bridge_of(me.pid)
        self._start_s = start_s
        self._daemon: subprocess.Popen[bytes] | None = None
        self._left: list[str] = []

    def __enter__(self) -> SecondEngine:
        reap_dead_engines()
        self.folder.mkdir(mode=0o700)
        try:
            address = free_subnet().replace(".0/24", ".1/24")
            subprocess.run(["ip", "link", "add", self._bridge, "type", "bridge"], check=True)
            subprocess.run(["ip", "address", "add", address, "dev", self._bridge], check=True)
            subprocess.run(["ip", "link", "set", self._bridge, "up"], check=True)
            self.start()
            self.take_over(BASE)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._daemon is not None:
            if self.answers():
                self._remove_containers()
            self.kill()
        for bridge in self._left:
            subprocess.run(["ip", "link", "delete", bridge], check=False, capture_output=True)
        _remove(self.folder, self._bridge)

    def start(self) -> None:
        """Start it, also after a kill, and wait until it answers."""
        for name in (*STALE, *SOCKETS):  # they lie here as those of the machine's engine lie in /var/run
            (self.folder / name).unlink(missing_ok=True)
        with (self.folder / "dockerd.log").open("ab") as log:
            self._daemon = subprocess.Popen(self._argv(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        eventually(self.answers, f"the second engine answers; see {self.folder}/dockerd.log", self._start_s)

    def kill(self) -> None:
        """SIGKILL to dockerd and to the containerd that it started. What the containers run goes on."""
        assert self._daemon is not None
        containerd = self.folder / "docker" / "containerd" / "containerd.pid"
        pids = [int(containerd.read_text())] if containerd.exists() else []
        for pid in (self._daemon.pid, *pids):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._daemon.wait()
        for pid in pids:
            eventually(lambda pid=pid: procfs.record_of(pid) is None, f"process {pid} has ended")

    def lose_power(self) -> None:
        """As `kill`, and what the containers run ends too."""
        self.kill()
        _end_processes(self.folder)

    def lose_data(self) -> None:
        """Stop it as a service is stopped, and take its images, containers, networks and volumes away. The bridges of
        its networks stay in the kernel, as they do when people do this."""
        assert self._daemon is not None
        client = docker.DockerClient(base_url=self.url)
        self._left += [f"br-{one.id[:12]}" for one in client.networks.list(filters={"type": "custom"})]
        client.close()
        self._daemon.terminate()
        self._daemon.wait(timeout=START_S)
        shutil.rmtree(self.folder / "data")

    def answers(self) -> bool:
        try:
            client = docker.DockerClient(base_url=self.url, timeout=5)
            try:
                return bool(client.ping())
            finally:
                client.close()
        except (DockerException, RequestException):
            return False

    def _argv(self) -> list[str]:
        places = {"data-root": "data", "exec-root": "docker", "pidfile": "docker.pid"}
        return [
            "dockerd",
            *(f"--{option}={self.folder / place}" for option, place in places.items()),
            f"--host={self.url}",
            f"--bridge={self._bridge}",
            "--iptables=false",
            f"--cgroup-parent=/{self.folder.name}",
        ]

    def take_over(self, image: str) -> None:
        """Copy an image of the machine's engine."""
        with subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as saving:
            subprocess.run(
                ["docker", "--host", self.url, "load", "--quiet"],
                stdin=saving.stdout,
                check=True,
                capture_output=True,
                timeout=START_S * 2,
            )

    def _remove_containers(self) -> None:
        client = docker.DockerClient(base_url=self.url)
        for container in client.containers.list(all=True, ignore_removed=True):
            container.remove(force=True)
        for network in client.networks.list(filters={"type": "custom"}):
            network.remove()
        client.close()


def reap_dead_engines() -> None:
    """Remove what test runs left that were killed; the engine of one that lives is not touched."""
    for folder in Path(tempfile.gettempdir()).glob("portside-engine-*"):
        match = _NAME.fullmatch(folder.name)
        if match is not None:
            record = procfs.record_of(int(match["pid"]))
            if record is None or record.start != int(match["start"]):
                _remove(folder, _bridge_of(int(match["pid"])))


def _bridge_of(pid: int) -> str:
    return f"pse{pid}"


def _remove(folder: Path, bridge: str) -> None:
    """End all that runs there, and remove folder, mounts and bridge."""
    _end_processes(folder)
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for mount in sorted((mount for mount in mounts if mount.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["ip", "link", "delete", bridge], check=False, capture_output=True)


def _end_processes(folder: Path) -> None:
    """End what names the folder in its command line (the engine, its shims) and what its control groups hold (the
    containers), and remove these."""
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if f"{folder}/".encode() in file.read_bytes():
                os.kill(int(file.parent.name), signal.SIGKILL)
    for group in CONTROL_GROUPS.glob(f"*/{folder.name}"):
        _end_group(group)


def _end_group(group: Path) -> None:
    """Kill what is in a control group and remove it. Several attempts: what was killed leaves it a moment later."""
    folders = [Path(folder) for folder, _, _ in os.walk(group, topdown=False)]
    for folder in folders:
        for pid in (folder / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
    for folder in folders:
        eventually(lambda folder=folder: _is_removed(folder), f"{folder} is removed")


def _is_removed(folder: Path) -> bool:
    with suppress(OSError):
        folder.rmdir()
    return not folder.exists()

"""What an app can reach from inside its container, and what it may do there."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import docker
import psutil
import pytest

from tests.acceptance.site import Site

pytestmark = pytest.mark.platform

# What the platform puts into an app's environment; the last is for docker-init.
OURS = {"DYNO", "PATH", "PORT", "PORTSIDE_APP", "RELEASE_VERSION", "SOURCE_VERSION", "TINI_KILL_PROCESS_GROUP"}


class Inside:
    """The inside of an app's only container."""

    def __init__(self, engine: docker.DockerClient, site: Site) -> None:
        (found,) = site.containers()
        self.container = engine.containers.get(found.id)
        self.network = self.container.attrs["NetworkSettings"]["Networks"][site.platform.name]
        self.address: str = self.network["IPAddress"]
        self.gateway: str = self.network["Gateway"]

    def does(self, *command: str) -> tuple[int, str]:
        """Exit code and output of a command."""
        done = self.container.exec_run(list(command))
        return done.exit_code, done.output.decode()

    def reaches(self, host: str, port: int) -> bool:
        """Whether a TCP connection comes about."""
        return self.does("timeout", "1", "bash", "-c", f"exec 3<>/dev/tcp/{host}/{port}")[0] == 0


@pytest.fixture
def engine() -> Iterator[docker.DockerClient]:
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture
def inside(engine: docker.DockerClient, live_site: Site) -> Inside:
    return Inside(engine, live_site)


def test_an_app_reaches_neither_another_app_nor_the_platform(
    inside: Inside, new_site: Callable[..., Site], engine: docker.DockerClient
) -> None:
    other = new_site()
    assert other.push().code == 0
    neighbour = Inside(engine, other)
    platform = other.platform
    machine = [
        found.address
        for addresses in psutil.net_if_addrs().values()
        for found in addresses
        if found.family == socket.AF_INET and not found.address.startswith("127.")
    ]
    assert inside.gateway in machine
    with socket.create_server(("0.0.0.0", 0)) as open_to_all:
        assert inside.reaches(inside.gateway, open_to_all.getsockname()[1]), "the probe sees what is there"
    assert inside.reaches(inside.address, 8000), "an app reaches itself"
    assert not inside.reaches(neighbour.address, 8000)
    parts = {"API": platform.api, "registry": platform.registry, "SSH": platform.ssh, "router": platform.http}
    reached = [(host, name) for host in machine for name, port in parts.items() if inside.reaches(host, port)]
    assert reached == []


def test_an_app_sees_no_file_and_no_secret_of_the_platform(inside: Inside, live_site: Site) -> None:
    home = live_site.platform.home
    sockets = [path for path in home.rglob("*") if path.is_socket()]
    assert any("redis" in path.name for path in sockets)
    assert [path for path in sockets if path.stat().st_mode & 0o077] == [], "sockets are the owner's alone"
    for path in (home, *sockets, "/var/run/docker.sock"):
        assert inside.does("test", "-e", str(path))[0] == 1
    assert inside.container.attrs["Mounts"] == []
    names = {line.partition("=")[0] for line in inside.container.attrs["Config"]["Env"]}
    assert names == OURS


def test_the_builds_of_an_app_share_their_cache_with_no_other_app(new_site: Callable[..., Site]) -> None:
    def finds(site: Site, mark: str) -> str:
        step = f"RUN --mount=type=cache,target=/stock echo found $(ls /stock) in stock && touch /stock/{mark}"
        site.build_also(step)
        pushed = site.push()
        assert pushed.code == 0, pushed.output
        return pushed.output

    one, other = new_site(), new_site()
    assert "  found in stock" in finds(one, "poison")
    assert "  found poison in stock" in finds(one, "more")
    assert "  found in stock" in finds(other, "own")


def test_a_container_is_hardened_and_limited(inside: Inside) -> None:
    host = inside.container.attrs["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert not host["Privileged"]
    assert not host["PortBindings"], "only the router reaches an app"
    assert (host["PidsLimit"], host["NanoCpus"]) == (256, 1_000_000_000)
    assert host["Memory"] == host["MemorySwap"] == 512 * 1024 * 1024
    assert host["RestartPolicy"]["Name"] in ("", "no"), "the loop alone decides what runs"
    assert host["LogConfig"]["Type"] == "local"
    assert inside.container.attrs["Config"]["User"] == "1000:1000"
    status = dict(line.split(":\t", 1) for line in inside.does("cat", "/proc/self/status")[1].splitlines())
    assert status["Uid"].split()[0] == "1000"
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"] == "1"

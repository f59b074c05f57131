"""Up, stop, status on a whole platform of its own."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable

import httpx
import pytest

from server import lifecycle, procfs
from server.site import read_site
from tests.live import LivePlatform

pytestmark = [pytest.mark.engine, pytest.mark.platform]
GENEROUS_S = 60.0
PARTS = {"redis", "registry", "router", "api", "gateway", "worker"}


def pids(live: LivePlatform) -> dict[str, int]:
    return {part.name: part.pid for part in lifecycle.status(read_site(live.environ))}


def is_well(live: LivePlatform) -> bool:
    return all(part.is_well for part in lifecycle.status(read_site(live.environ)))


def eventually(question: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + GENEROUS_S
    while not (answer := question()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return answer


def router_answers(live: LivePlatform) -> bool:
    try:
        return live.get("nobody").status_code == 404
    except httpx.HTTPError:
        return False


def test_a_platforms_life(new_platform: Callable[..., LivePlatform]) -> None:
    """One platform through it all, as starting one takes seconds: up twice, a part killed, supervisord killed, stop."""
    live = new_platform()
    live.start()
    before = pids(live)
    assert before.keys() == PARTS
    assert live.server("status").code == 0

    again = live.server("up")
    assert again.code == 0, again.output
    assert pids(live) == before, "a second up must leave alone what runs"

    os.kill(before["worker"], signal.SIGKILL)
    assert eventually(lambda: is_well(live) and pids(live)["worker"] != before["worker"])

    supervisord = procfs.read_record(live.home / "run" / "supervisord.process")
    assert supervisord is not None
    orphans = pids(live)
    os.kill(supervisord.pid, signal.SIGKILL)
    assert eventually(lambda: not procfs.is_alive(supervisord))
    assert not is_well(live)
    assert router_answers(live)
    back = live.server("up")
    assert back.code == 0, back.output
    assert "left by an earlier run" in back.output
    assert not set(orphans.values()) & set(pids(live).values())
    assert eventually(lambda: procfs.record_of(orphans["router"]) is None), "its successor has taken over"

    router = pids(live)["router"]
    assert live.server("stop").code == 0
    assert {name for name, pid in pids(live).items() if pid} == {"router"}
    assert router_answers(live)
    assert pids(live)["router"] == router
    assert live.server("stop", "--all").code == 0
    assert not router_answers(live)
    assert not any(pids(live).values())


def test_up_refuses_a_taken_port_and_names_who_holds_it(new_platform: Callable[..., LivePlatform]) -> None:
    live = new_platform()
    with socket.create_server(("127.0.0.1", live.api)):
        refused = live.server("up")
    assert refused.code == 1
    assert f"Port {live.api} (api) is held by" in refused.output
    assert f"(pid {os.getpid()})" in refused.output
    assert "PORTSIDE_WEB_PORT=" in refused.output
    assert not any(pids(live).values())


def test_up_without_an_engine_says_so(new_platform: Callable[..., LivePlatform]) -> None:
    live = new_platform()
    live.environ["DOCKER_HOST"] = "unix:///nowhere/docker.sock"
    refused = live.server("up")
    assert refused.code == 1
    assert "No Docker engine answers at unix:///nowhere/docker.sock" in refused.output


def test_the_doctor_finds_a_running_platform_well(platform: LivePlatform) -> None:
    assert eventually(lambda: platform.server("doctor").code == 0), platform.server("doctor").output


@pytest.mark.full
def test_two_routers_serve_for_each_other_through_it_all(new_platform: Callable[..., LivePlatform]) -> None:
    live = new_platform(ROUTER_INSTANCES=2)
    live.start()
    before = pids(live)
    assert before.keys() == {*PARTS, "router-2"}
    for name in ("router", "router-2"):
        os.kill(before[name], signal.SIGKILL)
        assert eventually(lambda: router_answers(live))
        assert eventually(lambda name=name: is_well(live) and pids(live)[name] != before[name])

    supervisord = procfs.read_record(live.home / "run" / "supervisord.process")
    assert supervisord is not None
    os.kill(supervisord.pid, signal.SIGKILL)
    assert eventually(lambda: not procfs.is_alive(supervisord))
    second = pids(live)["router-2"]
    one = live.server("up", ROUTER_INSTANCES="1")
    assert one.code == 0, one.output
    assert eventually(lambda: procfs.record_of(second) is None), "there is one router now"
    assert live.server("up").code == 0
    assert live.server("stop").code == 0
    assert {name for name, pid in pids(live).items() if pid} == {"router", "router-2"}
    assert live.server("stop", "--all").code == 0
    assert not any(pids(live).values())

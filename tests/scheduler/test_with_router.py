"""Deploys, scaling and restarts behind the real HAProxy while requests come in: none of them fails."""

from __future__ import annotations

import http.client
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from core.ids import AppId
from core.secrets import Sealer
from router import Router, RouterSettings
from scheduler import BootFailed, CheckKind, HealthCheck, Pause, ProcessType, Scheduler
from tests.scheduler.conftest import Platform, eventually

pytestmark = pytest.mark.engine

HOST = "sample.localhost"
PAUSE_S = 0.005


@dataclass
class Front:
    """A platform whose router is a real one, on its own port."""

    platform: Platform
    port: int

    def get(self) -> str:
        """What a visitor sees: the status and the body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/", headers={"Host": HOST})
            answer = connection.getresponse()
            return f"{answer.status} {answer.read().decode()}"
        finally:
            connection.close()


@dataclass
class Visitors:
    """Ask again and again until told to stop; whatever is not a 200 is kept."""

    front: Front
    stop: threading.Event = field(default_factory=threading.Event)
    answers: list[str] = field(default_factory=list)

    def run(self) -> None:
        while not self.stop.wait(PAUSE_S):
            try:
                self.answers.append(self.front.get())
            except (OSError, http.client.HTTPException) as error:
                self.answers.append(repr(error))

    @property
    def failures(self) -> list[str]:
        return [answer for answer in self.answers if not answer.startswith("200 ")]


@pytest.fixture
def front(engine: Platform, app_id: AppId) -> Iterator[Front]:
    home = Path(tempfile.mkdtemp(prefix="portside-"))  # short: a socket's path holds about 100 bytes
    home.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = RouterSettings(http_port=port, https_port=0, bind="127.0.0.1", spare_slots=8)
    router = Router(engine.database, settings, home, "localhost")
    router.name_app(app_id, "sample")
    router.processes.write_config()
    haproxy = subprocess.Popen(router.processes.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(router.processes.alive, "the router answers")
        engine.router = router  # type: ignore[assignment]
        parts = (engine.database, router, engine.runtime, Sealer(home / "key"), engine.settings)
        engine.scheduler = Scheduler(*parts, home / "live")
        yield Front(engine, port)
    finally:
        haproxy.terminate()
        haproxy.wait(10)
        shutil.rmtree(home)


def left_alone(front: Front, app_id: AppId, count: int, version: int) -> bool:
    """Only these instances are left, and the router lists no other address."""
    instances = front.platform.scheduler.instances(app_id)
    right = [one for one in instances if one.version == version]
    containers = front.platform.runtime.containers(app_id)
    addresses = {one.address for one in right}
    listed = front.platform.router.listed_addresses()
    return len(instances) == len(right) == len(containers) == count and listed == addresses


def test_no_request_fails_while_an_app_is_deployed_scaled_and_restarted(front: Front, app_id: AppId) -> None:
    platform, visitors = front.platform, Visitors(front)
    platform.deploy(platform.spec(app_id))
    assert front.get() == "200 v1 hello"
    threads = [threading.Thread(target=visitors.run, daemon=True) for _ in range(2)]
    with platform.looping():
        for thread in threads:
            thread.start()
        platform.deploy(platform.spec(app_id, version=2))
        assert front.get() == "200 v2 hello"
        eventually(lambda: left_alone(front, app_id, 1, version=2), "v1 is gone")
        platform.scheduler.scale(app_id, {"web": 3})
        eventually(lambda: left_alone(front, app_id, 3, version=2), "three instances")
        before = {one.id for one in platform.scheduler.instances(app_id)}
        platform.scheduler.restart(app_id)
        eventually(
            lambda: (
                left_alone(front, app_id, 3, version=2)
                and not before & {one.id for one in platform.scheduler.instances(app_id)}
            ),
            "three fresh ones",
        )
        platform.scheduler.scale(app_id, {"web": 1})
        eventually(lambda: left_alone(front, app_id, 1, version=2), "one instance")
        visitors.stop.set()
        for thread in threads:
            thread.join(15)
    assert visitors.failures == []
    assert {"200 v1 hello", "200 v2 hello"} >= set(visitors.answers)
    assert "200 v2 hello" in visitors.answers


def test_no_request_fails_while_old_instances_make_room_for_a_new_set(front: Front, app_id: AppId) -> None:
    platform, visitors = front.platform, Visitors(front)
    platform.deploy(platform.spec(app_id))
    threads = [threading.Thread(target=visitors.run, daemon=True) for _ in range(2)]
    seen: list[tuple[int, int, int]] = []

    def publish() -> str:
        versions = [one.version for one in platform.runtime.containers(app_id) if one.running]
        seen.append((versions.count(1), versions.count(2), len(platform.router.listed_addresses())))
        return "ref"

    with platform.looping():
        platform.scheduler.scale(app_id, {"web": 4})
        eventually(lambda: left_alone(front, app_id, 4, version=1), "four instances")
        for thread in threads:
            thread.start()
        platform.deploy(platform.spec(app_id, version=2, shrink={"web": "50%"}), before_switch=publish)
        eventually(lambda: left_alone(front, app_id, 4, version=2), "four of v2")
        failing = platform.spec(app_id, version=3, shrink={"web": "1"}, processes=(ProcessType("web", "exit 3"),))
        with pytest.raises(BootFailed):
            platform.deploy(failing)
        eventually(lambda: left_alone(front, app_id, 4, version=2), "they are back")
        visitors.stop.set()
        for thread in threads:
            thread.join(15)
    assert seen == [(2, 4, 2)], "two old ones serve while four new ones have started"
    assert "-----> web: 4 → 1 instance while v3 starts" in platform.lines
    assert visitors.failures == []
    assert {"200 v1 hello", "200 v2 hello"} == set(visitors.answers)


def test_no_request_fails_while_an_instance_leaves_the_route_comes_back_and_hangs(front: Front, app_id: AppId) -> None:
    platform, visitors = front.platform, Visitors(front)
    asked = HealthCheck(CheckKind.READINESS, command=("test", "!", "-e", "/tmp/away"), attempts=1, wait_s=0.2)
    alive = replace(asked, kind=CheckKind.LIVENESS, command=("test", "!", "-e", "/tmp/hung"))
    platform.deploy(platform.spec(app_id, health={"web": (asked, alive)}))
    thread = threading.Thread(target=visitors.run, daemon=True)
    with platform.looping():
        platform.scheduler.scale(app_id, {"web": 2})
        eventually(lambda: left_alone(front, app_id, 2, version=1), "two instances")
        one, two = platform.scheduler.instances(app_id)
        thread.start()
        platform.runtime.execute(one.container_id, ["touch", "/tmp/away"], 20)
        eventually(lambda: platform.router.listed_addresses() == {two.address}, "one is out of the route")
        platform.runtime.execute(one.container_id, ["rm", "/tmp/away"], 20)
        eventually(lambda: left_alone(front, app_id, 2, version=1), "it is back")
        assert {it.id for it in platform.scheduler.instances(app_id)} == {one.id, two.id}
        platform.runtime.execute(two.container_id, ["touch", "/tmp/hung"], 20)

        def replaced() -> bool:
            kept = two.id in {it.id for it in platform.scheduler.instances(app_id)}
            return not kept and left_alone(front, app_id, 2, version=1)

        eventually(replaced, "the one that hangs is replaced")
        visitors.stop.set()
        thread.join(15)
    assert visitors.failures == []
    assert visitors.answers


def test_an_app_without_a_running_web_answers_503_and_returns(front: Front, app_id: AppId) -> None:
    platform = front.platform
    platform.deploy(platform.spec(app_id))
    with platform.looping():
        platform.scheduler.scale(app_id, {"web": 0})
        eventually(lambda: front.get().startswith("503 "), "503")
        platform.scheduler.scale(app_id, {"web": 1})
        eventually(lambda: front.get() == "200 v1 hello", "it is back")


def test_a_destroyed_app_frees_its_addresses(front: Front, app_id: AppId) -> None:
    platform = front.platform
    platform.deploy(platform.spec(app_id))
    platform.scheduler.forget_app(app_id)
    front.platform.router.forget_app(app_id)  # type: ignore[attr-defined]
    assert platform.router.listed_addresses() == frozenset()
    assert platform.runtime.containers(app_id) == []
    assert front.get().startswith("404 ")


def test_what_waits_during_a_release_phase_is_answered_by_the_new_release(front: Front, app_id: AppId) -> None:
    platform, answers = front.platform, []
    platform.deploy(platform.spec(app_id))
    new = platform.spec(app_id, version=2)
    visitor = threading.Thread(target=lambda: answers.append(front.get()), daemon=True)
    with platform.line(app_id) as lease:
        log = platform.log()
        with platform.scheduler.paused(app_id, Pause(hold_s=30), lease, log, lambda: None):
            visitor.start()
            assert platform.scheduler.run_once(new, "release", "echo migrated", lease, log, lambda: None, 60) == 0
            assert answers == []
            platform.scheduler.deploy(new, lease, log, lambda: "ref", lambda: None)
    visitor.join(20)
    assert answers == ["200 v2 hello"]
    assert "       migrated" in platform.lines

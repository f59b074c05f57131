"""What every runtime must do: the same cases on the engine in memory and on the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from core.errors import Unavailable
from core.ids import AppId, new_id
from scheduler import DockerRuntime, Runtime, SchedulerSettings
from scheduler.docker_streams import DockerOutput, parse_stamp
from scheduler.runtime import (
    AddressTaken,
    Container,
    ContainerOrder,
    Executed,
    OutputLine,
    StartFailed,
    Terminal,
    Volume,
    VolumeGone,
    VolumeInUse,
    VolumeMount,
)
from tests.scheduler.conftest import eventually
from tests.scheduler.fakes import BYE, IDLE, SERVE, MemoryRuntime


@dataclass
class Bench:
    """A runtime under test and orders for it."""

    runtime: Runtime
    image_id: str
    subnet: str
    port: int = 5000

    def order(self, command: str | None, last: int, app_id: AppId) -> ContainerOrder:
        image = self.runtime.image(self.image_id, "")
        address = self.subnet.replace("0/24", str(last))
        env = {"PORT": str(self.port), "WORD": "hello"}
        return ContainerOrder(
            new_id(), app_id, "sample", "r1", 3, "rollout", 1, "web.1", image, command, env, address, 64, 1.0, 64
        )

    def start(self, command: str | None, last: int, app_id: AppId) -> Container:
        container = self.runtime.look(self.runtime.start(self.order(command, last, app_id)))
        assert container is not None
        return container


@pytest.fixture(params=["memory", pytest.param("docker", marks=pytest.mark.engine)])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    if request.param == "memory":
        memory = MemoryRuntime()
        yield Bench(memory, "sha256:memory", "127.231.7.0/24")
        for held in memory.sockets.values():
            held.close()
        return
    settings: SchedulerSettings = request.getfixturevalue("engine_settings")
    runtime = DockerRuntime(settings)
    runtime.prepare()
    yield Bench(runtime, request.getfixturevalue("base_image"), settings.subnet)
    for container in runtime.containers():
        runtime.remove(container.id)


def test_its_capacity_is_what_the_largest_instance_could_have(bench: Bench) -> None:
    capacity = bench.runtime.capacity()
    assert capacity.memory_mb >= 256
    assert capacity.cpus >= 1


def test_a_started_container_runs_at_its_address_and_is_listed(bench: Bench, app_id: AppId) -> None:
    started = bench.start(IDLE, 9, app_id)
    assert (started.running, started.app_id, started.version, started.process) == (True, app_id, 3, "web.1")
    assert started.address.endswith(".9")
    [listed] = bench.runtime.containers(app_id)
    assert replace(listed, exit_code=None) == started
    assert bench.runtime.containers(AppId("another")) == []


def test_one_that_exits_is_seen_with_its_code_and_output(bench: Bench, app_id: AppId) -> None:
    started = bench.start(BYE, 9, app_id)

    def ended() -> bool:
        return all(one.ended and one.exit_code == 3 for one in bench.runtime.containers(app_id))

    eventually(ended, "it has exited")
    found = bench.runtime.look(started.id)
    assert found is not None
    assert (found.ended, found.exit_code, found.out_of_memory) == (True, 3, False)
    assert [line.text for line in bench.runtime.output(started.id, 20)] == ["bye"]


def test_sigterm_ends_it_and_signals_to_what_has_ended_or_gone_are_harmless(bench: Bench, app_id: AppId) -> None:
    started = bench.start(IDLE, 9, app_id)
    bench.runtime.signal(started.id, "SIGTERM")
    eventually(lambda: bench.runtime.containers(app_id)[0].ended, "it ends")
    bench.runtime.signal(started.id, "SIGKILL")
    bench.runtime.remove(started.id)
    bench.runtime.signal(started.id, "SIGKILL")
    bench.runtime.remove(started.id)
    assert bench.runtime.look(started.id) is None
    assert bench.runtime.containers(app_id) == []


def test_an_opened_container_is_given_input_and_its_output_ends_with_it(bench: Bench, app_id: AppId) -> None:
    attachment = bench.runtime.open(replace(bench.order("cat", 9, app_id), process="run.1", once=True))
    attachment.write(b"hello")
    assert attachment.read() == (1, b"hello")
    attachment.end_input()
    assert attachment.read() is None
    attachment.close()
    eventually(lambda: bench.runtime.containers(app_id)[0].ended, "it ends")
    bench.runtime.resize(attachment.container_id, Terminal(90, 30))
    bench.runtime.remove(attachment.container_id)
    bench.runtime.resize(attachment.container_id, Terminal(90, 30))
    assert bench.runtime.containers(app_id) == []


def test_a_command_runs_inside_with_the_apps_environment_and_tells_how_it_ended(bench: Bench, app_id: AppId) -> None:
    started = bench.start(IDLE, 9, app_id)
    assert bench.runtime.execute(started.id, ["sh", "-c", "echo one; echo two; exit 3"], 20) == Executed(
        3, "one\ntwo\n"
    )
    assert bench.runtime.execute(started.id, ["echo", "fine"], 20) == Executed(0, "fine\n")
    assert bench.runtime.execute(started.id, ["no-such-command"], 20).code == 127


def test_a_command_that_takes_too_long_is_given_up(bench: Bench, app_id: AppId) -> None:
    started = bench.start(IDLE, 9, app_id)
    assert bench.runtime.execute(started.id, ["sh", "-c", "sleep 1000; echo late"], 0.5).code is None


def test_no_command_runs_in_what_is_frozen_has_ended_or_is_gone(bench: Bench, app_id: AppId) -> None:
    started = bench.start(IDLE, 9, app_id)
    bench.runtime.pause(started.id)
    assert bench.runtime.execute(started.id, ["echo", "x"], 20).code == 126
    bench.runtime.signal(started.id, "SIGKILL")
    bench.runtime.remove(started.id)
    assert bench.runtime.execute(started.id, ["echo", "x"], 20).code == 126


@pytest.mark.engine
def test_a_command_that_is_given_up_is_ended_with_all_that_it_began_and_sees_what_the_app_sees(
    engine_settings: SchedulerSettings, base_image: str, app_id: AppId
) -> None:
    runtime = DockerRuntime(engine_settings)
    runtime.prepare()
    started = Bench(runtime, base_image, engine_settings.subnet).start(IDLE, 9, app_id)
    try:
        seen = runtime.execute(started.id, ["sh", "-c", 'echo "$WORD $PORT $(id -u)"'], 20)
        assert seen == Executed(0, "hello 5000 1000\n")
        assert runtime.execute(started.id, ["sh", "-c", "sleep 999 & sleep 998"], 0.5).code is None
        count = ["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep 99[89]'"]
        eventually(lambda: runtime.execute(started.id, count, 20).output in ("0\n", ""), "nothing of it is left")
    finally:
        runtime.remove(started.id)


GRACEFUL = """sh -c 'trap "echo finishing; sleep 1; echo finished; exit 0" TERM; echo up; while :; do sleep 9; done'"""


@pytest.mark.engine
@pytest.mark.parametrize(
    "command", [GRACEFUL, f"exec {GRACEFUL}", f"cd / && {GRACEFUL} && echo more", f"WORD=x {GRACEFUL}; echo more"]
)
def test_sigterm_reaches_the_app_and_it_may_finish(
    engine_settings: SchedulerSettings, base_image: str, app_id: AppId, command: str
) -> None:
    runtime = DockerRuntime(engine_settings)
    runtime.prepare()
    started = Bench(runtime, base_image, engine_settings.subnet).start(command, 9, app_id)
    try:
        eventually(lambda: any(runtime.output(started.id, 9)), "it is up")
        runtime.signal(started.id, "SIGTERM")
        eventually(lambda: runtime.containers(app_id)[0].ended, "it ends")
        said = [line.text for line in runtime.output(started.id, 9)]
        assert [text for text in said if text != "Terminated"] == ["up", "finishing", "finished"]  # its sleep ended too
    finally:
        runtime.remove(started.id)


def test_a_frozen_one_is_seen_so_goes_on_when_resumed_and_then_ends_on_sigterm(bench: Bench, app_id: AppId) -> None:
    started = bench.start(IDLE, 9, app_id)
    for _ in range(2):
        bench.runtime.pause(started.id)
    [listed], looked = bench.runtime.containers(app_id), bench.runtime.look(started.id)
    assert looked is not None
    assert (listed.paused, listed.running, looked.paused, looked.address) == (True, True, True, started.address)
    for _ in range(2):
        bench.runtime.resume(started.id)
    assert not bench.runtime.containers(app_id)[0].paused
    bench.runtime.signal(started.id, "SIGTERM")
    eventually(lambda: bench.runtime.containers(app_id)[0].ended, "it ends")
    bench.runtime.pause(started.id)
    bench.runtime.resume(started.id)
    bench.runtime.remove(started.id)
    bench.runtime.pause(started.id)
    bench.runtime.resume(started.id)


def test_a_frozen_one_can_be_removed(bench: Bench, app_id: AppId) -> None:
    started = bench.start(IDLE, 9, app_id)
    bench.runtime.pause(started.id)
    bench.runtime.remove(started.id)
    assert bench.runtime.containers(app_id) == []


def test_memory_is_told_of_a_container_and_of_the_host(bench: Bench, app_id: AppId) -> None:
    started = bench.start(IDLE, 9, app_id)
    bench.runtime.pause(started.id)
    held, free = bench.runtime.memory_mb(started.id), bench.runtime.free_memory_mb()
    assert held is not None
    assert 0 < held <= 64
    assert free is not None
    assert free > 0
    bench.runtime.remove(started.id)
    assert not bench.runtime.memory_mb(started.id)


def test_endings_name_the_app(bench: Bench, app_id: AppId) -> None:
    started = bench.start(IDLE, 9, app_id)
    endings = bench.runtime.endings()
    bench.runtime.signal(started.id, "SIGKILL")
    assert next(iter(endings)) == app_id
    endings.close()


def test_output_after_a_line_is_only_what_came_later(bench: Bench, app_id: AppId) -> None:
    started = bench.start("echo one; echo two; echo three; exit 0", 9, app_id)
    eventually(lambda: bench.runtime.containers(app_id)[0].ended, "it ends")
    lines = list(bench.runtime.output(started.id, None))
    assert [line.text for line in lines] == ["one", "two", "three"]
    assert [line.text for line in bench.runtime.output(started.id, None, lines[0], follow=True)] == ["two", "three"]


def test_sockets_that_listen_inside_are_told(bench: Bench, app_id: AppId) -> None:
    started = bench.start(SERVE, 9, app_id)
    eventually(lambda: bench.port in {port for _, port in bench.runtime.listening(started.id)}, "it listens")
    bench.runtime.remove(started.id)
    assert bench.runtime.listening(started.id) == frozenset()


def test_an_image_that_is_nowhere_is_named(bench: Bench) -> None:
    with pytest.raises(StartFailed, match="no-such-image"):
        bench.runtime.image("no-such-image", "")


@pytest.mark.engine
def test_an_address_in_use_is_reported_and_leaves_nothing(
    engine_settings: SchedulerSettings, base_image: str, app_id: AppId
) -> None:
    runtime = DockerRuntime(engine_settings)
    runtime.prepare()
    bench = Bench(runtime, base_image, engine_settings.subnet)
    first = bench.start(IDLE, 9, app_id)
    try:
        with pytest.raises(AddressTaken):
            runtime.start(bench.order(IDLE, 9, app_id))
        assert [one.id for one in runtime.containers(app_id)] == [first.id]
    finally:
        runtime.remove(first.id)


@pytest.mark.engine
def test_a_subnet_in_use_is_explained(engine_settings: SchedulerSettings) -> None:
    DockerRuntime(engine_settings).prepare()
    other = DockerRuntime(replace(engine_settings, network=f"{engine_settings.network}-b"))
    with pytest.raises(Exception, match=r"can't have 10\.88\."):
        other.prepare()


@pytest.mark.parametrize(
    "call",
    [
        lambda runtime: runtime.prepare(),
        lambda runtime: runtime.containers(),
        lambda runtime: runtime.look("x"),
        lambda runtime: runtime.remove("x"),
        lambda runtime: runtime.pause("x"),
        lambda runtime: runtime.resume("x"),
        lambda runtime: runtime.memory_mb("x"),
        lambda runtime: runtime.free_memory_mb(),
        lambda runtime: runtime.endings(),
        lambda runtime: runtime.output("x", 1),
        lambda runtime: runtime.image("x", ""),
    ],
)
def test_an_engine_that_is_down_is_unavailable(call: Callable[[DockerRuntime], object], tmp_path: Path) -> None:
    runtime = DockerRuntime(SchedulerSettings(docker_host=f"unix://{tmp_path}/none.sock"))
    with pytest.raises(Unavailable, match="does not answer"):
        call(runtime)


def test_frames_become_lines_long_ones_are_joined_and_the_last_needs_no_line_break() -> None:
    stamps = [f"2026-01-02T03:04:05.00000000{number}Z" for number in range(4)]
    frames = [
        f"{stamps[0]} one\n".encode(),
        f"{stamps[1]} two begins, ".encode(),
        f"{stamps[2]} two ends\r\n".encode(),
        f"{stamps[3]} three".encode(),
    ]
    lines = list(DockerOutput(iter(frames), None))
    assert [line.text for line in lines] == ["one", "two begins, two ends", "three"]
    later = OutputLine(parse_stamp(stamps[0]), stamps[0], "one")
    assert [line.text for line in DockerOutput(iter(frames), later)] == ["two begins, two ends", "three"]


def test_stamps_keep_microseconds() -> None:
    assert parse_stamp("2026-01-02T03:04:05.123456789Z").isoformat() == "2026-01-02T03:04:05.123456+00:00"
    assert parse_stamp("2026-01-02T03:04:05Z").isoformat() == "2026-01-02T03:04:05+00:00"


def test_a_volume_is_made_once_and_listed_for_its_app(bench: Bench, app_id: AppId) -> None:
    name, image = f"portside-{app_id}-data", bench.runtime.image(bench.image_id, "")
    for _ in range(2):
        bench.runtime.volumes.make(name, app_id, image)
    assert bench.runtime.volumes.all(app_id) == [Volume(name, app_id)]
    assert bench.runtime.volumes.all(AppId("another")) == []
    assert bench.runtime.volumes.sizes()[name] == 0
    bench.runtime.volumes.remove(name)
    bench.runtime.volumes.remove(name)
    assert bench.runtime.volumes.all(app_id) == []


def test_a_volume_in_use_is_not_removed(bench: Bench, app_id: AppId) -> None:
    name, order = f"portside-{app_id}-data", bench.order(IDLE, 9, app_id)
    bench.runtime.volumes.make(name, app_id, order.image)
    container_id = bench.runtime.start(replace(order, mounts=(VolumeMount(name, "/data"),)))
    with pytest.raises(VolumeInUse):
        bench.runtime.volumes.remove(name)
    bench.runtime.remove(container_id)
    assert bench.runtime.volumes.all(app_id) == [Volume(name, app_id)], "it outlives its container"
    bench.runtime.volumes.remove(name)
    assert bench.runtime.volumes.all(app_id) == []


def test_without_its_volume_nothing_starts_and_no_empty_one_is_made(bench: Bench, app_id: AppId) -> None:
    lost = VolumeMount(f"portside-{app_id}-lost", "/data")
    with pytest.raises(VolumeGone, match="The volume for /data is gone from this host"):
        bench.runtime.start(replace(bench.order(IDLE, 9, app_id), mounts=(lost,)))
    assert bench.runtime.containers(app_id) == []
    assert bench.runtime.volumes.all(app_id) == []

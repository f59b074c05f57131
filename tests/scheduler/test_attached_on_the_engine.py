"""Attached runs, from the client's socket to the process in its container."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest

from core.ids import AppId
from scheduler import RunWish
from scheduler.runs import Asked
from tests.scheduler.clients import Client, rendezvous
from tests.scheduler.conftest import Platform, eventually

pytestmark = pytest.mark.engine

CONSOLE = (
    """perl -e '$|=1; $SIG{INT}=sub{print "caught\\n"}; print "ready\\n"; """
    """while(!defined($l=<STDIN>)){}; print "bye $l"'"""
)


@pytest.fixture
def runs(engine: Platform, app_id: AppId) -> Any:
    """One-off runs of a live app; their clients come in by any free port."""
    engine.deploy(engine.spec(app_id))
    settings = replace(engine.settings, run_host="127.0.0.1", run_port=0)
    return replace(engine.scheduler.runs, settings=settings)


@pytest.fixture
def port(runs: Any, tmp_path: Path) -> Iterator[int]:
    with rendezvous(runs, tmp_path / "certificate.pem") as port:
        yield port


@pytest.fixture
def ask(runs: Any, app_id: AppId) -> Callable[..., Asked]:
    def asked(command: str, **wish: Any) -> Asked:
        return runs.ask(app_id, RunWish(command, "ada@example.com", **{"attached": True, **wish}))  # type: ignore[no-any-return]

    return asked


def containers_of(engine: Platform, app_id: AppId) -> list[str]:
    return [one.process for one in engine.runtime.containers(app_id) if one.process.startswith("run.")]


def test_what_is_piped_in_comes_out_and_the_exit_code_with_it(
    engine: Platform, app_id: AppId, runs: Any, port: int, ask: Callable[..., Asked]
) -> None:
    client, asked = Client(port), ask("cat; echo oops >&2; exit 7")
    assert client.meet(asked.ticket) == b"rendezvous\r\n"
    every_byte = bytes(range(256)) * 4000
    client.send(every_byte[: len(every_byte) // 2])
    client.send(every_byte[len(every_byte) // 2 :])
    client.send(b"")
    assert client.to_the_end() == 7
    assert hashlib.sha256(client.shown).digest() == hashlib.sha256(every_byte).digest()
    assert client.errors == b"oops\n"
    run = runs.find(app_id, "run.1")
    assert (run.state, run.exit_code, run.reason) == ("ended", 7, "")
    assert containers_of(engine, app_id) == []


def test_a_run_is_an_instance_without_a_port(app_id: AppId, port: int, ask: Callable[..., Asked]) -> None:
    client = Client(port)
    client.meet(
        ask("env; id -u; grep CapEff /proc/self/status; test -t 0 || echo no terminal", env={"EXTRA": "1"}).ticket
    )
    client.send(b"")
    assert client.to_the_end() == 0
    lines = client.shown.decode().splitlines()
    assert {"WORD=hello", "DYNO=run.1", "RELEASE_VERSION=v1", "EXTRA=1", "1000", "CapEff:\t0000000000000000"} <= set(
        lines
    )
    assert "no terminal" in lines
    assert not [line for line in lines if line.startswith("PORT=")]


def test_a_terminal_has_its_size_takes_another_and_ctrl_c_reaches_the_process(
    port: int, ask: Callable[..., Asked]
) -> None:
    client = Client(port)
    client.meet(ask("stty size; read line; stty size; sleep 1000; echo not reached", terminal=(101, 31)).ticket)
    client.until(b"31 101")
    client.send(struct.pack(">HH", 133, 44), kind=3)
    client.send(b"\n")
    client.until(b"44 133")
    client.send(b"\x03")
    assert client.to_the_end() == 130
    assert b"not reached" not in client.shown


def test_a_console_that_handles_ctrl_c_lives_on(port: int, ask: Callable[..., Asked]) -> None:
    client = Client(port)
    client.meet(ask(f"true && {CONSOLE}", terminal=(80, 24)).ticket)
    client.until(b"ready")
    client.send(b"\x03")
    client.until(b"caught")
    client.send(b"x\n")
    client.until(b"bye x")
    assert client.to_the_end() == 0


def test_without_a_terminal_a_signal_is_passed_on(port: int, ask: Callable[..., Asked]) -> None:
    client = Client(port)
    client.meet(ask("echo ready; sleep 1000").ticket)
    client.until(b"ready")
    client.send(b"INT", kind=4)
    assert client.to_the_end() == 130


def test_herokus_client_gets_bytes_and_ends_the_input_with_eot(port: int, ask: Callable[..., Asked]) -> None:
    client = Client(port, framed=False)
    assert client.meet(ask("cat; echo done").ticket) == b"rendezvous\r\n"
    client.send(b"piped\n\x04")
    client.to_the_end()
    assert client.shown == b"piped\ndone\n"


def test_when_its_client_goes_away_a_run_ends_and_its_container_is_removed(
    engine: Platform, app_id: AppId, runs: Any, port: int, ask: Callable[..., Asked]
) -> None:
    client = Client(port)
    client.meet(ask("trap '' HUP TERM; echo ready; sleep 1000", terminal=(80, 24)).ticket)
    client.until(b"ready")
    with engine.looping():
        client.vanish()
        eventually(lambda: runs.find(app_id, "run.1").over, "the run has ended")
        eventually(lambda: containers_of(engine, app_id) == [], "its container is gone")
    assert runs.find(app_id, "run.1").reason == "Its client went away."


def test_when_the_gateway_dies_the_loop_ends_the_run(
    engine: Platform, app_id: AppId, runs: Any, port: int, ask: Callable[..., Asked], tmp_path: Path
) -> None:
    """A gateway that is killed says nothing: here, one that never gives a sign of life."""
    silent = replace(runs, settings=replace(runs.settings, run_seen_s=0.01, grace_s=0.5))
    row = _claimed(silent, ask("sleep 1000"))
    silent.with_address(row, lambda order: silent.started(row, silent.runtime.open(order).container_id))
    assert containers_of(engine, app_id) == ["run.1"]
    with engine.looping():
        eventually(lambda: runs.find(app_id, "run.1").over, "the run has ended")
        eventually(lambda: containers_of(engine, app_id) == [], "its container is gone")
    assert runs.find(app_id, "run.1").reason == "The connection to its client was lost."


def test_a_command_that_does_not_exist_ends_with_127(port: int, ask: Callable[..., Asked]) -> None:
    client = Client(port)
    client.meet(ask("no-such-program").ticket)
    assert client.to_the_end() == 127
    assert b"no-such-program" in client.errors


def test_a_detached_runs_output_is_in_the_log_after_its_end(
    engine: Platform, app_id: AppId, runs: Any, ask: Callable[..., Asked]
) -> None:
    ask("echo one; echo two; exit 3", attached=False)
    with engine.looping():
        eventually(lambda: runs.find(app_id, "run.1").over, "the run has ended")
        assert runs.find(app_id, "run.1").exit_code == 3
        engine.deploy(engine.spec(app_id, version=2))
        eventually(lambda: engine.running(app_id) == ["web.1"], "only web is left")
    lines = [(line.source, line.text) for line in engine.scheduler.logs(app_id, process="run.1") if line is not None]
    assert [text for source, text in lines if source == "app"] == ["one", "two"]
    assert lines[-1] == ("portside", "Process exited with status 3")


def test_a_run_outlives_a_deploy(
    engine: Platform, app_id: AppId, runs: Any, port: int, ask: Callable[..., Asked]
) -> None:
    client = Client(port)
    client.meet(ask("echo ready; read line; echo $RELEASE_VERSION").ticket)
    client.until(b"ready")
    with engine.looping():
        engine.deploy(engine.spec(app_id, version=2))
        eventually(lambda: [one.version for one in engine.scheduler.instances(app_id)] == [2], "only v2 is left")
        client.send(b"go\n")
        assert client.to_the_end() == 0
    assert client.shown == b"ready\nv1\n"


def test_the_time_limit_and_a_kill_end_a_run(
    engine: Platform, app_id: AppId, runs: Any, ask: Callable[..., Asked]
) -> None:
    ask("sleep 1000", attached=False, limit_s=1)
    ask("trap '' TERM; while :; do sleep 1; done", attached=False)
    with engine.looping():
        eventually(lambda: runs.find(app_id, "run.2").state == "running", "the second run is up")
        runs.stop(app_id, "run.2", "Stopped by ada@example.com.")
        eventually(lambda: all(run.over for run in runs.of_app(app_id)), "both have ended")
    first, second = runs.of_app(app_id)
    assert (first.reason, first.exit_code) == ("It ran for longer than its limit of 1 s.", 143)
    assert (second.reason, second.exit_code) == ("Stopped by ada@example.com.", 137)


def test_memory_over_the_limit_is_named_as_the_reason(port: int, ask: Callable[..., Asked]) -> None:
    client = Client(port)
    client.meet(ask("exec perl -e '$x = q(x) x 200_000_000; sleep 100'").ticket)
    client.to_the_end()
    assert b"It used more than its 64 MB of memory and was killed." in client.errors


def _claimed(runs: Any, asked: Asked) -> Any:
    from scheduler.attached import Attending

    row = Attending(runs).admit(asked.ticket)
    assert row is not None
    return row


def test_the_output_of_an_attached_run_is_kept_nowhere(
    engine: Platform, app_id: AppId, port: int, ask: Callable[..., Asked]
) -> None:
    client = Client(port)
    client.meet(ask("echo secret; read line").ticket)
    client.until(b"secret")
    [container] = [one for one in engine.runtime.containers(app_id) if one.process == "run.1"]
    api = docker.APIClient()
    try:
        assert api.inspect_container(container.id)["HostConfig"]["LogConfig"]["Type"] == "none"
    finally:
        api.close()
    client.send(b"")
    client.to_the_end()
    assert not [line for line in engine.scheduler.logs(app_id, process="run.1") if line and line.source == "app"]

"""What is missing on a machine, and what is said about it."""

from __future__ import annotations

from pathlib import Path

from server import engine, machine
from server.base_image import Base, mmdebstrap_argv
from server.progress import Progress
from server.quickstart import domain_advice


def test_missing_programs_are_named_with_the_one_command_that_installs_them() -> None:
    bare = machine.missing(machine.NEEDED, find=lambda command: "/usr/bin/git" if command == "git" else None)
    error = machine.lacking(bare)
    assert error.message == "Not installed on this machine: redis-server, haproxy, docker-registry, setpriv."
    assert error.hint == (
        "sudo apt-get update && sudo apt-get install -y --no-install-recommends "
        "docker-registry haproxy redis-server util-linux"
    )


def test_stale_files_of_a_killed_engine_are_removed_with_its_sockets(tmp_path: Path) -> None:
    folder = tmp_path / "docker" / "containerd"
    folder.mkdir(parents=True)
    (tmp_path / "docker.pid").write_text("4194305")  # over the kernel's highest pid
    (folder / "containerd.pid").write_text("4194305")
    (folder / "containerd.sock").touch()
    assert engine.clear_stale(tmp_path) == [
        "docker.pid",
        "docker/containerd/containerd.pid",
        "docker/containerd/containerd.sock",
    ]
    assert engine.clear_stale(tmp_path) == []


def test_the_base_image_is_a_minimal_debian_13_with_certificates() -> None:
    argv = mmdebstrap_argv(Path("/tmp/base.tar"), Base())
    assert argv[:3] == ["mmdebstrap", "--variant=minbase", "--include=ca-certificates"]
    assert argv[-2:] == ["trixie", "/tmp/base.tar"]


def test_another_stack_is_its_own_image_of_its_own_suite() -> None:
    base = Base("debian-14", "forky", frozen_mirror=True)
    assert (base.image, base.hub_image) == ("portside/base:debian-14", "debian:forky-slim")
    argv = mmdebstrap_argv(Path("/tmp/base.tar"), base)
    assert argv[-2] == "forky"
    assert "--aptopt=Acquire::Check-Valid-Until false" in argv
    assert "--aptopt=Acquire::Check-Valid-Until false" not in mmdebstrap_argv(Path("/tmp/base.tar"), Base())


def test_a_long_quiet_step_shows_that_it_lives() -> None:
    lines: list[str] = []
    progress = Progress(lines.append, heartbeat_s=0.01)
    with progress.step("Waiting"):
        while not any("…" in line for line in lines):
            pass
    assert lines[0] == "-----> Waiting"


def test_a_public_address_without_a_domain_gets_advice_that_works_at_once() -> None:
    advice = "\n".join(domain_advice("localhost", "203.0.113.7"))
    assert "PORTSIDE_DOMAIN=203-0-113-7.sslip.io portside-server up" in advice
    assert domain_advice("apps.example.com", "203.0.113.7") == []
    assert domain_advice("localhost", None) == []

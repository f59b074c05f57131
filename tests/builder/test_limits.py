"""Steps of a build get their limits in both versions of control groups, told on trees of plain files."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder.buildkit import failure
from builder.limits import LEAST_DEFAULT_MB, Limiter, Limits, default_memory_mb, steps, why_not
from builder.progress import Progress

STEP = "v2cy6yfgpbqt4m1gw39sl26i5"
CONTAINER = "9363536d12ad57e756aeeb8f8ae55b1079ba237e88c6209d3760020917183981"
LIMITS = Limits(memory_mb=64, cpu_shares=512)


def v1(root: Path, place: str = f"docker/buildkit/{STEP}") -> Path:
    (root / "memory" / place).mkdir(parents=True)
    (root / "cpu" / place).mkdir(parents=True)
    (root / "memory" / "docker" / CONTAINER).mkdir(parents=True)
    return root


def v2(root: Path, place: str) -> Path:
    (root / place).mkdir(parents=True)
    (root / "cgroup.controllers").write_text("cpu memory pids\n")
    return root


def test_version_1_gets_memory_swap_and_the_share_of_all_builds(tmp_path: Path) -> None:
    Limiter(LIMITS, v1(tmp_path)).look()
    memory = tmp_path / "memory/docker/buildkit" / STEP
    assert (memory / "memory.limit_in_bytes").read_text() == "67108864"
    assert (memory / "memory.memsw.limit_in_bytes").read_text() == "67108864"
    assert (tmp_path / "cpu/docker/buildkit/cpu.shares").read_text() == "512"
    assert list((tmp_path / "memory/docker" / CONTAINER).iterdir()) == [], "an app's container is left alone"


@pytest.mark.parametrize(
    ("place", "weighed"),
    [
        (f"docker/buildkit/{STEP}", "docker/buildkit"),
        (f"system.slice:docker:{STEP}", f"system.slice:docker:{STEP}"),
        (f"system.slice/docker-{STEP}.scope", f"system.slice/docker-{STEP}.scope"),
    ],
    ids=["cgroupfs", "systemd by name", "systemd by scope"],
)
def test_version_2_gets_memory_swap_and_weight(tmp_path: Path, place: str, weighed: str) -> None:
    Limiter(LIMITS, v2(tmp_path, place)).look()
    assert (tmp_path / place / "memory.max").read_text() == "67108864"
    assert (tmp_path / place / "memory.swap.max").read_text() == "0"
    assert (tmp_path / weighed / "cpu.weight").read_text() == "20"


def test_containers_and_services_are_no_build_steps(tmp_path: Path) -> None:
    root = v2(tmp_path, f"system.slice/docker-{CONTAINER}.scope")
    (root / "system.slice" / "ssh.service").mkdir()
    assert steps(root) == []


def test_a_step_is_limited_once_and_the_next_one_again(tmp_path: Path) -> None:
    limiter = Limiter(LIMITS, v1(tmp_path))
    limiter.look()
    limit = tmp_path / "memory/docker/buildkit" / STEP / "memory.limit_in_bytes"
    limit.write_text("mine")
    limiter.look()
    assert limit.read_text() == "mine"
    v1(tmp_path / "other", f"docker/buildkit/{STEP[::-1]}")
    (tmp_path / "memory/docker/buildkit" / STEP[::-1]).mkdir()
    limiter.look()
    assert (tmp_path / "memory/docker/buildkit" / STEP[::-1] / "memory.limit_in_bytes").read_text() == "67108864"


def test_a_machine_without_the_controller_is_told_of(tmp_path: Path) -> None:
    assert why_not(tmp_path) == "the kernel has no memory controller"
    (tmp_path / "cgroup.controllers").write_text("cpu pids\n")
    assert why_not(tmp_path) == "the kernel has no memory controller"


def test_there_is_a_default_on_every_machine() -> None:
    assert default_memory_mb() >= LEAST_DEFAULT_MB


def told(*lines: str, memory_mb: int | None = 64) -> str:
    progress = Progress()
    for line in lines:
        progress.feed(line)
    return str(failure(progress, memory_mb))


KILLED = "#5 ERROR: executor failed running [/bin/sh -c make]: exit code: 137"


def test_a_step_over_its_limit_is_told_with_the_limit() -> None:
    assert told("#5 [2/2] RUN make", KILLED) == (
        "`RUN make` was killed: it used more than 64 MB of memory.\n"
        "Found:    more than 64 MB in use\n"
        "Expected: at most 64 MB\n"
        "To do:    Build with less at once (fewer jobs in parallel), or allow builds more on the server: "
        "PORTSIDE_BUILDER_BUILD_MEMORY_MB=128, then commit and push again."
    )
    assert told("#5 [2/2] RUN make", KILLED, memory_mb=None).startswith(
        "`RUN make` was killed: the build ran out of memory."
    )


def test_a_child_that_was_killed_is_told_as_such() -> None:
    ended = "#5 ERROR: executor failed running [/bin/sh -c make]: exit code: 2"
    output = "#5 3.10 g++: fatal error: Killed signal terminated program cc1plus"
    assert "used more than 64 MB" in told("#5 [2/2] RUN make", output, ended)
    assert "ended with exit code 2" in told("#5 [2/2] RUN make", "#5 3.10 no rule", ended)

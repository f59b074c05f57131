"""Which process is which: a pid alone proves nothing."""

from __future__ import annotations

import dataclasses
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from server import procfs


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_a_record_is_read_back_and_names_the_live_process(sleeper: subprocess.Popen[bytes], tmp_path: Path) -> None:
    procfs.write_record(tmp_path / "sleeper", sleeper.pid)
    record = procfs.read_record(tmp_path / "sleeper")
    assert record is not None
    assert procfs.is_alive(record)


def test_another_process_under_the_same_pid_is_not_ours(sleeper: subprocess.Popen[bytes]) -> None:
    record = procfs.record_of(sleeper.pid)
    assert record is not None
    earlier = dataclasses.replace(record, start=record.start - 1)
    before_the_reboot = dataclasses.replace(record, boot="another-boot")
    assert not procfs.is_alive(earlier)
    assert not procfs.end_group(earlier, patience_s=1)
    assert not procfs.end_group(before_the_reboot, patience_s=1)
    assert sleeper.poll() is None


def test_the_children_of_a_part_end_with_it_even_when_it_died_first() -> None:
    shell = subprocess.Popen(
        ["/bin/sh", "-c", "sleep 600 & echo $!; wait"], start_new_session=True, stdout=subprocess.PIPE
    )
    assert shell.stdout is not None
    child = int(shell.stdout.readline())
    record = procfs.record_of(shell.pid)
    assert record is not None
    shell.kill()
    shell.wait()
    assert procfs.end_group(record, patience_s=5)
    assert procfs.record_of(child) is None
    shell.stdout.close()


def test_a_missing_or_garbled_record_is_none(tmp_path: Path) -> None:
    (tmp_path / "garbled").write_text('{"pid": ')
    assert procfs.read_record(tmp_path / "garbled") is None
    assert procfs.read_record(tmp_path / "missing") is None


def test_our_own_age_and_memory_are_known() -> None:
    record = procfs.record_of(os.getpid())
    assert record is not None
    assert procfs.age_s(record) >= 0
    assert procfs.memory_bytes(os.getpid()) > 1_000_000

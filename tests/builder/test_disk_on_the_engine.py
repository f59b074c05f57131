"""What builds take and what a cleaning would free, measured on a real engine."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest

from builder import BuildFailed, Cleaning, Kept
from tests.builder.conftest import Bench, Lines, MemorySource

pytestmark = pytest.mark.engine

BIG = 12_000_000


def source(*instructions: str) -> MemorySource:
    return MemorySource({"Dockerfile": "\n".join(["FROM portside/base:debian-13", *instructions, 'CMD ["true"]', ""])})


def big_file() -> str:
    """An instruction that no earlier run has left in the engine's cache."""
    return f"RUN head -c {BIG} /dev/urandom > /{secrets.token_hex(8)}"


def test_a_build_is_measured_and_the_next_one_by_what_it_adds(bench: Bench, log: Lines) -> None:
    big = big_file()
    bench.builder.build(bench.request(source(big)), log)
    bench.builder.build(bench.request(source(big, "RUN touch /small")), log)
    second, first = bench.builder.took(bench.app_id, 5)
    assert BIG <= first.layers_bytes <= first.disk_bytes
    assert second.layers_bytes < BIG
    assert bench.builder.took(bench.app_id, 1) == [second]


def test_a_failed_build_is_measured_too(bench: Bench, log: Lines) -> None:
    with pytest.raises(BuildFailed):
        bench.builder.build(bench.request(source(big_file(), "RUN false")), log)
    (took,) = bench.builder.took(bench.app_id, 5)
    assert took.disk_bytes >= BIG
    assert took.layers_bytes == 0


def test_a_cleaning_tells_beforehand_what_it_would_free(bench: Bench, log: Lines) -> None:
    def freeable_bytes(kept_builds: int) -> int:
        settings = replace(bench.settings, kept_builds=kept_builds, cache_quota_mb=10_000_000, wanted_free_mb=0)
        return Cleaning(bench.database, bench.engine, bench.registry, settings).freeable_bytes(Kept)

    bench.builder.build(bench.request(source(big_file())), log)
    assert freeable_bytes(kept_builds=0) - freeable_bytes(kept_builds=5) >= BIG

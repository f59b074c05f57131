"""What portside.toml says of the release phase."""

from __future__ import annotations

import pytest

from builder import BuildFailed
from builder.manifest import read_manifest
from builder.types import Resting

PROCFILE = "web: a\nworker: b\nclock: c\nrelease: migrate\n"


def manifest(memory_source, table, procfile=PROCFILE):
    return read_manifest(memory_source({"Procfile": procfile, "portside.toml": f"[release]\n{table}"}))


def test_types_rest_and_requests_wait(memory_source) -> None:
    told = manifest(memory_source, 'stop = ["worker", "clock"]\nhold = 20\n')
    assert told.resting == Resting(("worker", "clock"), 20.0)


def test_without_a_word_nothing_rests(memory_source) -> None:
    assert read_manifest(memory_source({"Procfile": PROCFILE})).resting == Resting()


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ("holds = 3", "`release.holds` → did you mean `hold`?"),
        ('stop = "worker"', '`release.stop` should be a list of process types, such as ["worker"]'),
        ('stop = ["web"]', "`release.stop` should be process types but web, which serves on: hold = 20 lets its"),
        (
            'stop = ["wroker"]',
            "`release.stop` should be process types of the Procfile, and 'wroker' is not there: clock",
        ),
        ("hold = -1", "`release.hold` should be a number of seconds, 0 to 600"),
        ("hold = true", "`release.hold` should be a number of seconds, 0 to 600"),
        ('hold = "20s"', "`release.hold` should be a number of seconds, 0 to 600"),
    ],
)
def test_a_mistake_is_told(memory_source, table, told) -> None:
    with pytest.raises(BuildFailed) as caught:
        manifest(memory_source, table)
    assert told.lower() in str(caught.value).lower()

"""Requests while everything changes under them: none may fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import bench
from bench.load import Load, Target
from tests.acceptance.site import Site
from tests.background import eventually
from tests.live import Done

pytestmark = pytest.mark.platform

PER_S = 250
HUNDRED_MS = Path(bench.__file__).parent / "apps" / "hundred_ms"
"""Answers after 100 ms and exits on SIGTERM at once: what is not drained is lost."""


def test_no_request_fails_during_deploys_rollbacks_scaling_and_restarts(new_site: Callable[..., Site]) -> None:
    site = new_site(HUNDRED_MS)
    _did(site.push())
    with Load(Target(site.platform.http, f"{site.name}.localhost"), PER_S) as load:
        for words in ("second", "third"):
            (site.folder / "words.txt").write_text(words)
            site.platform.commit(site.folder, words)
            _did(site.push())
        _did(site.cli("rollback"))
        _did(site.cli("rollback", "v1"))
        _did(site.cli("ps:scale", "web=3"))
        eventually(lambda: len(site.containers()) == 3, "three run")
        before = {found.id for found in site.containers()}
        _did(site.cli("ps:restart"))
        eventually(lambda: len(_running(site)) == 3 and not before & _running(site), "all three are new")
        _did(site.cli("ps:scale", "web=1"))
        eventually(lambda: len(site.containers()) == 1, "one is left")
    assert load.tally.failed == 0, load.tally
    assert set(load.tally.answers) == {f"hello v{number}" for number in range(1, 6)}
    assert load.tally.sent > 1000, "it was a load"


def _running(site: Site) -> set[str]:
    return {found.id for found in site.containers()}


def _did(command: Done) -> None:
    assert command.code == 0, command.output

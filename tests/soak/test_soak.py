"""The soak, shortened: `make soak` takes an hour."""

from __future__ import annotations

import pytest

from bench.soak.run import soak

pytestmark = pytest.mark.platform

MINUTES, PER_S = 1.0, 60


def test_under_changes_without_a_pause_nothing_fails_and_nothing_is_left_behind(machine: None) -> None:
    outcome = soak(MINUTES, PER_S, print)
    assert outcome.failures.total() == 0, outcome.failures
    assert [one for one in outcome.verdicts if not one.is_well] == []
    assert outcome.sent > 1000, "it was a load"
    assert outcome.words > 50, "the WebSocket was in use"
    assert outcome.done["deploys"] >= 2

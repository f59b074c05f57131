"""Settings of the section `releases`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ReleaseSettings:
    """`keep`: how many of an app's newest releases that were live keep their image, and so can be brought
    back.

    `deliver_timeout_s`: the longest that one release may take from its turn to the switch. `turn_timeout_s`: the
    longest that it may wait for its turn. `most_waiting`: how many undecided releases one app may have. `away_s`: how
    long a release waits for an engine or a registry that is away.
    """

    keep: int = 20
    deliver_timeout_s: float = 1800.0
    turn_timeout_s: float = 3600.0
    release_phase_timeout_s: float = 900.0
    most_waiting: int = 10
    away_s: float = 60.0

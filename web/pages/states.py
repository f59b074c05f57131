"""States in a person's words, with the tone that colours them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from releases import App, Release, ReleaseState
from scheduler import Instance, InstanceState, SizeChange


class Tone(StrEnum):
    OK = "ok"
    BUSY = "busy"
    BAD = "bad"
    IDLE = "idle"


@dataclass(frozen=True)
class Badge:
    """A word and its tone; the word alone says it all, the colour only helps."""

    word: str
    tone: Tone


_INSTANCE: Final = {
    InstanceState.STARTING: Badge("Starting", Tone.BUSY),
    InstanceState.RUNNING: Badge("Running", Tone.OK),
    InstanceState.CRASHED: Badge("Crashed", Tone.BAD),
    InstanceState.RETIRED: Badge("Draining", Tone.IDLE),
    InstanceState.WARM: Badge("Kept for a rollback", Tone.IDLE),
    InstanceState.STOPPING: Badge("Stopping", Tone.IDLE),
    InstanceState.STOPPED: Badge("Stopped", Tone.IDLE),
}


_RUN: Final = {
    "waiting": Badge("Waiting", Tone.BUSY),
    "starting": Badge("Starting", Tone.BUSY),
    "running": Badge("Running", Tone.OK),
    "stopping": Badge("Stopping", Tone.IDLE),
    "ended": Badge("Ended", Tone.IDLE),
    "failed": Badge("Did not run", Tone.BAD),
    "skipped": Badge("Skipped", Tone.IDLE),
}


def of_run(state: str, exit_code: int | None) -> Badge:
    """A one-off run, or a moment of a cron entry. What ended without an exit code was ended by others."""
    if state == "ended" and exit_code is not None:
        return Badge(f"Exit code {exit_code}", Tone.BAD if exit_code else Tone.OK)
    return _RUN[state]


def of_instance(instance: Instance) -> Badge:
    return _INSTANCE[instance.state]


def of_change(change: SizeChange) -> Badge:
    """A change of sizes or checks."""
    words = {"succeeded": Badge("Done", Tone.OK), "failed": Badge("Failed", Tone.BAD)}
    return words.get(change.status, Badge("Under way", Tone.BUSY))


def of_route(routed: bool | None) -> Badge:
    """Whether the router has a host; None: it does not say."""
    if routed is None:
        return Badge("Router does not answer", Tone.BAD)
    return Badge("Routed", Tone.OK) if routed else Badge("Not routed yet", Tone.BUSY)


def of_release(release: Release) -> Badge:
    """`Live` is only the one that serves now; what served before it is `Replaced`."""
    if release.current:
        return Badge("Live", Tone.OK)
    return {
        ReleaseState.PENDING: Badge("Waiting", Tone.BUSY),
        ReleaseState.DELIVERING: Badge("Starting", Tone.BUSY),
        ReleaseState.LIVE: Badge("Replaced", Tone.IDLE),
        ReleaseState.FAILED: Badge("Failed", Tone.BAD),
    }[release.state]


def of_app(app: App, instances: Collection[Instance]) -> Badge:
    """How an app is doing, from its instances that are meant to run."""
    states = [instance.state for instance in instances]
    running, crashed = states.count(InstanceState.RUNNING), states.count(InstanceState.CRASHED)
    if app.current_version is None:
        return Badge("Not deployed", Tone.IDLE)
    if crashed:
        return Badge("Crashing" if running else "Down", Tone.BAD)
    if running:
        return Badge("Running", Tone.OK)
    return Badge("Starting", Tone.BUSY) if InstanceState.STARTING in states else Badge("Stopped", Tone.IDLE)

"""The disk of a platform, filled to the brim: apps serve, records stay whole, people are told; then all goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from gitreceiver import PushState
from tests.acceptance.site import Site
from tests.background import eventually
from tests.crash.aftermath import Aftermath
from tests.crash.blows import PARTS, Victim
from tests.crash.moments import BUILD
from tests.crash.small_disk import SmallDisk
from tests.crash.steady import Steady
from tests.live import LivePlatform

pytestmark = pytest.mark.platform

SIZE_MB = 400
ROOM = {"RECEIVER_MIN_FREE_MB": 50, "RECEIVER_FIRST_BUILD_MB": 40}
REFUSED = "! [remote rejected] main -> main (the server's disk is nearly full)"
FULL = "The server's disk is full"
NOT_STOPPED_BY_GC = [part for part in PARTS if part != "registry"]


@pytest.fixture(scope="module")
def disk_and_platform(machine: None) -> Iterator[tuple[SmallDisk, LivePlatform]]:
    """A platform whose home is a disk of its own. (The engine's data is elsewhere, as on many servers.)"""
    live = LivePlatform(**ROOM)
    with SmallDisk(live.home, SIZE_MB) as disk:
        try:
            live.start()
            yield disk, live
        finally:
            live.end()


@pytest.fixture(scope="module")
def platform(disk_and_platform: tuple[SmallDisk, LivePlatform]) -> LivePlatform:
    return disk_and_platform[1]


@pytest.fixture
def disk(disk_and_platform: tuple[SmallDisk, LivePlatform]) -> SmallDisk:
    return disk_and_platform[0]


def test_a_disk_filled_to_the_brim_and_freed_again(site: Site, victim: Victim, disk: SmallDisk) -> None:
    after, good = Aftermath.of(site), site.branch()
    before = {part: victim.record(part) for part in NOT_STOPPED_BY_GC}
    with Steady(site) as visitor:
        disk.fill()
        assert disk.free_bytes == 0

        site.write("two")
        refused = site.push()
        assert REFUSED in refused.output
        assert "remote:  !     There is no room for this push on the server's disk." in refused.output
        assert f"Found:    0 MB free where {site.platform.home}/repos is." in refused.output
        assert "portside-server gc" in refused.output
        assert site.branch() == good

        assert "release=v1" in site.platform.get(site.name).text
        assert site.versions() == [(1, "succeeded")]
        assert "web.1" in site.cli("ps").output
        _assert_worked_or_told(site, "config:set", "COLOUR=red")
        _assert_worked_or_told(site, "ps:scale", "web=1")
        _assert_records_are_whole(site)
        disk.fill()
        cleaned = site.platform.server("gc", BUILDER_CACHE_QUOTA_MB=10_000_000)
        assert cleaned.code == 0, cleaned.output
        assert "more are free" in cleaned.output, "the command that frees space does not itself need some"
        assert "left alone" not in cleaned.output

        disk.give_back()
        eventually(lambda: after.last_push().state is PushState.LIVE, "no push is left hanging")
        commit = site.write("three")
        pushed = site.push()
        assert pushed.code == 0, pushed.output
    assert visitor.failures == []
    assert site.answer()["commit"] == commit
    assert site.cli("config:set", "COLOUR=blue").code == 0
    assert site.answer()["words"] == "three"
    _assert_records_are_whole(site)
    now = {part: victim.record(part) for part in NOT_STOPPED_BY_GC}
    assert now == before, "nothing had to be started again"


def test_a_push_that_is_under_way_when_the_disk_fills_says_so_and_ends_once_there_is_room(
    site: Site, disk: SmallDisk
) -> None:
    """It was let in, and then something else took the room."""
    after = Aftermath.of(site)
    commit = BUILD.prepare(site)
    with Steady(site) as visitor, site.pushing() as push:
        BUILD.await_it(site, push, 2)
        disk.fill()
        push.says("disk is full")
        assert push.running, "it waits: nothing can be recorded, also not that it failed"
        disk.give_back()
        state = after.final_push(commit).state
        told = push.ended()
    assert visitor.failures == []
    assert (told.code == 0) == (state is PushState.LIVE), told.output
    _assert_records_are_whole(site)
    site.write("next")
    pushed = site.push()
    assert pushed.code == 0, pushed.output


def _assert_worked_or_told(site: Site, *arguments: str) -> None:
    done = site.cli(*arguments)
    assert done.code == 0 or FULL in done.output, done.output


def _assert_records_are_whole(site: Site) -> None:
    with closing(sqlite3.connect(f"file:{site.platform.home / 'portside.db'}?mode=ro", uri=True)) as records:
        assert records.execute("PRAGMA integrity_check").fetchall() == [("ok",)]

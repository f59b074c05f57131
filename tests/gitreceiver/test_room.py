"""Claims on the disk: held by pushes that are under way, and by nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from accounts import Identity
from builder import Took
from core import clock
from core.database import Database
from core.errors import Unavailable
from core.ids import AppId, UserId, new_id
from gitreceiver import Journal, PushKind, PushState, ReceiverSettings, RefUpdate
from gitreceiver.disk import DiskNearlyFull, Need
from gitreceiver.room import Claim, Room, still_needed
from gitreceiver.tables import DiskClaimRow, PushRow
from tests.databases import new_database

APP = AppId(new_id())
MIB = 1 << 20


class MeasuredBuilder:
    """Knows what the builds of each app took; its engine is on the disk of the home."""

    @property
    def data_root(self) -> Path | None:
        return None

    def __init__(self) -> None:
        self.builds: dict[AppId, list[Took]] = {}

    def took(self, app_id: AppId, most: int) -> list[Took]:
        return self.builds.get(app_id, [])[:most]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = new_database(tmp_path / "test.db")
    yield database
    database.close()


@pytest.fixture
def room_with(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Room]:
    """A room on a disk with so many MB free, where the first build of an app takes 150 MB in all."""

    def make(free_mb: int, **more: Any) -> Room:
        free: Any = lambda _: type("Usage", (), {"free": free_mb * MIB})()  # noqa: E731
        monkeypatch.setattr("gitreceiver.room.shutil.disk_usage", free)
        settings = ReceiverSettings(min_free_mb=1000, first_build_mb=100)
        builder: Any = more.pop("builder", MeasuredBuilder())
        return Room(database, builder, tmp_path / "repos", settings, **more)

    return make


def record(database: Database) -> str:
    journal, push_id = Journal(database), new_id()
    who = Identity(UserId(new_id()), "ada@example.com", is_admin=False)
    journal.add(push_id, APP, PushKind.PUSH, RefUpdate("refs/heads/main", None, "a" * 40), (), who)
    return push_id


class BuilderWithoutEngine(MeasuredBuilder):
    """Its engine is down."""

    @property
    def data_root(self) -> Path | None:
        raise Unavailable("The Docker Engine does not answer.")


def test_two_pushes_at_once_do_not_share_the_same_room(room_with: Callable[..., Room]) -> None:
    room = room_with(1299)
    room.claim(APP)
    with pytest.raises(DiskNearlyFull) as refused:
        room.claim(APP)
    assert "other builds under way          150 MB" in str(refused.value)


def test_of_many_at_the_same_moment_as_many_get_in_as_fit(room_with: Callable[..., Room]) -> None:
    room = room_with(1000 + 3 * 150)

    def knock(_: int) -> bool:
        try:
            return bool(room.claim(APP))
        except DiskNearlyFull:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(knock, range(8))) == 3


def test_a_claim_that_is_given_up_makes_room(room_with: Callable[..., Room]) -> None:
    room = room_with(1299)
    room.settle(room.claim(APP), None)
    assert room.claim(APP)


def test_a_claim_of_a_push_that_is_over_makes_room(room_with: Callable[..., Room], database: Database) -> None:
    room = room_with(1299)
    push_id = record(database)
    room.settle(room.claim(APP), push_id, 5)
    with pytest.raises(DiskNearlyFull):
        room.claim(APP)
    Journal(database).withdraw(push_id, "cancelled")
    assert room.claim(APP)


def test_a_claim_whose_process_died_counts_for_an_hour(room_with: Callable[..., Room], database: Database) -> None:
    room = room_with(1299)
    left = room.claim(APP)
    with database.write() as session:
        session.execute(update(DiskClaimRow).values(made_at=clock.now() - timedelta(minutes=61)))
    assert room.claim(APP)
    with database.read() as session:
        assert session.get(DiskClaimRow, left) is None


def test_what_a_push_received_is_remembered_and_predicts_the_next(
    room_with: Callable[..., Room], database: Database
) -> None:
    room = room_with(2000)
    room.settle(room.claim(APP), record(database), 40 * MIB)
    with database.read() as session:
        assert session.scalars(select(PushRow.pack_bytes)).all() == [40 * MIB]
    room.claim(APP)
    with database.read() as session:
        assert max(session.scalars(select(DiskClaimRow.source_bytes))) == 50 * MIB


def test_an_app_is_reckoned_by_its_own_builds(room_with: Callable[..., Room]) -> None:
    builder = MeasuredBuilder()
    builder.builds[APP] = [Took(4 * MIB, 2 * MIB), Took(8 * MIB, 2 * MIB)]
    room = room_with(1013, builder=builder)
    assert room.claim(APP)
    with pytest.raises(DiskNearlyFull):
        room.claim(AppId(new_id()))


def test_a_branch_that_does_not_deploy_needs_room_for_its_source_only(room_with: Callable[..., Room]) -> None:
    room = room_with(1001)
    assert room.claim(APP, builds=False)
    with pytest.raises(DiskNearlyFull):
        room.claim(APP)


def test_while_the_engine_is_down_a_push_is_judged_by_the_disk_at_home(room_with: Callable[..., Room]) -> None:
    assert room_with(1151, builder=BuilderWithoutEngine()).claim(APP)
    with pytest.raises(DiskNearlyFull):
        room_with(1149, builder=BuilderWithoutEngine()).claim(AppId(new_id()))


def test_a_refusal_says_what_a_gc_would_free(room_with: Callable[..., Room]) -> None:
    with pytest.raises(DiskNearlyFull, match="portside-server gc, which frees about 1,200 MB") as refused:
        room_with(10, freeable_bytes=lambda: 1200 * MIB).claim(APP)
    assert refused.value.code == "disk_nearly_full"


@pytest.mark.parametrize(
    ("state", "needed"),
    [
        (None, Need(1, 2, 4)),
        (PushState.RECEIVED, Need(0, 2, 4)),
        (PushState.BUILDING, Need(0, 2, 4)),
        (PushState.RELEASING, Need(0, 0, 4)),
        (PushState.LIVE, None),
        (PushState.SUPERSEDED, None),
    ],
)
def test_a_push_needs_less_and_less(state: PushState | None, needed: Need | None) -> None:
    assert still_needed(Claim(Need(1, 2, 4), state)) == needed

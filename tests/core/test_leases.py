"""A lease has one holder, and a holder that was overtaken can write nothing."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from core import clock
from core.database import Database
from core.errors import LeaseLost
from core.leases import DROPPED, KEPT_FOR, LeaseRow, Leases
from tests.databases import new_database


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return new_database(tmp_path / "leases.db")


def wait_until(happened: threading.Event) -> None:
    assert happened.wait(timeout=30)


def test_only_one_of_two_gets_it(database: Database) -> None:
    leases = Leases(database)
    assert leases.take("push") is not None
    assert leases.take("push") is None
    assert leases.take("another push") is not None


def test_it_can_be_taken_again_once_given_back_under_a_higher_fence(database: Database) -> None:
    leases = Leases(database)
    first = leases.take("push")
    assert first is not None
    leases.give_back(first)
    second = leases.take("push")
    assert second is not None
    assert second.fence == first.fence + 1


def test_an_expired_lease_goes_to_the_next_and_its_holder_finds_out(database: Database) -> None:
    dead = Leases(database, ttl_s=0).take("push")
    assert dead is not None
    heir = Leases(database).take("push")
    assert heir is not None
    Leases(database).renew(dead)
    assert dead.lost.is_set()
    with pytest.raises(LeaseLost):
        dead.check()


def test_a_lost_lease_guards_no_write(database: Database) -> None:
    dead = Leases(database, ttl_s=0).take("push")
    heir = Leases(database).take("push")
    assert dead is not None
    assert heir is not None
    with database.read() as session:
        assert session.scalars(select(LeaseRow.name).where(dead.fenced())).all() == []
        assert session.scalars(select(LeaseRow.name).where(heir.fenced())).all() == ["push"]
    with database.write() as session:
        heir.hold_in(session)
    with pytest.raises(LeaseLost), database.write() as session:
        dead.hold_in(session)


def test_giving_back_a_lost_lease_does_not_end_the_heirs(database: Database) -> None:
    leases = Leases(database)
    dead = Leases(database, ttl_s=0).take("push")
    heir = leases.take("push")
    assert dead is not None
    assert heir is not None
    leases.give_back(dead)
    assert leases.is_held("push")


def test_the_heartbeat_keeps_it_for_as_long_as_the_block_runs(database: Database) -> None:
    class Counting(Leases):
        beats = 0
        enough = threading.Event()

        def renew(self, lease):  # type: ignore[no-untyped-def]
            super().renew(lease)
            self.beats += 1
            if self.beats == 3:
                self.enough.set()

    leases = Counting(database, ttl_s=3)
    with leases.held("push") as lease:
        assert lease is not None
        wait_until(leases.enough)
        assert leases.is_held("push")
        assert not lease.lost.is_set()
    assert not leases.is_held("push")


def test_a_block_that_finds_it_taken_is_told_so(database: Database) -> None:
    leases = Leases(database)
    with leases.held("push"), leases.held("push") as second:
        assert second is None


def test_a_heartbeat_that_finds_the_lease_gone_says_so(database: Database) -> None:
    leases = Leases(database, ttl_s=0.3)
    with leases.held("push") as lease:
        assert lease is not None
        with database.write() as session:
            row = session.get_one(LeaseRow, "push")
            row.owner, row.fence = "somebody else", row.fence + 1
        wait_until(lease.lost)


def test_leases_are_found_by_the_beginning_of_their_names(database: Database) -> None:
    leases = Leases(database)
    given_back = leases.take("line:b")
    assert given_back is not None
    leases.give_back(given_back)
    for name in ("line:a", "liner", "pushes:a"):
        leases.take(name)
    assert leases.held_under("line:") == ["line:a"]


def end_long_ago(database: Database, *names: str) -> None:
    past = clock.now() - KEPT_FOR - timedelta(minutes=1)
    with database.write() as session:
        session.execute(update(LeaseRow).where(LeaseRow.name.in_(names)).values(expires_at=past))


def rows(database: Database) -> dict[str, int]:
    with database.read() as session:
        return {row.name: row.fence for row in session.scalars(select(LeaseRow))}


def test_leases_that_ended_long_ago_are_dropped_and_the_others_stay(database: Database) -> None:
    leases = Leases(database)
    with leases.held("gone"), leases.held("just ended"):
        pass
    assert leases.take("held") is not None
    end_long_ago(database, "gone")
    assert leases.drop_ended() == 1
    assert rows(database) == {"just ended": 1, "held": 1, DROPPED: 1}
    assert leases.drop_ended() == 0


def test_a_name_that_comes_back_has_a_higher_fence_than_it_ever_had(database: Database) -> None:
    leases = Leases(database)
    for _ in range(3):
        with leases.held("much used") as last:
            pass
    dead = Leases(database, ttl_s=0).take("little used")
    assert last is not None
    assert dead is not None
    end_long_ago(database, "much used", "little used")
    leases.drop_ended()
    end_long_ago(database, DROPPED)
    leases.drop_ended()
    again, heir = leases.take("much used"), leases.take("little used")
    assert again is not None
    assert heir is not None
    assert again.fence > last.fence
    assert heir.fence > dead.fence
    with database.read() as session:
        assert session.scalars(select(LeaseRow.name).where(dead.fenced())).all() == []
    leases.renew(dead)
    assert dead.lost.is_set()


def test_the_holder_of_a_dropped_lease_can_write_nothing(database: Database) -> None:
    dead = Leases(database).take("frozen")
    assert dead is not None
    end_long_ago(database, "frozen")
    Leases(database).drop_ended()
    with pytest.raises(LeaseLost), database.write() as session:
        dead.hold_in(session)

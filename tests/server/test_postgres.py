"""What must hold for a whole platform holds with its records in PostgreSQL too, and when many ask at once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select

from accounts import Accounts
from core import process
from core.database import Database
from core.errors import UserError
from core.ids import AppId, UserId, new_id
from core.secrets import Sealer
from gitreceiver.desk import RefUpdate
from gitreceiver.journal import Journal
from gitreceiver.tables import PushRow
from gitreceiver.types import PushKind, PushState
from releases import ReleaseKind, ReleaseSettings
from releases.apps import Apps
from releases.content import Content
from releases.ledger import Draft, Ledger
from router import Backend
from router.records import point
from router.tables import SlotRow
from scheduler.addresses import lease
from scheduler.tables import AddressRow
from server.tables import METADATA
from tests.postgres import at_once, postgres_database
from tests.releases.world import Someone
from tests.server.test_migrations import differences

pytestmark = pytest.mark.engine

AT_ONCE = 10
_MIGRATE = (
    "import sys; from core.database import Database as D; from server.migrate import migrate as m; m(D(sys.argv[1]))"
)


def test_of_fifteen_guesses_at_once_ten_are_let_through(on_postgres: Database, quick_passwords: None) -> None:
    accounts = Accounts(on_postgres)
    accounts.add_user("ada@example.com", "correct horse battery")
    told = at_once(15, lambda: accounts.sign_in("ada@example.com", "wrong"))
    codes = sorted(error.code for error in told if isinstance(error, UserError))
    assert codes == ["rate_limit"] * 5 + ["unauthorized"] * 10


def test_instances_started_at_once_have_an_address_each(on_postgres: Database) -> None:
    def start() -> str:
        with on_postgres.write() as session:
            return lease(session, "10.9.8.0/28", [new_id()], set()).popitem()[1]

    given = at_once(AT_ONCE, start)
    assert len({str(each) for each in given}) == AT_ONCE
    with on_postgres.read() as session:
        assert set(session.scalars(select(AddressRow.address))) == set(given)


def test_releases_asked_for_at_once_have_a_number_each(on_postgres: Database, tmp_path: Path) -> None:
    app = Apps(on_postgres).create("calm-harbor", UserId("user-1"))
    ledger = Ledger(on_postgres, Sealer(tmp_path / "key"), ReleaseSettings())
    draft = Draft(ReleaseKind.IMAGE, "Deploy", Someone(), image=Content())
    given = at_once(AT_ONCE, lambda: ledger.submit(app.id, draft, 0).version)
    assert sorted(str(each) for each in given) == sorted(str(number) for number in range(1, AT_ONCE + 1))


def test_apps_switched_at_once_have_a_slot_each(on_postgres: Database) -> None:
    def switch() -> None:
        with on_postgres.write() as session:
            point(session, AppId(new_id()), "one", [Backend(new_id(), "10.9.8.7", 80)])

    assert at_once(AT_ONCE, switch) == [None] * AT_ONCE
    with on_postgres.read() as session:
        assert sorted(session.scalars(select(SlotRow.number))) == list(range(AT_ONCE))


def test_an_app_switched_at_once_has_one_generation_that_serves(on_postgres: Database) -> None:
    app_id = AppId(new_id())

    def switch() -> None:
        with on_postgres.write() as session:
            point(session, app_id, new_id(), [Backend(new_id(), "10.9.8.7", 80)])

    assert at_once(AT_ONCE, switch) == [None] * AT_ONCE
    with on_postgres.read() as session:
        assert session.scalar(select(func.count()).where(SlotRow.state == "current")) == 1


def test_of_pushes_received_at_once_one_is_queued(on_postgres: Database) -> None:
    journal, app_id = Journal(on_postgres), AppId(new_id())
    update = RefUpdate("refs/heads/main", None, "1" * 40)
    received = at_once(AT_ONCE, lambda: journal.add(new_id(), app_id, PushKind.PUSH, update, (), Someone()))
    assert not [each for each in received if isinstance(each, Exception)]
    with on_postgres.read() as session:
        states = list(session.scalars(select(PushRow.state)))
    assert sorted(states) == [PushState.RECEIVED] + [PushState.SUPERSEDED] * (AT_ONCE - 1)


def test_processes_that_start_at_once_migrate_once(postgres: str) -> None:
    with postgres_database(postgres, tables=False) as database:
        url = database.engine.url.render_as_string(hide_password=False)
        argv = [sys.executable, "-c", _MIGRATE, url]
        assert at_once(2, lambda: process.run(argv).code) == [0, 0]
        assert differences(database) == []
        assert set(inspect(database.engine).get_table_names()) == {*METADATA.tables, "alembic_version"}

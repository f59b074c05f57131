"""What is told of the address of the records never has the password in it."""

from __future__ import annotations

import traceback

import pytest

from core.database import Database
from core.errors import Unavailable, UserError
from core.leases import LeaseRow

SECRET = "hunter2"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_the_usual_ways_to_write_the_scheme_are_one(scheme: str) -> None:
    database = Database(f"{scheme}://portside:{SECRET}@db/portside")
    assert database.engine.url.drivername == "postgresql+psycopg"
    assert database.engine.url.password == SECRET
    database.close()


@pytest.mark.parametrize(
    ("url", "message"),
    [
        (f"postgresql://portside:{SECRET}/portside", "PORTSIDE_DATABASE_URL can't be read as an address."),
        (f"postgresql://portside:x@y/{SECRET}@db/portside", "PORTSIDE_DATABASE_URL can't be read as an address."),
        (f"postgresql://portside:x@{SECRET}@db/portside", "PORTSIDE_DATABASE_URL can't be read as an address."),
        (f"{SECRET}@db", "PORTSIDE_DATABASE_URL can't be read as an address."),
        (f"mysql://portside:{SECRET}@db/x", "PORTSIDE_DATABASE_URL is not the address of a PostgreSQL database."),
    ],
)
def test_an_address_that_is_none_is_refused(url: str, message: str) -> None:
    with pytest.raises(UserError) as caught:
        Database(url)
    assert caught.value.message == message
    assert caught.value.hint.startswith("Write postgresql+psycopg://ROLE:PASSWORD@HOST/DATABASE;")
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert SECRET not in str(caught.value)


def test_a_server_that_is_away_is_told_as_such() -> None:
    database = Database(f"postgresql://portside:{SECRET}@/portside?host=/nonexistent")
    with pytest.raises(Unavailable) as caught, database.read() as session:
        session.get(LeaseRow, "any")
    assert caught.value.message == (
        "The records can't be reached: PostgreSQL does not answer, or turns the server away."
    )
    assert "`portside-server doctor` on the server says the reason." in caught.value.hint
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    database.close()

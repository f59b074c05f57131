"""Addresses are given to one instance at a time."""

from __future__ import annotations

import ipaddress
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from core.database import Database
from core.errors import UserError
from core.ids import AppId, new_id
from scheduler.addresses import any_over, free_unlisted, lease, pick, swap
from scheduler.records import load_apps
from scheduler.tables import AddressRow, AppRunRow
from tests.scheduler.conftest import Platform

SUBNET = "10.9.8.0/28"


@given(st.sets(st.integers(2, 14)), st.integers(0, 2**16), st.integers(0, 13))
def test_picked_addresses_are_free_distinct_and_usable(taken: set[int], start: int, count: int) -> None:
    held = {f"10.9.8.{number}" for number in taken}
    if count > 13 - len(taken):
        with pytest.raises(UserError, match="has no"):
            pick(SUBNET, held, count, start)
        return
    found = pick(SUBNET, held, count, start)
    assert len(set(found)) == count
    assert not set(found) & held
    hosts = list(ipaddress.ip_network(SUBNET).hosts())
    assert {ipaddress.ip_address(one) for one in found} <= set(hosts[1:])


def leased(database: Database) -> set[str]:
    with database.read() as session:
        return set(session.scalars(select(AddressRow.address)))


def test_addresses_that_a_router_still_lists_are_not_given(platform: Platform) -> None:
    listed = {f"10.9.8.{number}" for number in range(2, 14)}
    with platform.database.write() as session:
        assert lease(session, SUBNET, ["one"], listed) == {"one": "10.9.8.14"}


def test_an_address_is_freed_only_when_its_instance_is_over_and_no_router_lists_it(platform: Platform) -> None:
    gone = new_id()
    with platform.database.write() as session:
        address = lease(session, SUBNET, [gone], set())[gone]
    with platform.database.write() as session:
        assert any_over(session)
        free_unlisted(session, {address})
    assert leased(platform.database) == {address}
    with platform.database.write() as session:
        free_unlisted(session, set())
        assert not any_over(session)
    assert leased(platform.database) == set()


def test_more_addresses_are_freed_at_once_than_a_statement_may_name(platform: Platform) -> None:
    with platform.database.write() as session:
        session.add_all(AddressRow(address=f"10.9.{n // 256}.{n % 256}", instance_id="gone") for n in range(1100))
    with platform.database.write() as session, few_values(session):
        free_unlisted(session, {"10.9.0.7"})
    assert leased(platform.database) == {"10.9.0.7"}


def test_the_lines_of_more_apps_are_looked_at_than_a_statement_may_name(platform: Platform, app_id: AppId) -> None:
    apps = (app_id, *(AppId(new_id()) for _ in range(1100)))
    with platform.line(app_id) as lease:
        with platform.database.write() as session:
            session.add_all(AppRunRow(app_id=app, held_fence=lease.fence, held_types="web") for app in apps)
        with platform.database.read() as session, few_values(session):
            found = load_apps(session)
    assert len(found) == 1101
    assert [app for app, record in found.items() if record.held] == [app_id]


@contextmanager
def few_values(session: Session) -> Iterator[None]:
    """A statement may have 1,000 values at most. (What SQLite bears depends on how it was built: 32,766 at least.)"""
    driver: Any = session.connection().connection.driver_connection
    before = driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 1000)
    try:
        yield
    finally:
        driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, before)


def test_a_running_instance_keeps_its_address(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    [instance] = platform.scheduler.instances(app_id)
    with platform.database.write() as session:
        free_unlisted(session, set())
    assert leased(platform.database) == {instance.address}


def test_a_swapped_address_is_another_and_the_old_one_stays_out_of_use(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    [before] = platform.scheduler.instances(app_id)
    with platform.database.write() as session:
        address = swap(session, platform.settings.subnet, before.id, set())
    assert address != before.address
    assert leased(platform.database) == {before.address, address}

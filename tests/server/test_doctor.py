"""What the doctor tells of routes."""

from __future__ import annotations

from pathlib import Path

from core.ids import UserId
from router.refusals import Refusals, Told
from router.runtime_socket import Refused
from server.doctor import certificates, records, routes
from server.platform import compose
from server.site import read_site


def test_what_the_router_refuses_is_told_by_the_apps_name(tmp_path: Path) -> None:
    environ = {"PORTSIDE_HOME": str(tmp_path)}
    site = read_site(environ)
    assert (routes(site).is_well, routes(site).found) == (True, "the router serves what the records say")
    assert list(tmp_path.iterdir()) == []
    platform = compose(environ)
    platform.database.create_tables()
    app = platform.releases.create_app("shop", UserId("ada"))
    refusals = Refusals()
    refusals.each_alone([app.id, "www.example.com"], str, refuse)
    site.run.mkdir(exist_ok=True)
    Told(site.run).tell(refusals)
    check = routes(site)
    assert not check.is_well
    words = "The router refused `add server`: no."
    assert check.found == f"shop: {words} www.example.com: {words}"
    assert check.mend.startswith("It is tried again every few seconds.")
    platform.database.close()


def refuse(name: str) -> None:
    raise Refused("The router refused `add server`: no.")


def test_records_that_are_away_are_told_with_the_reason_and_without_the_password(tmp_path: Path) -> None:
    url = "postgresql://portside:hunter2@/portside?host=/nonexistent"
    site = read_site({"PORTSIDE_HOME": str(tmp_path), "PORTSIDE_DATABASE_URL": url})
    check = records(site)
    assert not check.is_well
    assert "/nonexistent" in check.found
    assert "hunter2" not in check.found + check.mend
    assert (certificates(site).is_well, certificates(site).found) == (False, "the records can't be reached")


def test_records_in_a_file_are_told_as_such(tmp_path: Path) -> None:
    environ = {"PORTSIDE_HOME": str(tmp_path)}
    assert records(read_site(environ)).found == "nothing is recorded yet"
    platform = compose(environ)
    platform.database.create_tables()
    platform.database.close()
    assert records(read_site(environ)).found.startswith("SQLite 3.")

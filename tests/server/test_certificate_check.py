"""What the doctor tells of certificates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core import clock
from core.ids import AppId, new_id
from router import HostCertificate, HostState
from router.acme_tables import AutomaticRow, OrderRow
from router.tables import DomainRow
from server.certificate_check import told, troubles
from server.doctor import certificates
from server.platform import compose
from server.site import read_site

NOW = datetime(2026, 1, 2, tzinfo=UTC)
DAY = timedelta(days=1)


def host(state: HostState, next_at: datetime | None = None, expires_at: datetime | None = None) -> HostCertificate:
    return HostCertificate(AppId("a"), "x.example.com", state, "No address.", next_at, None, expires_at)


@pytest.mark.parametrize(
    ("found", "trouble"),
    [
        (host(HostState.ISSUED, NOW + DAY, NOW + DAY), None),
        (host(HostState.EXCLUDED), None),
        (host(HostState.OWN), None),
        (host(HostState.PENDING, NOW - DAY / 24), None),
        (
            host(HostState.FAILING, NOW + DAY),
            "x.example.com has no certificate: No address. Next attempt: 2026-01-03T00:00:00Z.",
        ),
        (
            host(HostState.FAILING, NOW + DAY, NOW + 2 * DAY),
            "x.example.com has one that expires at 2026-01-04T00:00:00Z and is not renewed: No address. "
            "Next attempt: 2026-01-03T00:00:00Z.",
        ),
        (
            host(HostState.ISSUED, NOW - 2 * DAY),
            "x.example.com is due since 2025-12-31T00:00:00Z, and nobody works on it.",
        ),
    ],
)
def test_a_host_that_is_not_well_is_told_with_the_reason_and_the_next_attempt(found, trouble):
    assert troubles([found], {}, NOW) == ([trouble] if trouble else [])


def test_certificates_of_peoples_own_are_told_two_weeks_before_they_expire():
    own = {"a.example.com": NOW + 15 * DAY, "b.example.com": NOW + 13 * DAY, "c.example.com": NOW - DAY}
    assert troubles([], own, NOW) == [
        "b.example.com shows one of people's own that expires at 2026-01-15T00:00:00Z.",
        "c.example.com shows one of people's own that expired at 2026-01-01T00:00:00Z.",
    ]


def test_many_are_told_on_one_line_that_ends():
    assert told([], 3, 1) == "3 hosts with automatic certificates and 1 with one of people's own, all well"
    assert told([f"{number}." for number in range(12)], 12, 0).endswith("8. 9. And 2 more.")


def test_the_doctor_reads_the_records_and_makes_none(tmp_path: Path):
    environ = {"PORTSIDE_HOME": str(tmp_path), "PORTSIDE_ACME_AGREE_TERMS": "yes"}
    site = read_site(environ)
    assert (certificates(site).is_well, certificates(site).found) == (True, "nothing is recorded yet")
    assert list(tmp_path.iterdir()) == []
    platform = compose(environ)
    platform.database.create_tables()
    assert certificates(site).is_well
    moment = clock.now()
    with platform.database.write() as session:
        session.add(AutomaticRow(app_id="a", since=moment))
        session.add(DomainRow(id=new_id(), app_id="a", host="www.example.com", created_at=moment))
        values = {"next_at": moment, "created_at": moment, "failures": 1, "reason": "It does not resolve."}
        session.add(OrderRow(id=new_id(), app_id="a", host="www.example.com", state="failing", **values))
    check = certificates(site)
    assert not check.is_well
    assert check.found.startswith("www.example.com has no certificate: It does not resolve. Next attempt:")
    assert check.mend.startswith("portside certs:auto -a APP")
    platform.database.close()

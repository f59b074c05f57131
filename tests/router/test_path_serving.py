"""Paths through a real HAProxy, as bytes: each request reaches the app that its path leads to, or none."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.ids import AppId, new_id
from tests.databases import new_database
from tests.router.conftest import Haproxy
from tests.router.raw import RecordingApp, exchange, statuses

pytestmark = pytest.mark.engine

APPS = ("site", "api", "two", "docs", "wild", "kept")


@dataclass
class Fork:
    """One host, whose /api leads to `api`, /api/v2 to `two`, and /docs, stripped, to `docs`; all else to `site`. At
    *.example.org, /api leads to `api` and all else to `wild`, but one.example.org is `kept` whole."""

    haproxy: Haproxy
    apps: dict[str, RecordingApp]

    def ask(self, target: str, host: str = "example.com", more: str = "") -> str:
        """Who was reached, with what its request line asks for; or the status that the router answered with."""
        for app in self.apps.values():
            app.seen.clear()
        request = f"GET {target} HTTP/1.1\r\nHost: {host}\r\n{more}Connection: close\r\n\r\n"
        answer = exchange(self.haproxy.settings.http_port, request.encode("latin-1"))
        found = [(name, app.seen[0].line.split(" ")[1]) for name, app in self.apps.items() if app.seen]
        assert len(found) <= 1
        return " ".join(found[0]) if found else str(statuses(answer)[0])


@pytest.fixture(scope="module")
def fork() -> Iterator[Fork]:
    home = Path(tempfile.mkdtemp(prefix="psr-", dir="/tmp"))
    database = new_database(home / "records.db")
    haproxy = Haproxy(home, database, request_timeout_s=1.0, keep_alive_s=0.2, silence_timeout_s=2.0)
    apps = {name: RecordingApp(name) for name in APPS}
    ids = {name: AppId(new_id()) for name in APPS}
    try:
        haproxy.start()
        for name, app in apps.items():
            with database.write() as session:
                haproxy.router.point(session, ids[name], "g1", [app.backend])
            haproxy.router.apply(ids[name])
        for name, domain in [
            ("site", "example.com"),
            ("wild", "*.example.org"),
            ("kept", "one.example.org"),
            ("api", "example.com/api"),
            ("two", "example.com/api/v2"),
            ("docs", "example.com/docs"),
            ("api", "*.example.org/api"),
        ]:
            haproxy.router.add_domain(ids[name], domain, shares=lambda other: True, strip=name == "docs")
        yield Fork(haproxy, apps)
    finally:
        for app in apps.values():
            app.stop()
        haproxy.kill()
        database.close()
        shutil.rmtree(home)


@pytest.mark.parametrize(
    ("target", "reached"),
    [
        ("/", "site /"),
        ("/apix", "site /apix"),
        ("/api-v2", "site /api-v2"),
        ("/x/api", "site /x/api"),
        ("/api", "api /api"),
        ("/api/", "api /api/"),
        ("/api?a=/docs", "api /api?a=/docs"),
        ("/api/x/y?z", "api /api/x/y?z"),
        ("/api/v", "api /api/v"),
        ("/api/v2x", "api /api/v2x"),
        ("/api/v2", "two /api/v2"),
        ("/api/v2/x", "two /api/v2/x"),
        ("/docs", "docs /"),
        ("/docs/", "docs /"),
        ("/docs?q=1", "docs /?q=1"),
        ("/docs/docs/x>y?q=/docs", "docs /docs/x>y?q=/docs"),
        ("http://example.com/api/x", "api /api/x"),
    ],
)
def test_the_longest_path_that_ends_at_a_slash_leads(fork: Fork, target: str, reached: str) -> None:
    assert fork.ask(target) == reached


@pytest.mark.parametrize(
    ("target", "reached"),
    [
        ("/API/x", "site /API/x"),  # paths tell upper from lower case (RFC 3986, section 6.2.2.1)
        ("/api/a%2Fb", "api /api/a%2Fb"),  # an encoded slash inside a path is an app's own
        ("/api//x", "api /api//x"),
        ("/x//y", "site /x//y"),
        ("/x;a=b/y", "site /x;a=b/y"),
        ("/docs//evil.test", "docs /evil.test"),  # not //evil.test, which would be a host
        ("/...", "site /..."),
        ("/a.b/..c", "site /a.b/..c"),
    ],
)
def test_what_is_odd_and_clear_gets_through_as_it_came(fork: Fork, target: str, reached: str) -> None:
    assert fork.ask(target) == reached


@pytest.mark.parametrize(
    "target",
    [
        "//api",
        "//api/x",
        "/api/../x",
        "/x/../api",
        "/./api",
        "/api/.",
        "/api/..",
        "/api/v1/../v2",
        "/%61pi",
        "/ap%69/x",
        "/api%2fv2",
        "/api%2Fx",
        "/%2fapi/x",
        "/x/%2e%2e/api",
        "/x/.%2E/y",
        "/api%5cx",
        "/x\\..\\api",
        "\\api",
        "/\\api",
        "/api;a=b",
        "/api;/x",
        "/..;/api",
        "/api;a=b/v2",
        "/api%3ba/x",
        "/api#/x",
        "/api/v2#x",
        "/api%00",
        "/api%00/x",
        "/x%0d%0ay",
        "/%zz",
        "/api%",
        "/api/%2e%2e%2fx",
    ],
)
def test_what_two_could_read_differently_reaches_nobody(fork: Fork, target: str) -> None:
    assert fork.ask(target) == "400"


def test_only_a_host_with_paths_is_as_strict(fork: Fork) -> None:
    assert fork.ask("/x/../api", "one.example.org") == "kept /x/../api"
    assert fork.ask("/api/x", "one.example.org") == "kept /api/x"


@pytest.mark.parametrize("host", ["a.example.org", "A.Example.ORG.", "b.example.org:8080"])
def test_a_path_of_a_wildcard_leads_from_every_name_under_it(fork: Fork, host: str) -> None:
    assert fork.ask("/api/x", host) == "api /api/x"
    assert fork.ask("/apix", host) == "wild /apix"


def test_an_app_whose_path_is_stripped_is_told_and_no_client_can_tell_it(fork: Fork) -> None:
    lie = "X-Forwarded-Prefix: /lie\r\n"
    assert fork.ask("/docs/x", more=lie) == "docs /x"
    assert fork.apps["docs"].seen[0].all("x-forwarded-prefix") == ["/docs"]
    assert fork.ask("/api/x", more=lie) == "api /api/x"
    assert fork.apps["api"].seen[0].all("x-forwarded-prefix") == []

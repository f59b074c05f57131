"""A server that is older than the command does not give all that a newer one would."""

from __future__ import annotations

import inspect
import json
from typing import Any

import pytest

from cli import certificates, records
from cli.client import Answer
from cli.errors import Lacking
from cli.records import read

LEAST: dict[str, dict[str, Any]] = {
    "App": {"id": "1", "name": "shop"},
    "Release": {"id": "1", "version": 1, "status": "succeeded"},
    "Build": {"id": "1", "status": "pending"},
    "Instance": {"name": "web.1", "state": "up"},
    "Formation": {"type": "web", "quantity": 1},
    "Key": {"id": "1"},
    "Domain": {"hostname": "www.example.com"},
    "Proxy": {"protocol": "http1"},
    "Volume": {"name": "data"},
    "Certificate": {
        "name": "a",
        "ssl_cert": {"starts_at": "2026-01-01T00:00:00Z", "expires_at": "2026-02-01T00:00:00Z"},
    },
    "Https": {"redirect": True},
    "AutomaticHost": {"hostname": "www.example.com", "state": "pending"},
    "Automatic": {"enabled": True},
}
"""What says which object it is, and how it stands."""

RECORDS = {
    name: kind
    for module in (records, certificates)
    for name, kind in inspect.getmembers(module, inspect.isclass)
    if hasattr(kind, "of")
}


def test_of_every_record_the_least_is_known() -> None:
    assert RECORDS.keys() == LEAST.keys()


@pytest.mark.parametrize("name", LEAST)
def test_a_record_needs_no_more_than_the_least(name: str) -> None:
    given = json.loads(json.dumps(LEAST[name]), object_hook=Answer)
    assert isinstance(read(RECORDS[name].of, given), RECORDS[name])


@pytest.mark.parametrize("name", LEAST)
def test_a_record_without_its_least_is_none(name: str) -> None:
    for left_out in LEAST[name]:
        given = Answer({key: value for key, value in LEAST[name].items() if key != left_out})
        with pytest.raises(Lacking) as told:
            read(RECORDS[name].of, given)
        assert told.value.message == f"The server's answer is not what this command knows: it has no '{left_out}'."


def test_what_a_server_does_not_know_of_is_told_so(invoke, logged_in) -> None:
    logged_in.answers["GET", "/apps/demo/proxy"] = {"protocol": "http1", "sticky": True}
    shown = invoke("proxy", "-a", "demo")
    assert shown.stdout == "protocol     http1\nsticky       on\nretry-posts  not known to this server\n"
    assert json.loads(invoke("proxy", "-a", "demo", "--json").stdout)["retry_posts"] is None


def test_what_a_command_can_not_do_without_is_named_and_no_bug(invoke, logged_in) -> None:
    logged_in.answers["GET", "/apps/demo"] = {"name": "demo"}
    result = invoke("maintenance", "-a", "demo")
    assert result.exit_code == 1
    assert result.stderr == (
        " ▸    The server's answer is not what this command knows: it has no 'maintenance'.\n"
        " ▸    Bring the command and the server to the same version: `portside version`.\n"
    )

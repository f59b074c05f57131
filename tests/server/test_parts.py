"""Which parts a platform has, by its settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.part_names import ROUTER, is_router, router_name, router_number
from server.parts import Part, parts_of
from server.site import read_site


def routers(home: Path, **settings: str) -> dict[str, str]:
    parts = parts_of(read_site({"PORTSIDE_HOME": str(home), **settings}))
    return {part.name: part.fingerprint for part in parts if is_router(part.name)}


def test_each_router_is_a_part_and_their_number_starts_none_of_them_anew(tmp_path: Path) -> None:
    one = routers(tmp_path)
    assert one.keys() == {"router"}
    three = routers(tmp_path, PORTSIDE_ROUTER_INSTANCES="3")
    assert three.keys() == {"router", "router-2", "router-3"}
    assert three["router"] == one["router"]


def test_whoever_feeds_the_routers_starts_anew_when_their_number_changes(tmp_path: Path) -> None:
    before, after = (
        {part.name: part.fingerprint for part in parts_of(read_site({"PORTSIDE_HOME": str(tmp_path), **settings}))}
        for settings in ({}, {"PORTSIDE_ROUTER_INSTANCES": "2"})
    )
    assert {name for name, fingerprint in before.items() if after[name] != fingerprint} == {"api", "gateway", "worker"}


@pytest.mark.parametrize("number", [1, 2, 8])
def test_a_routers_name_tells_its_number(number: int) -> None:
    assert router_number(router_name(number)) == number
    assert is_router(router_name(number))
    assert not is_router("registry")


def test_the_router_starts_anew_only_when_its_addresses_change(tmp_path: Path) -> None:
    def router(**settings: str) -> Part:
        site = read_site({"PORTSIDE_HOME": str(tmp_path), **settings})
        return next(part for part in parts_of(site) if part.name == ROUTER)

    both = router(PORTSIDE_ROUTER_BIND="0.0.0.0,::")
    assert [(port.host, port.number) for port in both.ports] == [
        ("0.0.0.0", 8080), ("0.0.0.0", 8443), ("::", 8080), ("::", 8443),
    ]  # fmt: skip
    assert both.fingerprint != router().fingerprint
    assert [port.number for port in router(PORTSIDE_ROUTER_HTTPS_PORT="0").ports] == [8080]

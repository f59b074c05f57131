"""Paths on a host that lead to another app: what may be recorded, and what HAProxy is told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Conflict, NotFound, UserError
from core.ids import AppId, new_id
from router import paths
from router.front_plan import FrontMap


@pytest.fixture
def router(memory_router):
    return memory_router


@pytest.fixture
def api():
    return AppId(new_id())


def managed(other: str) -> bool:
    return True


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("example.com", ("example.com", "")),
        ("example.com/", ("example.com", "")),
        (" example.com/api/ ", ("example.com", "/api")),
        ("example.com/Docs/v2.1_~-", ("example.com", "/Docs/v2.1_~-")),
        ("https://example.com/api", ("https://example.com/api", "")),
    ],
)
def test_a_domain_is_a_host_and_perhaps_a_path(text, parts):
    assert paths.split(text) == parts


@pytest.mark.parametrize(
    "path", ["/a//b", "///", "/.", "/a/..", "/a b", "/a%2fb", "/ä", "/a?b", "/a#b", "/a;b", "/" + 200 * "a"]
)
def test_a_path_that_has_two_spellings_is_refused(path):
    with pytest.raises(UserError) as caught:
        paths.split(f"example.com{path}")
    assert " can't lead to an app: its parts may hold A-Z, a-z, 0-9 and -._~" in caught.value.message
    assert caught.value.hint == "Give a path such as /api or /docs/v2."


@given(st.text())
def test_no_text_gets_more_than_one_word_into_a_command(text):
    try:
        _, path = paths.split(f"example.com/{text}")
    except UserError:
        return
    assert " " not in path
    assert path.isascii()
    assert path.isprintable()


def test_a_path_leads_away_from_the_app_that_has_the_host(router, memory_front, app_id, api):
    router.add_domain(app_id, "example.com")
    added = router.add_domain(api, "Example.com/api/", shares=managed)
    assert (added.name, added.strips) == ("example.com/api", False)
    router.add_domain(api, "example.com/old", shares=managed, strip=True)
    assert memory_front.maps[FrontMap.PATHS] == {"example.com/api/": api, "example.com/old/": f"{api}/old"}
    assert memory_front.maps[FrontMap.FORKED] == {"example.com": "on"}
    assert [domain.name for domain in router.domains(api)] == ["example.com/api", "example.com/old"]
    assert router.domain(api, "EXAMPLE.com/api").id == added.id
    assert router.is_routed("example.com/api")
    router.remove_domain(api, "example.com/api")
    router.remove_domain(api, "example.com/old")
    assert memory_front.maps[FrontMap.PATHS] == memory_front.maps[FrontMap.FORKED] == {}
    assert not router.is_routed("example.com/api")
    assert router.is_routed("example.com")


def test_a_path_may_hang_on_the_platforms_own_name_of_an_app_and_on_a_wildcard(router, memory_front, app_id, api):
    router.name_app(app_id, "shop")
    router.add_domain(app_id, "*.example.com")
    router.add_domain(api, "shop.apps.test/api", shares=managed)
    router.add_domain(api, "*.example.com/api", shares=managed)
    assert memory_front.maps[FrontMap.FORKED] == {"*.example.com": "on", "shop.apps.test": "on"}


@pytest.mark.parametrize("name", ["example.com/api", "nobody.apps.test/api", "a.example.org/api"])
def test_a_path_hangs_on_a_host_that_somebody_has(router, app_id, api, name):
    router.add_domain(app_id, "*.example.org")
    with pytest.raises(NotFound) as caught:
        router.add_domain(api, name, shares=managed)
    host = name.removesuffix("/api")
    assert caught.value.message == f"No app has {host} yet."
    assert caught.value.hint == f"Add it to the app for the rest of it: portside domains:add {host}"


def test_only_who_may_manage_both_apps_takes_a_path_from_one(router, app_id, api):
    router.add_domain(app_id, "example.com")
    with pytest.raises(Conflict) as caught:
        router.add_domain(api, "example.com/api")
    assert caught.value.message == "example.com/api overlaps with example.com, which belongs to another app."
    assert caught.value.hint == "Somebody who may manage both apps can add it."
    assert router.add_domain(app_id, "example.com/api").name == "example.com/api"


@pytest.mark.parametrize("name", ["example.com/api/v2", "example.com/a"])
def test_nor_does_a_longer_or_shorter_path_take_from_a_third(router, app_id, api, name):
    third = AppId(new_id())
    router.add_domain(app_id, "example.com")
    for path in ("/api", "/a/b"):
        router.add_domain(third, f"example.com{path}", shares=managed)
    with pytest.raises(Conflict, match=r"overlaps with example\.com/a(pi|/b), which belongs to another app\."):
        router.add_domain(api, name, shares=lambda other: other == app_id)
    router.add_domain(api, "example.com/apix", shares=lambda other: other == app_id)


def test_a_path_leads_to_one_app(router, app_id, api):
    router.add_domain(app_id, "example.com")
    router.add_domain(api, "example.com/api", shares=managed)
    with pytest.raises(Conflict, match=r"^example\.com/api belongs to this app already\."):
        router.add_domain(api, "example.com/api", shares=managed)
    with pytest.raises(Conflict, match=r"^example\.com/api belongs to another app already\."):
        router.add_domain(app_id, "example.com/api", shares=managed)
    with pytest.raises(NotFound, match=r"^This app has no domain example\.com/api\."):
        router.remove_domain(app_id, "example.com/api")


def test_a_host_that_redirects_has_no_paths(router, app_id, api):
    router.add_domain(app_id, "www.example.com")
    router.add_domain(app_id, "example.com", redirect_to="www.example.com")
    with pytest.raises(UserError) as caught:
        router.add_domain(api, "example.com/api", shares=managed)
    assert caught.value.message == "example.com redirects to www.example.com."
    assert caught.value.hint == "Add the path there: portside domains:add www.example.com/api"


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("a.test/api", {"redirect_to": "www.a.test"}, "Only a whole host can redirect, and /api is a part of one."),
        ("a.test", {"strip": True}, "There is no path that could be stripped."),
    ],
)
def test_what_makes_no_sense_together_is_refused(router, app_id, name, options, message):
    with pytest.raises(UserError) as caught:
        router.add_domain(app_id, name, **options)
    assert caught.value.message == message


def test_paths_go_with_their_host_so_that_its_next_owner_has_all_of_it(router, memory_front, app_id, api):
    router.name_app(app_id, "shop")
    router.add_domain(app_id, "example.com")
    for host in ("example.com", "shop.apps.test"):
        router.add_domain(api, f"{host}/api", shares=managed)
    router.remove_domain(app_id, "example.com")
    assert memory_front.maps[FrontMap.FORKED] == {"shop.apps.test": "on"}
    router.name_app(app_id, "store")
    assert memory_front.maps[FrontMap.FORKED] == {}
    router.add_domain(api, "store.apps.test/api", shares=managed)
    router.forget_app(app_id)
    assert memory_front.maps[FrontMap.PATHS] == {}
    assert router.domains(api) == []


def test_an_app_that_goes_leaves_the_hosts_of_others(router, memory_front, app_id, api):
    router.add_domain(app_id, "example.com")
    router.add_domain(api, "example.com/api", shares=managed)
    router.forget_app(api)
    assert memory_front.maps[FrontMap.PATHS] == {}
    assert router.is_routed("example.com")

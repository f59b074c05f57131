"""Apps have one name at a time, and a reused name inherits nothing."""

from __future__ import annotations

import pytest

from core.errors import Conflict, NotFound, UserError
from core.ids import UserId
from tests.releases.world import World

OWNER = UserId("user-1")


def test_an_app_is_found_by_name_and_by_id(world: World) -> None:
    app = world.releases.create_app("shop", OWNER)
    assert world.releases.app("shop") == app
    assert world.releases.app(app.id) == app


def test_without_a_name_it_gets_one(world: World) -> None:
    assert world.releases.create_app(None, OWNER).name.count("-") == 2


@pytest.mark.parametrize(
    "name", ["ab", "Shop", "1shop", "shop-", "shop_1", "a" * 31, "-shop", "shop.x", "", "www", "dashboard"]
)
def test_a_bad_name_is_explained(world: World, name: str) -> None:
    with pytest.raises(UserError) as caught:
        world.releases.create_app(name or "-", OWNER)
    assert caught.value.hint


def test_a_taken_name_is_refused(world: World) -> None:
    world.new_app("shop")
    with pytest.raises(Conflict) as caught:
        world.new_app("shop")
    assert caught.value.message == "Name shop is already taken."


def test_a_rename_keeps_the_id_and_frees_the_name(world: World) -> None:
    app_id = world.new_app("shop")
    assert world.releases.rename(app_id, "store").id == app_id
    assert world.new_app("shop") != app_id


def test_a_destroyed_app_is_gone_and_its_name_is_free(world: World) -> None:
    app_id = world.new_app("shop")
    world.set_config(app_id, SECRET="long-secret-value")
    world.releases.destroy(app_id)
    with pytest.raises(NotFound):
        world.releases.app("shop")
    with pytest.raises(NotFound):
        world.releases.app(app_id)
    reborn = world.new_app("shop")
    assert world.releases.config(reborn) == {}
    assert world.releases.destroyed() == [app_id]
    world.releases.forget_app(app_id)
    world.releases.forget_app(app_id)
    assert world.releases.destroyed() == []


def test_a_list_can_be_limited_to_what_somebody_may_see(world: World) -> None:
    one, two = world.new_app("one"), world.new_app("two")
    assert [app.id for app in world.releases.apps()] == [one, two]
    assert [app.id for app in world.releases.apps({two})] == [two]

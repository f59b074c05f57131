"""What the sweeps over all apps do, and that one app holds up no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from accounts import AppRole
from core.errors import NotFound
from core.ids import AppId, UserId, new_id
from releases import App
from scheduler import line_of
from server.platform import Platform, compose
from server.sweeps import FORGET_DESTROYED, Sweeps


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    """One whose records are empty; nothing of it runs."""
    made = compose({"PORTSIDE_HOME": str(tmp_path), "PORTSIDE_DOMAIN": "apps.test"})
    made.database.create_tables()
    yield made
    made.database.close()


@pytest.fixture
def owner(platform: Platform) -> UserId:
    return platform.accounts.add_user("ada@example.com", "correct horse battery").user_id


@dataclass(frozen=True)
class RememberingSweeps(Sweeps):
    """Forgets nothing, and remembers what it was to forget."""

    forgotten: list[AppId] = field(default_factory=list)

    def _forgetters(self) -> tuple[Callable[[AppId], None], ...]:
        return (self.forgotten.append,)


def test_an_app_whose_maker_died_gets_its_owner_and_its_host(platform: Platform, owner: UserId) -> None:
    app = platform.releases.create_app("shop", owner)
    Sweeps(platform).finish_apps()
    assert [one.role for one in platform.accounts.collaborators(app.id)] == [AppRole.OWNER]
    assert platform.router.names() == {app.id: "shop"}


def test_an_app_that_can_not_have_its_host_yet_holds_no_other_up(platform: Platform, owner: UserId) -> None:
    platform.router.name_app(AppId(new_id()), "blog")  # of an app that is being forgotten
    platform.releases.create_app("blog", owner)
    shop = platform.releases.create_app("shop", owner)
    Sweeps(platform).finish_apps()
    assert platform.router.names()[shop.id] == "shop"


def test_a_rename_that_was_left_half_done_is_finished(platform: Platform, owner: UserId) -> None:
    app = platform.releases.create_app("shop", owner)
    platform.router.name_app(app.id, "shop")
    platform.router.name_app(AppId(new_id()), "store")
    platform.releases.rename(app.id, "boutique")
    Sweeps(platform).finish_apps()
    assert platform.router.names()[app.id] == "boutique"


def test_a_destroyed_app_is_forgotten_by_one_worker_at_a_time(platform: Platform, owner: UserId) -> None:
    """Ending an app's instances may take a minute, and the next sweep comes after seconds: they took every thread."""
    app = platform.releases.create_app("shop", owner)
    platform.releases.destroy(app.id)
    sweeps = RememberingSweeps(platform)
    with platform.leases.held(FORGET_DESTROYED):
        sweeps.forget_destroyed()
        assert sweeps.forgotten == []
    sweeps.forget_destroyed()
    assert sweeps.forgotten == [app.id]


def test_a_destroyed_app_of_which_something_still_ends_is_left_for_later(platform: Platform, owner: UserId) -> None:
    app = platform.releases.create_app("shop", owner)
    platform.releases.destroy(app.id)
    sweeps = RememberingSweeps(platform)
    with platform.leases.held(line_of(app.id)):
        sweeps.forget_destroyed()
    assert sweeps.forgotten == []


def test_an_app_whose_images_can_not_be_checked_holds_no_other_up(platform: Platform, owner: UserId) -> None:
    looked: list[AppId] = []

    class BreakingReleases:
        """Those of the first app can't be checked."""

        def apps(self) -> list[App]:
            return apps

        def check_images(self, app_id: AppId) -> None:
            looked.append(app_id)
            if app_id == apps[0].id:
                raise NotFound("Couldn't find that app.")

    apps = [platform.releases.create_app(name, owner) for name in ("blog", "shop")]
    platform.__dict__["releases"] = BreakingReleases()  # before the property makes the real ones
    Sweeps(platform).check_images()
    assert looked == [app.id for app in apps]

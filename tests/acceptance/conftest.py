"""An app for each test, on the session's platform; destroyed afterwards, so that none gets in another's way."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.site import Site
from tests.live import LivePlatform


@pytest.fixture
def new_site(platform: LivePlatform) -> Iterator[Callable[..., Site]]:
    """Makes apps from a fixture's folder (default: `accept_site`); nothing is pushed yet."""
    made: list[Site] = []

    def make(fixture: str = "accept_site") -> Site:
        made.append(Site(platform, *platform.app(fixture)))
        return made[-1]

    yield make
    for site in made:
        platform.cli("destroy", "--confirm", site.name)


@pytest.fixture
def site(new_site: Callable[..., Site]) -> Site:
    return new_site()


@pytest.fixture
def live_site(site: Site) -> Site:
    """An app whose v1 says "one"."""
    pushed = site.push()
    assert pushed.code == 0, pushed.output
    return site

"""A platform for each module here, for its parts are killed; and apps on it that must not notice."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.acceptance.site import Site
from tests.crash.blows import Victim
from tests.live import LivePlatform


@pytest.fixture(scope="module")
def platform(machine: None, request: pytest.FixtureRequest) -> Iterator[LivePlatform]:
    """The module's own platform, so that the session's serves the other tests undisturbed; `SETTINGS` are its own."""
    live = LivePlatform(**getattr(request.module, "SETTINGS", {}))
    try:
        live.start()
        yield live
    finally:
        live.end()


@pytest.fixture
def victim(platform: LivePlatform) -> Victim:
    """The platform as something to hit; all its parts run."""
    victim = Victim(platform)
    victim.returns()
    return victim


@pytest.fixture
def site(platform: LivePlatform, victim: Victim) -> Iterator[Site]:
    """An app whose v1 serves."""
    made = Site(platform, *platform.app("crash_site"))
    pushed = made.push()
    assert pushed.code == 0, pushed.output
    yield made
    victim.returns()
    platform.cli("destroy", "--confirm", made.name)

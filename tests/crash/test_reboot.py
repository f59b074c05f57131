"""The machine goes down with everything on it and comes up again: `up`, as systemd runs it, is all that happens."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any

import pytest

from tests.acceptance.site import Site
from tests.background import eventually
from tests.crash.aftermath import Aftermath
from tests.crash.blows import PARTS, SUPERVISOR, Victim
from tests.crash.second_engine import SecondEngine
from tests.live import LivePlatform
from tests.traces import LABEL

pytestmark = pytest.mark.platform

AGAIN_S = 60


@pytest.fixture(scope="module")
def engine(machine: None) -> Iterator[SecondEngine]:
    with SecondEngine() as engine:
        yield engine


@pytest.fixture(scope="module")
def platform(engine: SecondEngine) -> Iterator[LivePlatform]:
    live = LivePlatform(engine.url)
    try:
        live.start()
        yield live
    finally:
        live.end()


@pytest.fixture
def sites(platform: LivePlatform, victim: Victim) -> Iterator[tuple[Site, Site]]:
    """Two apps, each of which answers with its own name."""
    made = (Site(platform, *platform.app("crash_site")), Site(platform, *platform.app("crash_site")))
    for site in made:
        site.write(site.name)
        pushed = site.push()
        assert pushed.code == 0, pushed.output
    yield made
    victim.returns()
    for site in made:
        platform.cli("destroy", "--confirm", site.name)


class Onlooker:
    """Asks all apps in turn until the block ends: `strange` is every answer that is another app's, or none at all that
    Portside gives."""

    def __init__(self, sites: tuple[Site, ...]) -> None:
        self._sites = sites
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.strange: list[str] = []
        self.pages = 0

    def __enter__(self) -> Onlooker:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.02):
            for site in self._sites:
                self._ask(site)

    def _ask(self, site: Site) -> None:
        port = site.platform.http
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        try:
            connection.request("GET", "/", headers={"Host": f"{site.name}.localhost:{port}"})
            answer = connection.getresponse()
            text = answer.read().decode()
        except (OSError, http.client.HTTPException):
            return  # there is no router, or it went away
        finally:
            connection.close()
        self.pages += answer.status == 503
        if answer.status != 503 and not (answer.status == 200 and f"words={site.name}\n" in text):
            self.strange.append(f"{site.name} answers {answer.status}: {text}")


def gone(platform: LivePlatform, sites: tuple[Site, Site]) -> None:
    for container in _containers(platform):
        container.remove(force=True)


def stopped(platform: LivePlatform, sites: tuple[Site, Site]) -> None:
    assert [one.status for one in _containers(platform)] == ["exited", "exited"]


def at_each_others_addresses(platform: LivePlatform, sites: tuple[Site, Site]) -> None:
    """Somebody, or another engine's way to start, was faster than Portside."""
    engine = platform.engine()
    try:
        network = engine.networks.get(platform.name)
        found = _containers(platform)
        addresses = [_address(one, platform.name) for one in found]
        for one in found:
            network.disconnect(one, force=True)
        for one, address in zip(found, reversed(addresses), strict=True):
            network.connect(one, ipv4_address=address)
            one.start()
    finally:
        engine.close()


def _containers(platform: LivePlatform) -> list[Any]:
    engine = platform.engine()
    return list(engine.containers.list(all=True, ignore_removed=True, filters={"label": f"{LABEL}={platform.name}"}))


def _address(container: Any, network: str) -> str:
    return str(container.attrs["NetworkSettings"]["Networks"][network]["IPAMConfig"]["IPv4Address"])


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(gone, id="its containers gone", marks=pytest.mark.full),
        pytest.param(stopped, id="its containers stopped", marks=pytest.mark.full),
        pytest.param(at_each_others_addresses, id="its containers at each other's addresses"),
    ],
)
def test_every_app_comes_back_and_none_answers_for_another(
    platform: LivePlatform,
    engine: SecondEngine,
    victim: Victim,
    sites: tuple[Site, Site],
    found: Callable[[LivePlatform, tuple[Site, Site]], None],
) -> None:
    for site in sites:
        eventually(lambda site=site: Aftermath.of(site).webs_in_service() == 1, "one instance serves")
    with Onlooker(sites) as onlooker:
        victim.kill(SUPERVISOR, *PARTS)
        engine.lose_power()
        engine.start()
        found(platform, sites)
        up = platform.server("up")
        assert up.code == 0, up.output
        for site in sites:
            eventually(lambda site=site: platform.get(site.name).status_code == 200, "it answers again", AGAIN_S)
            assert site.answer()["words"] == site.name
    assert onlooker.strange == []
    assert onlooker.pages, "until then, people are told so by a page"
    eventually(lambda: len(_containers(platform)) == len(sites), "no container is left over")
    for site in sites:
        site.write(f"{site.name}\nagain")
        pushed = site.push()
        assert pushed.code == 0, pushed.output

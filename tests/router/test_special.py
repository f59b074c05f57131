"""Which apps want something of the rules of HAProxy, so that their requests pass them all; others go the short way."""

from __future__ import annotations

import pytest

from core.ids import AppId, new_id
from router import HaproxyControl, Router, TrafficLimits, TrafficTimeouts, Verdict
from router.front_plan import FrontMap
from router.haproxies import Places
from router.runtime_socket import ask
from tests.router.authority import Authority
from tests.router.conftest import Haproxy
from tests.router.raw import PATIENCE_S, RecordingApp, Seen, exchange, statuses

WANTS = {
    "a rule of access": lambda router, app: router.gate.add_rules(app, Verdict.DENY, ["10.0.0.0/8"]),
    "a password": lambda router, app: router.gate.set_login(app, "ann", "correct horse"),
    "a limit": lambda router, app: router.gate.set_limits(app, TrafficLimits(connections=5)),
    "a timeout": lambda router, app: router.gate.set_timeouts(app, TrafficTimeouts(idle_s=120)),
    "maintenance": lambda router, app: router.maintenance.turn_on(app),
    "sticky visitors": lambda router, app: router.proxies.set(app, sticky=True),
    "POSTs sent again": lambda router, app: router.proxies.set(app, retry_posts=True),
    "a redirect": lambda router, app: router.add_domain(app, "www.example.com", redirect_to="example.com"),
    "a path on its host": lambda router, app: router.add_domain(app, "example.com/api"),
    "a path on a wildcard": lambda router, app: router.add_domain(app, "*.example.org/api"),
    "a path on the platform's name": lambda router, app: router.add_domain(app, "shop.apps.test/api"),
}


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def shop(memory_router: Router, app_id: AppId) -> AppId:
    """An app with a host of each kind, and nothing else."""
    memory_router.name_app(app_id, "shop")
    memory_router.add_domain(app_id, "example.com")
    memory_router.add_domain(app_id, "*.example.org")
    return app_id


def test_an_app_that_only_has_hosts_goes_the_short_way(memory_front, shop):
    assert memory_front.maps[FrontMap.SPECIAL] == {}


@pytest.mark.parametrize("want", WANTS)
def test_an_app_that_wants_something_passes_every_rule(memory_router, memory_front, shop, want):
    WANTS[want](memory_router, shop)
    assert memory_front.maps[FrontMap.SPECIAL] == {shop: "all"}
    memory_router.forget_app(shop)
    assert memory_front.maps[FrontMap.SPECIAL] == {}


def test_it_is_the_app_of_the_host_whose_requests_may_lead_elsewhere(memory_router, memory_front, shop):
    api = AppId(new_id())
    memory_router.add_domain(api, "example.com/api", shares=lambda _: True)
    assert memory_front.maps[FrontMap.SPECIAL] == {shop: "all"}
    memory_router.remove_domain(api, "example.com/api")
    assert memory_front.maps[FrontMap.SPECIAL] == {}


@pytest.mark.parametrize("https", [{"redirect": True}, {"redirect": False, "hsts_s": 60}])
def test_an_app_that_wants_only_https_passes_only_its_rules(memory_router, memory_front, authority, shop, https):
    added = memory_router.certificates.add(shop, *authority.issue("example.com"))
    memory_router.certificates.set_https(shop, **https)
    assert memory_front.maps[FrontMap.SPECIAL] == {shop: "https"}
    memory_router.maintenance.turn_on(shop)
    assert memory_front.maps[FrontMap.SPECIAL] == {shop: "all"}
    memory_router.maintenance.turn_off(shop)
    assert memory_front.maps[FrontMap.SPECIAL] == {shop: "https"}
    memory_router.certificates.remove(shop, added.name)
    assert memory_front.maps[FrontMap.SPECIAL] == {}


def test_an_app_whose_hosts_only_show_a_certificate_goes_the_short_way(memory_router, memory_front, authority, shop):
    memory_router.certificates.set_https(shop, redirect=False, hsts_s=0)
    memory_router.certificates.add(shop, *authority.issue("example.com"))
    assert memory_front.maps[FrontMap.SPECIAL] == {}


def test_an_app_is_marked_after_all_its_entries_and_unmarked_before_them():
    assert list(FrontMap)[-1] is FrontMap.SPECIAL


def tell(haproxy: Haproxy, number: int, command: str) -> str:
    return ask(str(Places.of(haproxy.home, number).worker_socket), command, PATIENCE_S)


def marked(haproxy: Haproxy, number: int) -> list[str]:
    """The apps that the HAProxy has marked."""
    return [line.split()[1] for line in tell(haproxy, number, f"show map {FrontMap.SPECIAL}").splitlines()]


@pytest.mark.engine
def test_every_haproxy_has_the_mark_from_its_start_until_the_app_wants_nothing_any_more(
    start_haproxy, start_app, app_id
):
    pair = start_haproxy(instances=2)
    pair.router.name_app(app_id, "shop")
    pair.deploy(app_id, "g1", start_app("one"))
    pair.router.gate.set_login(app_id, "ann", "correct horse")
    assert (marked(pair, 1), pair.get("shop.apps.test")[0]) == ([app_id], 401)
    pair.start(2)
    assert marked(pair, 2) == [app_id], "as it starts"
    for number in (1, 2):
        pair.router.processes.write_config(number)
        places = Places.of(pair.home, number)
        HaproxyControl(places.worker_socket, places.master_socket, keep_alive_s=1).reload()
    assert (marked(pair, 1), marked(pair, 2)) == ([app_id], [app_id]), "as they read their files anew"
    tell(pair, 2, f"clear map {FrontMap.SPECIAL}")
    pair.router.reconcile()
    assert marked(pair, 2) == [app_id], "when one has lost it"
    assert {pair.get("shop.apps.test")[0] for _ in range(20)} == {401}
    pair.router.gate.remove_login(app_id, "ann")
    assert (marked(pair, 1), marked(pair, 2)) == ([], [])
    assert {pair.get("shop.apps.test") for _ in range(20)} == {(200, "one")}


LIES = (
    b"X-Forwarded-For: 10.9.9.9\r\nX_Forwarded_Host: admin.apps.test\r\nForwarded: for=10.9.9.9\r\n"
    b"X-Real-IP: 10.9.9.9\r\nX-Request-Id: mine\r\nX-Request-Start: t=1\r\nProxy: evil\r\n"
    b"Connection: close, X-Forwarded-For\r\nUpgrade: h2c\r\n"
)
REQUESTS = {
    "a GET": b"GET /a?b=c HTTP/1.1\r\nHost: SHOP.apps.test.:80\r\n" + LIES + b"\r\n",
    "an absolute target": b"GET http://shop.apps.test/a HTTP/1.1\r\nHost: shop.apps.test\r\n" + LIES + b"\r\n",
    "a body of two lengths": b"POST / HTTP/1.1\r\nHost: shop.apps.test\r\n" + LIES + b"Content-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
}


@pytest.mark.engine
@pytest.mark.parametrize("request_bytes", REQUESTS.values(), ids=REQUESTS.keys())
def test_an_app_is_sent_the_same_by_the_short_way_as_by_the_long_one(haproxy, app_id, request_bytes):
    app = RecordingApp("shop")
    haproxy.router.name_app(app_id, "shop")
    haproxy.deploy(app_id, "g1", app)
    try:
        answers = [statuses(exchange(haproxy.settings.http_port, request_bytes))]
        haproxy.router.gate.set_timeouts(app_id, TrafficTimeouts(idle_s=120))
        answers.append(statuses(exchange(haproxy.settings.http_port, request_bytes)))
    finally:
        app.stop()
    assert answers == [[200], [200]]
    short, long = app.seen
    assert _without_what_differs(short) == _without_what_differs(long)
    assert short.all("x-forwarded-for") == ["127.0.0.1"]
    assert short.all("x-request-id") != ["mine"]
    for seen in (short, long):
        assert len(seen.all("x-request-id")) == len(seen.all("x-request-start")) == 1


def _without_what_differs(seen: Seen) -> tuple[str, list[tuple[str, str]], bytes]:
    headers = [(name.lower(), value) for name, value in seen.headers]
    return seen.line, [each for each in headers if each[0] not in ("x-request-id", "x-request-start")], seen.body

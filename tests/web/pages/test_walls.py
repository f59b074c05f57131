"""What holds for every page: who may open it, what its headers say, and that nothing in it can run."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from sqlalchemy import select

from accounts import AppRole, Permission
from scheduler import HealthCheck, InstanceState, LogLine, RunWish
from scheduler.tables import FormationChangeRow
from tests.web.pages.staging import add_cron, go_live
from tests.web.pages.world import NOW, PASSWORD, Site
from web.pages.routes import OPEN

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
ATTACK = "<script>alert(1)</script><img src=x onerror=alert(1)>"
NEEDS = {
    "pages.access_rule_remove_sent": Permission.MANAGE,
    "pages.access_rules_sent": Permission.MANAGE,
    "pages.automatic_off_sent": Permission.MANAGE,
    "pages.automatic_on_sent": Permission.MANAGE,
    "pages.automatic_refresh_sent": Permission.MANAGE,
    "pages.certificate_remove_sent": Permission.MANAGE,
    "pages.certificate_sent": Permission.MANAGE,
    "pages.check_sent": Permission.DEPLOY,
    "pages.check_unset_sent": Permission.DEPLOY,
    "pages.config_set_sent": Permission.DEPLOY,
    "pages.config_unset_sent": Permission.DEPLOY,
    "pages.config_value": Permission.DEPLOY,
    "pages.cron_resume_sent": Permission.DEPLOY,
    "pages.cron_run_sent": Permission.DEPLOY,
    "pages.cron_suspend_sent": Permission.DEPLOY,
    "pages.domain_remove_sent": Permission.MANAGE,
    "pages.domain_sent": Permission.MANAGE,
    "pages.https_sent": Permission.MANAGE,
    "pages.limits_sent": Permission.MANAGE,
    "pages.login_remove_sent": Permission.MANAGE,
    "pages.login_sent": Permission.MANAGE,
    "pages.maintenance_sent": Permission.MANAGE,
    "pages.proxy_sent": Permission.MANAGE,
    "pages.push_cancel": Permission.DEPLOY,
    "pages.restart_sent": Permission.DEPLOY,
    "pages.rollback": Permission.DEPLOY,
    "pages.rollback_sent": Permission.DEPLOY,
    "pages.run_end_sent": Permission.DEPLOY,
    "pages.run_sent": Permission.DEPLOY,
    "pages.scale_sent": Permission.DEPLOY,
    "pages.size_sent": Permission.DEPLOY,
    "pages.stop_sent": Permission.DEPLOY,
    "pages.timeouts_sent": Permission.MANAGE,
}
"""What an endpoint of an app needs; all others: to see the app."""
RIGHTS = {
    AppRole.OWNER: set(Permission),
    AppRole.COLLABORATOR: {Permission.VIEW, Permission.DEPLOY},
    AppRole.VIEWER: {Permission.VIEW},
}
CHANGES = (
    "/rollback",
    "/cancel",
    "/maintenance",
    "/scale",
    "/restart",
    "/stop",
    "/end",
    "/run",
    "/suspend",
    "/unset",
    "/remove",
    "/https",
    "/proxy",
    "/access-rules",
    "/basic-auth",
    "/limits",
    "/timeouts",
)
"""What the addresses of changes end on."""


@pytest.fixture
def full(site: Site) -> Site:
    """A site where everything that people can write holds an attack."""
    shop = site.new_app("shop")
    for tag in "ab":
        site.deploy(shop, tag, ATTACK)
    site.inner.releases.submit_config(shop.id, {"MODE": ATTACK}, site.ada)
    push = site.push(shop, ATTACK)
    log = site.parts.logs.writer(push.log_id)
    log.step(ATTACK)
    log.problem(ATTACK)
    log.close()
    site.journal.record(push.id, reason=ATTACK)
    site.scheduler.stage(shop.id, "web.1", InstanceState.CRASHED, detail=ATTACK)
    site.scheduler.lines = [LogLine(NOW, "app", "web.1", ATTACK)]
    go_live(site, shop, health={"web": (HealthCheck(path=ATTACK),)})
    site.scheduler.runs.ask(shop.id, RunWish(ATTACK, "ada@example.com"))
    site.scheduler.runs.stop(shop.id, "run.1", ATTACK)
    add_cron(site, shop, command=ATTACK)
    site.parts.resizing.set_check(shop.id, "web", HealthCheck(path=ATTACK), ATTACK)
    site.router.maintenance.turn_on(shop.id, ATTACK)
    return site


def routes(site: Site) -> list[tuple[str, str, str]]:
    """Every page's endpoint, method, and an address that fits it."""
    push = site.parts.pushes.recent(site.parts.releases.app("shop").id, 1)[0]
    values = {"name": "shop", "version": 1, "push_id": push.id, "rest": "nowhere", "filename": "portside.css"}
    values |= {"kind": "web", "process": "web.1", "run": "run.1", "entry": "5f2b9c01", "key": "MODE", "only": "startup"}
    values |= {"domain": "www.example.com", "certificate": "www.example.com-1a2b3c", "rule": "r1"}
    with site.inner.database.read() as session:
        values["change"] = session.scalars(select(FormationChangeRow.id)).one()
    adapter = site.app.url_map.bind("localhost")
    found = []
    for rule in site.app.url_map.iter_rules():
        method = "POST" if rule.methods and "GET" not in rule.methods else "GET"
        if rule.endpoint.startswith("pages."):
            path = adapter.build(rule.endpoint, {key: values[key] for key in rule.arguments})
            found.append((rule.endpoint, method, path))
    return found


def open_page(site: Site, who: str | None, method: str, path: str) -> tuple[int, str]:
    browser = site.browser(who)
    page = "/dashboard/new" if who else "/dashboard/sign-in"
    if path.endswith("/stream") and who == "ada@example.com":
        return 200, ""  # stays open; test_sse.py has it
    answer = browser.get(path) if method == "GET" else browser.send(page, path)
    return answer.status_code, answer.text


def test_every_page_but_the_open_ones_leads_a_stranger_to_the_sign_in(full: Site) -> None:
    closed = [route for route in routes(full) if route[0] not in OPEN]
    assert len(closed) > 15
    for endpoint, method, path in closed:
        assert open_page(full, None, method, path)[0] == 303, endpoint


def test_an_app_that_one_may_not_see_is_not_found_in_the_same_words_as_one_that_is_not_there(full: Site) -> None:
    full.parts.accounts.add_user("eve@example.com", PASSWORD)
    pages = [route for route in routes(full) if "/apps/shop" in route[2]]
    assert len(pages) > 10
    for endpoint, method, path in pages:
        hidden = open_page(full, "eve@example.com", method, path)
        missing = open_page(full, "eve@example.com", method, path.replace("/apps/shop", "/apps/nope"))
        assert hidden[0] == 404, endpoint
        assert _without_tokens(hidden[1]) == _without_tokens(missing[1]), endpoint
    assert "shop" not in full.browser("eve@example.com").get("/").text


def test_every_form_of_an_app_needs_more_than_seeing_it(full: Site) -> None:
    sent = {endpoint for endpoint, method, path in routes(full) if method == "POST" and "/apps/" in path}
    assert sent == NEEDS.keys() - {"pages.rollback", "pages.config_value"}


@pytest.mark.parametrize("role", list(AppRole))
def test_each_role_is_refused_exactly_what_it_may_not_do(full: Site, role: AppRole) -> None:
    user = full.parts.accounts.add_user("vic@example.com", PASSWORD)
    shop = full.parts.releases.app("shop")
    full.parts.accounts.grant(shop.id, user.user_id, role)
    for endpoint, method, path in sorted(routes(full), key=lambda route: route[1]):  # before anything is changed, look
        if "/apps/shop" in path and not path.endswith("/stream"):
            status, _ = open_page(full, "vic@example.com", method, path)
            refused = NEEDS.get(endpoint, Permission.VIEW) not in RIGHTS[role]
            assert (status == 403) == refused, endpoint
            assert method == "POST" or refused or status == 200, endpoint


def test_a_viewer_sees_no_button_that_changes_things(full: Site) -> None:
    viewer = full.parts.accounts.add_user("vic@example.com", PASSWORD)
    full.parts.accounts.grant(full.parts.releases.app("shop").id, viewer.user_id, AppRole.VIEWER)
    for endpoint, method, path in routes(full):
        if "/apps/shop" in path and method == "GET" and not path.endswith("/stream"):
            text = open_page(full, "vic@example.com", method, path)[1]
            addresses = re.findall(r'(?:href|action)="(/dashboard/apps/[^"]+)"', text)
            assert [address for address in addresses if address.endswith(CHANGES)] == [], endpoint
            assert re.findall(r'<form[^>]*action="/dashboard/apps/[^"]*"', text) == [], endpoint


def test_every_answer_carries_exactly_the_same_policy(full: Site) -> None:
    for who in ("ada@example.com", None):
        browser = full.browser(who)
        for endpoint, method, path in routes(full):
            if method == "GET" and not path.endswith("/stream"):
                headers = browser.get(path).headers
                assert headers["Content-Security-Policy"] == CSP, endpoint
                assert headers["X-Content-Type-Options"] == "nosniff", endpoint
                assert (headers["Cache-Control"] == "no-store") == (endpoint != "pages.static"), endpoint


def test_no_page_holds_anything_that_runs_or_comes_from_elsewhere(full: Site) -> None:
    browser, seen = full.browser(), 0
    for endpoint, method, path in routes(full):
        if method == "GET" and not path.endswith("/stream"):
            answer = browser.get(path)
            if answer.mimetype == "text/html":
                seen += 1
                assert _Inspector(answer.text).faults == [], endpoint
    assert seen > 10


def test_what_people_wrote_is_shown_as_text(full: Site) -> None:
    browser, shop = full.browser(), full.parts.releases.app("shop")
    push = full.parts.pushes.recent(shop.id, 1)[0]
    shown = "&lt;script&gt;alert(1)&lt;/script&gt;"
    for part in ("", "/logs", f"/pushes/{push.id}", "/processes", "/runs", "/config/MODE/value", "/checks", "/traffic"):
        path = f"/dashboard/apps/shop{part}"
        page = browser.get(path).text
        assert shown in page, path
        assert "<script>alert" not in page, path
        assert "<img src=x" not in page, path


def _without_tokens(text: str) -> str:
    return text.partition("<main")[2]


class _Inspector(HTMLParser):
    """Collects what the policy would block, and fields that have no label."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self._fields: set[str] = set()
        self._labels: set[str] = set()
        self.feed(text)
        self.faults += [f"no label for {field}" for field in self._fields - self._labels]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in held):
            self.faults.append(f"inline {tag}")
        self.faults += [f"{name} on {tag}" for name in held if name == "style" or name.startswith(("on", "hx-on"))]
        loaded = held.get("src") if tag != "link" else held.get("href")
        if loaded and not loaded.startswith("/static/"):
            self.faults.append(f"{tag} from {loaded}")
        if tag in ("input", "select", "textarea") and held.get("type") != "hidden":
            self._fields.add(held.get("id") or f"a field without id: {held.get('name')}")
        if tag == "label":
            self._labels.add(held.get("for") or "")

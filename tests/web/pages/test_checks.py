"""The page of an app's health checks."""

from __future__ import annotations

import pytest

from releases import App
from scheduler import CheckKind, HealthCheck, InstanceState
from tests.web.pages.staging import go_live
from tests.web.pages.test_pages import words
from tests.web.pages.world import Site

PAGE = "/dashboard/apps/shop/checks"
CHECKS = {"web": (HealthCheck(path="/up", attempts=2), HealthCheck(CheckKind.READINESS, path="/ready"))}


@pytest.fixture
def shop(site: Site) -> App:
    shop = site.new_app("shop")
    site.deploy(shop)
    go_live(
        site, shop, health=CHECKS, checks={"clock": (HealthCheck(CheckKind.LIVENESS, command=("bin/alive", "-q")),)}
    )
    return shop


def test_an_app_that_runs_nothing_is_told_what_to_type(site: Site) -> None:
    site.new_app("shop")
    text = words(site.browser().get(PAGE).text)
    assert "Nothing to check yet Checks are for what runs. Deploy it first: git push portside main" in text
    assert "Set a check" not in text


def test_each_check_is_told_with_what_it_means_and_where_it_comes_from(site: Site, shop: App) -> None:
    text = words(site.browser().get(PAGE).text)
    assert "startup GET /up must pass before an instance takes its place · within 20 s · app.json" in text
    assert (
        "readiness GET /ready while it fails, an instance is out of the route"
        " · every 5 s, 5 s for an answer, 3 failures in a row make it fail · app.json" in text
    )
    assert "startup runs must pass before an instance takes its place · by default" in text
    assert "liveness bin/alive -q when it fails, an instance is replaced" in text
    assert "set for the app Unset" in text
    assert "Nothing of it runs: portside ps:scale web=1 -a shop" in text


def test_the_last_result_is_told_of_each_instance_with_its_reason(site: Site, shop: App) -> None:
    site.scheduler.stage(shop.id, "web.1", InstanceState.RUNNING)
    site.scheduler.stage(shop.id, "web.2", InstanceState.RUNNING, detail="out of the route: GET /ready answered 503")
    site.scheduler.stage(
        shop.id, "clock.1", InstanceState.CRASHED, detail="liveness check failed: bin/alive ended with 1"
    )
    text = words(site.browser().get(PAGE).text)
    assert "Last result web.1 Passes web.2 Running out of the route: GET /ready answered 503" in text
    assert "clock.1 Crashed liveness check failed: bin/alive ended with 1; next attempt at 2 Jan 2026" in text


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"way": "path", "what": "/health", "attempts": "5"}, "startup: GET /health"),
        ({"way": "command", "what": "bin/check 'the queue'", "type": "liveness"}, "liveness: bin/check the queue"),
        ({"way": "listening"}, "startup: listens on PORT"),
        ({"way": "uptime", "what": "9"}, "startup: runs for 9 s"),
    ],
)
def test_a_check_is_set_and_its_change_is_watched_to_its_end(
    site: Site, shop: App, fields: dict[str, str], told: str
) -> None:
    browser = site.browser()
    answer = browser.send(PAGE, PAGE, kind="web", **{"type": "startup", **fields})
    assert answer.status_code == 303
    page = browser.get(answer.location).text
    assert f"Set checks of web: {told} Under way" in words(page).replace("&#39;", "'")
    assert f'data-stream="{answer.location}/stream?from=0"' in page
    site.parts.resizing.apply(answer.location.rpartition("/")[2])
    done = browser.get(answer.location).text
    assert f"Set checks of web: {told} Done" in words(done)
    assert "data-stream" not in done
    assert browser.get(f"{answer.location}/log.txt").text.startswith("-----> Set checks of web")
    assert "event: end" in browser.get(f"{answer.location}/stream").text


@pytest.mark.parametrize(
    ("fields", "status", "told"),
    [
        ({"way": "path", "what": "up"}, 422, "path begins with / and has no blanks, unlike 'up'."),
        ({"way": "path"}, 422, "it needs one of path, command, listening, uptime"),
        ({"way": "command", "what": "bin/check 'the"}, 422, "has an open quote. Close it, or leave it out."),
        ({"way": "path", "what": "/up", "attempts": "few"}, 422, "'few' is no number."),
        ({"way": "listening", "kind": "wep"}, 404, "This app has no process type wep. See: portside checks"),
        ({"way": "listening", "type": "ready"}, 422, "type is one of startup, readiness, liveness, not ready"),
    ],
)
def test_what_can_not_be_is_explained_beside_what_was_typed(
    site: Site, shop: App, fields: dict[str, str], status: int, told: str
) -> None:
    answer = site.browser().send(PAGE, PAGE, **{"kind": "web", "type": "startup", **fields})
    assert answer.status_code == status
    assert told in words(answer.text).replace("&#39;", "'")
    assert f'<option value="{fields["way"]}" selected>' in answer.text


def test_two_changes_at_once_are_refused(site: Site, shop: App) -> None:
    browser, fields = site.browser(), {"kind": "web", "type": "startup", "way": "listening"}
    browser.send(PAGE, PAGE, **fields)
    answer = browser.send(PAGE, PAGE, **{**fields, "type": "liveness"})
    assert answer.status_code == 409
    assert "Another change of this app" in words(answer.text)


def test_unsetting_what_was_never_set_changes_nothing(site: Site, shop: App) -> None:
    browser = site.browser()
    answer = browser.send(PAGE, f"{PAGE}/web/startup/unset")
    assert answer.location == f"{PAGE}?done=same"
    assert "It is so already: nothing was changed." in words(browser.get(answer.location).text)


def test_a_change_of_another_app_is_not_found(site: Site, shop: App) -> None:
    answer = site.browser().send(PAGE, PAGE, kind="web", type="startup", way="listening")
    site.new_app("blog")
    assert site.browser().get(answer.location.replace("/shop/", "/blog/")).status_code == 404

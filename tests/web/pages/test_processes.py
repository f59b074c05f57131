"""The page of an app's processes."""

from __future__ import annotations

import pytest

from releases import App
from scheduler import CheckKind, HealthCheck, InstanceState
from tests.web.pages.staging import go_live
from tests.web.pages.test_pages import words
from tests.web.pages.world import Site

PAGE = "/dashboard/apps/shop/processes"


@pytest.fixture
def shop(site: Site) -> App:
    shop = site.new_app("shop")
    site.deploy(shop)
    go_live(site, shop, health={"web": (HealthCheck(CheckKind.READINESS, path="/ready"),)})
    return shop


def test_an_app_without_a_release_shows_how_to_get_processes(site: Site) -> None:
    site.new_app("shop")
    site.scheduler.formation = lambda app_id: []  # type: ignore[method-assign]
    assert "No process types yet They come with the first deploy: git push portside main" in words(
        site.browser().get(PAGE).text
    )


def test_each_type_is_told_with_what_it_may_use_and_what_runs_of_it(site: Site, shop: App) -> None:
    site.scheduler.stage(shop.id, "web.1", InstanceState.RUNNING)
    site.scheduler.stage(shop.id, "web.2", InstanceState.CRASHED, detail="exited with code 1")
    site.scheduler.stage(shop.id, "web.1", InstanceState.WARM, version=0)
    text = words(site.browser().get(PAGE).text)
    assert "v1 serves." in text
    assert "web 1 of 1 running Command serve Size standard (512 MB, 1 CPU, 256 processes) Change the size" in text
    assert "Health startup: listens on PORT; readiness: GET /ready Overlap old and new run side by side" in text
    assert "exited with code 1; next attempt at 2 Jan 2026, 03:04:05 UTC" in text
    assert "Overlap never two at once: the old one ends before the new one starts" in text
    assert "None is wanted. Start one with portside ps:scale clock=1 -a shop ." in text
    assert (
        text.index("web 1 of 1 running") < text.index("clock 0 of 0 running") < text.index("Kept for a rollback Frozen")
    )


def test_scaling_by_its_buttons_leads_back_to_the_type(site: Site, shop: App) -> None:
    browser = site.browser()
    answer = browser.send(PAGE, f"{PAGE}/clock/scale", quantity="1")
    assert (answer.status_code, answer.location) == (303, f"{PAGE}#type-clock")
    page = browser.get(PAGE).text
    assert (
        'name="quantity" value="0"><button class="button compact" id="fewer-clock" aria-label="One clock less"' in page
    )
    assert (
        'name="quantity" value="2"><button class="button compact" id="more-clock" aria-label="One clock more"' in page
    )
    assert "clock 0 of 1 running" in words(page)


@pytest.mark.parametrize(
    ("kind", "quantity", "told"),
    [
        (
            "web",
            "101",
            "web=101 is not possible: a type has 0 to 100 instances. For example: `portside ps:scale web=2`.",
        ),
        ("web", "many", "'many' is no quantity. Give a whole number"),
        ("web", "", "No quantity was given. For example: portside ps:scale web=2 -a shop"),
        ("wep", "1", "There is no process type 'wep'; this release has: clock, web. Add it to the Procfile."),
    ],
)
def test_a_quantity_that_can_not_be_is_explained_on_the_page(
    site: Site, shop: App, kind: str, quantity: str, told: str
) -> None:
    answer = site.browser().send(PAGE, f"{PAGE}/{kind}/scale", quantity=quantity)
    assert answer.status_code == 422
    assert told in words(answer.text).replace("&#39;", "'")


def test_a_size_is_changed_and_the_change_watched(site: Site, shop: App) -> None:
    browser = site.browser()
    answer = browser.send(PAGE, f"{PAGE}/web/size", size="256M:0.5")
    assert answer.status_code == 303
    text = words(browser.get(answer.location).text)
    assert "Resize web to 256m:0.5 Under way" in text
    assert "the app’s processes" in text  # noqa: RUF001
    assert browser.send(PAGE, f"{PAGE}/web/size", size="standard").location == f"{PAGE}?done=same"
    refused = browser.send(PAGE, f"{PAGE}/web/size", size="huge")
    assert refused.status_code == 422
    assert "is not a size. A size is MEMORY[:CPUS[:PROCESSES]], or standard." in words(refused.text)


@pytest.mark.parametrize("process", ["web", "web.1"])
def test_a_type_or_an_instance_is_restarted_and_stopped(site: Site, shop: App, process: str) -> None:
    site.scheduler.stage(shop.id, "web.1", InstanceState.RUNNING)
    browser = site.browser()
    for verb, told in (("restart", "Being restarted: a new instance"), ("stop", "Being stopped: another instance")):
        answer = browser.send(PAGE, f"{PAGE}/{process}/{verb}")
        assert answer.location == f"{PAGE}?done={verb}"
        assert told in words(browser.get(answer.location).text)
    assert site.scheduler.asked == [("restart", process), ("stop", process)]


def test_what_does_not_run_can_be_neither_restarted_nor_stopped(site: Site, shop: App) -> None:
    for verb in ("restart", "stop"):
        answer = site.browser().send(PAGE, f"{PAGE}/web.7/{verb}")
        assert answer.status_code == 422
        assert f"There is no running web.7 to {verb}. See `portside ps` for what runs." in words(answer.text)


def test_only_instances_of_the_live_release_have_buttons(site: Site, shop: App) -> None:
    site.scheduler.stage(shop.id, "web.1", InstanceState.RETIRED)
    site.scheduler.stage(shop.id, "web.1", InstanceState.STARTING, version=2)
    page = site.browser().get(PAGE).text
    assert "web.1 Starting v2" in words(page)
    assert "web.1 Draining v1" in words(page)
    assert 'id="restart-web.1"' not in page


def test_what_moves_refreshes_itself(site: Site, shop: App) -> None:
    page = site.browser().get(f"{PAGE}/now").text
    assert page.lstrip().startswith(f'<div id="processes" hx-get="{PAGE}/now" hx-trigger="every 4s"')
    assert "<html" not in page


def test_a_made_up_word_of_what_was_done_says_nothing(site: Site, shop: App) -> None:
    assert 'role="status"' not in site.browser().get(f"{PAGE}?done=<b>everything</b>").text

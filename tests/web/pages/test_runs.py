"""The page of an app's one-off runs and cron entries."""

from __future__ import annotations

import pytest

from releases import App
from scheduler import RunWish
from scheduler.states import RunState
from scheduler.tables import RunRow
from tests.web.pages.staging import add_cron, go_live
from tests.web.pages.test_pages import words
from tests.web.pages.world import NOW, Site

PAGE = "/dashboard/apps/shop/runs"


@pytest.fixture
def shop(site: Site) -> App:
    shop = site.new_app("shop")
    site.deploy(shop)
    go_live(site, shop)
    return site.parts.releases.app("shop")


def ended(site: Site, exit_code: int) -> None:
    """The app's run ended, by its record, after 65 s."""
    with site.inner.database.write() as session:
        row = session.query(RunRow).one()
        row.state, row.exit_code, row.started_at, row.ended_at = (
            RunState.ENDED,
            exit_code,
            NOW,
            NOW.replace(minute=5, second=10),
        )


def test_an_app_with_nothing_yet_is_told_what_to_type(site: Site) -> None:
    site.new_app("shop")
    text = words(site.browser().get(PAGE).text)
    assert "There is no release to run anything in yet: git push portside main" in text
    assert "They are the cron of app.json:" in text
    assert "Run a command" not in text


def test_a_live_app_is_told_how_to_open_a_terminal(site: Site, shop: App) -> None:
    assert "Nothing was run lately. portside run bash -a shop opens a terminal" in words(site.browser().get(PAGE).text)


def test_a_run_is_begun_with_a_limit_watched_and_ended(site: Site, shop: App) -> None:
    browser = site.browser()
    answer = browser.send(PAGE, PAGE, command="python import.py", limit_s="60", size="1g")
    assert (answer.status_code, answer.location) == (303, f"{PAGE}?done=run")
    page = browser.get(answer.location).text
    assert "The run begins." in words(page)
    assert "run.1 Waiting python import.py v1 · ada@example.com · just now Output of run.1 End" in words(page)
    assert 'href="/dashboard/apps/shop/logs?process=run.1"' in page
    with site.inner.database.read() as session:
        row = session.query(RunRow).one()
        assert (row.limit_s, row.size, row.attached) == (60, "1024m", False)
    assert browser.send(PAGE, f"{PAGE}/run.1/end").location == f"{PAGE}?done=end"
    text = words(browser.get(PAGE).text)
    assert "run.1 Did not run" in text
    assert "Stopped by ada@example.com." in text
    assert "Output of run.1 End" not in text


@pytest.mark.parametrize(("code", "badge"), [(0, "tone-ok"), (3, "tone-bad")])
def test_a_run_that_ended_tells_its_exit_code_and_how_long_it_took(
    site: Site, shop: App, code: int, badge: str
) -> None:
    site.scheduler.runs.ask(shop.id, RunWish("ls", "ada@example.com"))
    ended(site, code)
    page = site.browser().get(PAGE).text
    assert f'<span class="badge {badge}">Exit code {code}</span>' in page
    assert "took 1 min 5 s" in words(page)


def test_what_went_through_a_terminal_has_no_output_here(site: Site, shop: App) -> None:
    site.scheduler.runs.ask(shop.id, RunWish("bash", "ada@example.com", attached=True))
    page = site.browser().get(PAGE).text
    assert "in a terminal" in words(page)
    assert "process=run.1" not in page


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"command": " "}, "There is no command to run. Give one: portside run ls -l"),
        ({"command": "ls", "limit_s": "soon"}, "'soon' is no time limit. Give a whole number"),
        ({"command": "ls", "limit_s": "0"}, "A run may take 1 to 86400 s, not 0. Give another time limit."),
        ({"command": "ls", "size": "huge"}, "'huge' is not a size."),
    ],
)
def test_what_can_not_be_run_is_explained_beside_what_was_typed(
    site: Site, shop: App, fields: dict[str, str], told: str
) -> None:
    answer = site.browser().send(PAGE, PAGE, **fields)
    assert answer.status_code == 422
    assert told in words(answer.text).replace("&#39;", "'")
    assert f'name="command" value="{fields["command"].strip()}"' in answer.text


def test_the_logs_of_a_run_are_marked_in_the_filter(site: Site, shop: App) -> None:
    page = site.browser().get("/dashboard/apps/shop/logs?process=run.1").text
    assert '<a href="/dashboard/apps/shop/logs?process=run.1" aria-current="true">run.1</a>' in page


def test_a_cron_entry_is_run_now_suspended_and_resumed(site: Site, shop: App) -> None:
    entry, browser = add_cron(site, shop, "forbid"), site.browser()
    text = words(browser.get(PAGE).text)
    assert (
        "bin/tidy 0 0 1 1 * · skipped while a run of it goes on Next at 1 Jan 2040, 00:00:00 UTC Not run yet." in text
    )
    url = f"/dashboard/apps/shop/cron/{entry}"
    assert browser.send(PAGE, f"{url}/run").location == f"{PAGE}?done=run"
    text = words(browser.get(PAGE).text)
    assert "Last: Waiting just now" in text
    assert "What came of cron Due Outcome Run Entry" in text
    assert "Waiting run.1 bin/tidy" in text
    refused = browser.send(PAGE, f"{url}/run")
    assert refused.status_code == 409
    assert "bin/tidy can&#39;t run now. A run of it goes on" in words(refused.text)
    browser.send(PAGE, f"{url}/suspend")
    assert "Suspended." in words(browser.get(PAGE).text)
    browser.send(PAGE, f"{url}/resume")
    assert "Next at 1 Jan" in words(browser.get(PAGE).text)


def test_an_entry_that_is_gone_is_told_on_the_page(site: Site, shop: App) -> None:
    answer = site.browser().send(PAGE, "/dashboard/apps/shop/cron/nonsense/run")
    assert answer.status_code == 404
    assert "The live release has no cron entry nonsense. See: portside cron:list" in words(answer.text)


def test_what_moves_refreshes_itself(site: Site, shop: App) -> None:
    page = site.browser().get(f"{PAGE}/now").text
    assert page.lstrip().startswith(f'<div id="runs" hx-get="{PAGE}/now" hx-trigger="every 4s"')
    assert 'id="command"' not in page, "what somebody types is not swapped away"

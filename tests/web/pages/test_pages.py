"""What each page shows and does."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import event

from gitreceiver import PushState
from releases import BakePolicy, ReleaseState
from releases.bake_policy import Numbers
from scheduler import InstanceState, LogLine
from tests.web.pages.world import NOW, Site


def words(html: str) -> str:
    """The text of a page, without tags, in single spaces."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.partition("<main")[2]))


def test_the_home_shows_each_app_with_its_state(site: Site) -> None:
    shop = site.new_app("shop")
    site.new_app("blog")
    site.deploy(shop)
    site.scheduler.stage(shop.id, "web.1", InstanceState.RUNNING)
    site.scheduler.stage(shop.id, "web.2", InstanceState.CRASHED)
    text = words(site.browser().get("/").text)
    assert "blog Not deployed" in text
    assert "shop 1 running, 1 crashed v1 Queued just now" in text


def test_the_home_without_apps_shows_how_to_make_the_first(site: Site) -> None:
    page = site.browser().get("/").text
    for command in ("portside login http://localhost", "portside create my-app", "git push portside main"):
        assert f">{command}</code>" in page


def test_the_search_narrows_the_home_and_says_when_nothing_fits(site: Site) -> None:
    for name in ("shop", "blog"):
        site.new_app(name)
    browser = site.browser()
    assert "1 app" in words(browser.get("/?q=SHO").text)
    assert "blog" not in words(browser.get("/?q=SHO").text)
    assert "name has “zzz” in it." in words(browser.get("/?q=zzz").text)


def test_the_home_asks_the_database_as_often_for_many_apps_as_for_few(site: Site) -> None:
    statements: list[str] = []
    event.listen(site.inner.database.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    browser, counts = site.browser(), []
    for number in range(30):
        site.push(site.new_app(f"app-{number:02}"))
        if number in (1, 29):
            statements.clear()
            assert browser.get("/").status_code == 200
            counts.append(len(statements))
    assert counts[0] == counts[1]


def test_a_new_app_shows_how_to_push_it(site: Site) -> None:
    browser = site.browser()
    answer = browser.send("/dashboard/new", "/dashboard/new", name="shop")
    assert answer.location == "/dashboard/apps/shop"
    page = browser.get(answer.location).text
    assert ">git remote add portside http://localhost/shop.git</code>" in page
    assert 'data-copy="step-push"' in page
    assert "http://shop.localhost:8080" in page


def test_a_bad_name_is_explained_beside_the_form(site: Site) -> None:
    answer = site.browser().send("/dashboard/new", "/dashboard/new", name="9-lives")
    assert answer.status_code == 422
    assert "3 to 30 of a-z, 0-9 and dashes" in answer.text
    assert 'value="9-lives"' in answer.text


def test_the_app_page_shows_what_is_live_and_what_runs(site: Site) -> None:
    shop = site.new_app("shop")
    release = site.deploy(shop, message="Take the total from the basket\n\nMore.")
    site.scheduler.stage(shop.id, "worker.1", InstanceState.CRASHED, detail="exited with code 1")
    site.scheduler.stage(shop.id, "web.1", InstanceState.RUNNING)
    page = site.browser().get("/dashboard/apps/shop").text
    text = words(page)
    assert "Open shop.localhost:8080" in text
    assert f"v1 Crashing Take the total from the basket {release.commit[:7]} · ada@example.com · just now" in text
    assert text.index("web.1 Running v1") < text.index("worker.1 Crashed v1")
    assert "exited with code 1; next attempt at 2 Jan 2026, 03:04:05 UTC" in text
    assert 'href="/dashboard/apps/shop/pushes/' in page


def test_the_app_page_lists_volumes_with_their_limits(site: Site) -> None:
    shop = site.new_app("shop")
    storage = site.parts.storage
    browser = site.browser()
    assert "Storage" not in words(browser.get("/dashboard/apps/shop").text)
    storage.apply(storage.ask_mount(shop.id, "data", "/data", ("web", "worker"), "ada@example.com").id)
    text = words(browser.get("/dashboard/apps/shop").text)
    assert "Storage Volume Path Processes Made data /data web, worker just now A volume lives on one host" in text
    assert "Portside does not back it up" in text
    storage.apply(storage.ask_unmount(shop.id, "data", "ada@example.com").id)
    assert "data not mounted just now" in words(browser.get("/dashboard/apps/shop").text)


def test_a_part_of_the_app_page_refreshes_itself(site: Site) -> None:
    site.deploy(site.new_app("shop"))
    page = site.browser().get("/dashboard/apps/shop/now").text
    assert page.lstrip().startswith('<div id="now" hx-get="/dashboard/apps/shop/now" hx-trigger="every 4s"')
    assert "<html" not in page


def test_a_page_that_waits_for_the_first_deploy_learns_of_it_once(site: Site) -> None:
    shop, browser = site.new_app("shop"), site.browser()
    page = browser.get("/dashboard/apps/shop").text
    assert "Deploy it" in page
    assert "hx-swap-oob" not in browser.get(poll_of(page)).text
    site.deploy(shop)
    told = browser.get(poll_of(page)).text
    assert '<div class="head-actions" id="open" hx-swap-oob="true"><a class="button"' in told
    assert '<section id="start" hx-swap-oob="delete"></section>' in told
    assert "hx-swap-oob" not in browser.get(poll_of(told)).text


def poll_of(page: str) -> str:
    """The address that the page asks for its newest state."""
    (address,) = re.findall(r'hx-get="([^"]+)"', page)
    return str(address)


def test_the_releases_offer_a_rollback_only_to_what_can_come_back(site: Site) -> None:
    shop = site.new_app("shop")
    for tag in "ab":
        site.deploy(shop, tag)
    page = site.browser().get("/dashboard/apps/shop/releases").text
    assert 'href="/dashboard/apps/shop/releases/v1/rollback"' in page
    assert 'href="/dashboard/apps/shop/releases/v2/rollback"' not in page


def test_a_release_whose_image_the_registry_lost_is_said_not_to_come_back(site: Site) -> None:
    shop = site.new_app("shop")
    for tag in "ab":
        site.deploy(shop, tag)
    site.inner.images.forget_release(shop.id, 1)
    site.inner.releases.check_images(shop.id)
    page = site.browser().get("/dashboard/apps/shop/releases").text
    assert page.count("Not restorable: the registry has lost its image, and the engine has no copy of it.") == 1
    assert "/rollback" not in page


def test_a_rollback_first_shows_what_will_change_without_values(site: Site) -> None:
    shop = site.new_app("shop")
    site.inner.set_config(shop.id, GONE_NOW="old secret", MODE="old mode")
    first = site.deploy(shop, "a")
    site.inner.set_config(shop.id, GONE_NOW=None, MODE="new mode", ADDED_LATER="new secret")
    second = site.deploy(shop, "b", "Another")
    browser = site.browser()
    text = words(browser.get("/dashboard/apps/shop/releases/v2/rollback").text)
    assert f"{second.commit[:7]} → {first.commit[:7]}" in text
    assert "Config comes back GONE_NOW Config goes away ADDED_LATER Config changes MODE" in text
    assert "secret" not in text
    assert "old mode" not in text
    kept = words(browser.get("/dashboard/apps/shop/releases/v2/rollback?code_only=1").text)
    assert "Config stays as it is" in kept
    assert "config is kept." in kept


@pytest.mark.parametrize("fields", [{}, {"code_only": "1"}])
def test_a_rollback_is_done_and_leads_to_its_log(site: Site, fields: dict[str, str]) -> None:
    shop = site.new_app("shop")
    for tag in "ab":
        site.deploy(shop, tag)
    url = "/dashboard/apps/shop/releases/v1/rollback"
    browser = site.browser()
    answer = browser.send(url, url, **fields)
    assert (answer.status_code, answer.location) == (303, "/dashboard/apps/shop/releases/v3")
    page = browser.get(answer.location).text
    assert 'data-stream="/dashboard/apps/shop/releases/v3/stream?from=0"' in page
    made = site.parts.releases.release(shop.id, "v3")
    assert made.state is ReleaseState.PENDING
    assert made.description == "Rollback to v1" + (" (code only)" if fields else "")


def test_a_rollback_may_run_the_release_phase_again(site: Site) -> None:
    shop = site.new_app("shop")
    for tag in "ab":
        site.inner.push(shop.id, tag, web=None, release="migrate now")
    url = "/dashboard/apps/shop/releases/v1/rollback"
    browser = site.browser()
    assert "Run its release phase again: migrate now" in words(browser.get(url).text)
    browser.send(url, url, release_phase="1")
    assert site.parts.releases.release(shop.id, "v3").with_phase
    browser.send(url, url)
    assert not site.parts.releases.release(shop.id, "v4").with_phase


def test_a_release_tells_of_its_trial(site: Site) -> None:
    shop = site.new_app("shop")
    site.inner.push(shop.id, "a")
    site.parts.releases.bakes.set(shop.id, BakePolicy(minutes=7))
    site.inner.push(shop.id, "b")
    browser = site.browser()
    for page in ("", "/releases", "/releases/v2"):
        assert "On trial for 7 min" in words(browser.get(f"/dashboard/apps/shop{page}").text)
    site.inner.traffic.numbers = Numbers(100, 50, 30.0)
    site.inner.releases.look_at_bakes()
    text = words(browser.get("/dashboard/apps/shop/releases").text)
    assert "Bake window, worse: 5xx 50.0 % of 100 requests (before: too few requests to compare with)" in text


def test_a_rollback_that_is_not_possible_says_why(site: Site) -> None:
    shop = site.new_app("shop")
    site.inner.set_config(shop.id, MODE="x")
    site.deploy(shop)
    answer = site.browser().get("/dashboard/apps/shop/releases/v1/rollback")
    assert answer.status_code == 409
    assert "v1 has no image" in answer.text


def test_a_running_push_shows_its_log_a_stream_and_a_way_to_cancel(site: Site) -> None:
    shop = site.new_app("shop")
    push = site.push(shop)
    browser, url = site.browser(), f"/dashboard/apps/shop/pushes/{push.id}"
    page = browser.get(url).text
    assert f'data-stream="{url}/stream?from=0"' in page
    assert browser.send(url, f"{url}/cancel").location == url
    assert site.parts.pushes.push(push.id).state is PushState.CANCELLED
    done = browser.get(url).text
    assert "Cancelled" in done
    assert "data-stream" not in done
    assert "Cancel the deploy" not in done


def test_a_long_log_shows_its_end_and_links_to_the_whole(site: Site) -> None:
    shop = site.new_app("shop")
    push = site.push(shop)
    log = site.parts.logs.writer(push.log_id)
    log.line("\n".join(f"line {number}" for number in range(6000)))
    log.close()
    browser, url = site.browser(), f"/dashboard/apps/shop/pushes/{push.id}"
    page = browser.get(url).text
    assert "The first 1,000 lines are left out here." in page
    assert "line 999\n" not in page
    assert "line 1000\n" in page
    whole = browser.get(f"{url}/log.txt")
    assert whole.mimetype == "text/plain"
    assert whole.text.startswith("line 0\n")


def test_a_push_of_another_app_is_not_found(site: Site) -> None:
    push = site.push(site.new_app("shop"))
    site.new_app("blog")
    assert site.browser().get(f"/dashboard/apps/blog/pushes/{push.id}").status_code == 404


def test_the_logs_show_recent_lines_and_stream_what_follows(site: Site) -> None:
    site.deploy(site.new_app("shop"))
    moments = [NOW + timedelta(seconds=number) for number in range(3)]
    site.scheduler.lines = [LogLine(at, "app", f"web.{n}", f"line {n}") for n, at in enumerate(moments)]
    site.scheduler.lines.append(LogLine(NOW, "app", "worker.1", "a job"))
    browser = site.browser()
    page = browser.get("/dashboard/apps/shop/logs?process=web").text
    assert "03:04:07 web.2    line 2" in page
    assert "a job" not in page
    after = moments[1].isoformat().replace("+", "%2B")
    stream = browser.get(f"/dashboard/apps/shop/logs/stream?process=web&after={after}")
    assert stream.mimetype == "text/event-stream"
    assert re.findall("data: (.*)", stream.text) == ["03:04:07 web.2    line 2"]


def test_an_address_that_leads_nowhere_shows_a_page(site: Site) -> None:
    for path in ("/dashboard/nothing", "/dashboard/apps/no-such-app", "/dashboard/apps"):
        answer = site.browser().get(path)
        assert (answer.status_code, answer.mimetype) == (404, "text/html")
        assert "Not found" in answer.text


def test_a_bug_shows_an_id_and_nothing_of_the_inside(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.new_app("shop")
    browser = site.browser()
    monkeypatch.delattr(site.scheduler.__class__, "all_instances")
    answer = browser.get("/")
    assert answer.status_code == 500
    assert re.search(r"Something went wrong inside Portside \(error [0-9a-f]{8}\)", answer.text)
    assert "all_instances" not in answer.text


def test_maintenance_is_switched_on_the_apps_page(site: Site) -> None:
    shop = site.new_app("shop")
    browser = site.browser()
    assert "Turn maintenance on" in browser.get("/dashboard/apps/shop").text
    assert browser.send("/dashboard/apps/shop", "/dashboard/apps/shop/maintenance", on="1").status_code == 303
    assert site.router.maintenance.apps() == {shop.id}
    assert "Serve the app again" in browser.get("/dashboard/apps/shop").text
    assert browser.send("/dashboard/apps/shop", "/dashboard/apps/shop/maintenance", on="0").status_code == 303
    assert site.router.maintenance.apps() == frozenset()

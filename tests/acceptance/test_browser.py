"""The dashboard in a real browser: a push watched as it happens, and a rollback by a button."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.acceptance.site import Site
from tests.live import LivePlatform

pytestmark = [pytest.mark.platform, pytest.mark.browser]

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def console() -> Iterator[list[str]]:
    """Errors and warnings on the page's console, a breach of the content policy among them: none may be left."""
    said: list[str] = []
    yield said
    assert said == []


@pytest.fixture
def page(browser: Browser, platform: LivePlatform, console: list[str]) -> Iterator[Page]:
    """A page of a fresh profile."""
    context = browser.new_context(base_url=platform.api_url)
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.on("console", lambda message: console.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: console.append(str(error)))
    expect.set_options(timeout=PATIENCE_MS)
    yield page
    context.close()


def sign_in(page: Page, platform: LivePlatform, password: str = "") -> None:
    page.get_by_label("E-mail address").fill(platform.email)
    page.get_by_label("Password").fill(password or platform.password)
    page.get_by_role("button", name="Sign in").click()


def test_a_push_is_watched_live_and_rolled_back_by_a_button(page: Page, live_site: Site) -> None:
    name, platform = live_site.name, live_site.platform
    assert live_site.cli("config:set", "GREETING=hello").code == 0
    page.goto(f"/dashboard/apps/{name}")
    expect(page).to_have_title(re.compile("Sign in"))
    sign_in(page, platform)
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("web.1 Running v2"))).to_be_visible()

    _watch_a_push(page, live_site)

    page.goto(f"http://{name}.localhost:{platform.http}")
    expect(page.get_by_text("words=two")).to_be_visible()

    page.goto("/")
    page.get_by_role("link", name=name).click()
    page.get_by_role("navigation", name="App").get_by_role("link", name="Releases").click()
    page.get_by_role("link", name="Roll back to v1").click()
    expect(page.get_by_role("heading", name="Roll back to v1?")).to_be_visible()
    expect(page.get_by_text("v3 → a new release like v1")).to_be_visible()
    expect(page.get_by_role("definition").filter(has_text="GREETING")).to_be_visible()
    expect(page.get_by_text("Config goes away")).to_be_visible()
    page.get_by_role("button", name="Roll back to v1").click()
    expect(page.get_by_role("heading", name="v4")).to_be_visible()
    expect(page.locator("[data-log-lines]")).to_contain_text("Released v4")
    expect(page.locator("[data-state-badge]")).to_have_text("Live")
    assert (live_site.answer()["words"], live_site.answer()["greeting"]) == ("one", "")
    page.goto(f"http://{name}.localhost:{platform.http}")
    expect(page.get_by_text("words=one")).to_be_visible()


def _watch_a_push(page: Page, site: Site) -> None:
    """From the app's page, which notices the push by itself, to its log, which goes on by itself to the end."""
    (site.folder / "words").write_text("two\n")
    site.build_also("RUN echo the first words && sleep 8 && echo the last words")
    log, badge, status = (page.locator(f"[data-{what}]") for what in ("log-lines", "state-badge", "log-status"))
    with site.pushing() as push:
        expect(page.get_by_role("heading", name="Push under way")).to_be_visible()
        page.locator("#now-push").click()
        expect(log).to_contain_text("the first words")
        expect(badge).to_have_text("Building")
        expect(status).to_have_text("Live")
        expect(log.get_by_text(re.compile(r"^\s+the last words"))).to_have_count(0)
        assert push.running, "it is watched while it runs"
        expect(log).to_contain_text("-----> Released v3")
        expect(badge).to_have_text("Deployed")
        expect(status).to_have_text("Complete")
        expect(page.get_by_role("button", name="Cancel the deploy")).to_be_hidden()
        done = push.ended()
    assert done.code == 0, done.output
    told = [line.removeprefix("remote: ").rstrip() for line in done.output.splitlines() if line.startswith("remote: ")]
    assert log.inner_text().rstrip("\n").split("\n") == told, "the page and git show the same"


def test_a_push_is_cancelled_by_a_button(page: Page, live_site: Site) -> None:
    page.goto(f"/dashboard/apps/{live_site.name}")
    sign_in(page, live_site.platform)
    live_site.build_also("RUN echo the long step begins && sleep 60")
    with live_site.pushing() as push:
        page.locator("#now-push").filter(has_text=_head(live_site)).click()
        expect(page.locator("[data-log-lines]")).to_contain_text("the long step begins")
        page.get_by_role("button", name="Cancel the deploy").click()
        expect(page.locator("[data-state-badge]")).to_have_text("Cancelled")
        assert "! [remote rejected] main -> main (cancelled)" in push.ended().output
    assert live_site.answer()["words"] == "one"


def test_the_page_of_an_app_keeps_up_with_what_happens(page: Page, live_site: Site) -> None:
    page.goto(f"/dashboard/apps/{live_site.name}")
    sign_in(page, live_site.platform)
    newest = page.get_by_role("region", name="Releases").get_by_role("listitem").first
    expect(newest).to_contain_text("v1")
    assert live_site.cli("config:set", "GREETING=hello").code == 0
    expect(newest).to_contain_text("v2")
    expect(newest).to_contain_text("Set GREETING config var Live")
    expect(page.get_by_role("link", name="Roll back to v1")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("web.1 Running v2"))).to_be_visible()


def test_the_page_of_a_new_app_turns_into_that_of_a_live_one_by_itself(page: Page, site: Site) -> None:
    page.goto(f"/dashboard/apps/{site.name}")
    sign_in(page, site.platform)
    expect(page.get_by_role("heading", name="Deploy it")).to_be_visible()
    opens = page.get_by_role("link", name=re.compile(f"^Open {site.name}"))
    expect(opens).to_have_count(0)
    page.evaluate("document.body.dataset.loaded = 'once'")
    pushed = site.push()
    assert pushed.code == 0, pushed.output
    expect(opens).to_have_attribute("href", f"http://{site.name}.localhost:{site.platform.http}")
    expect(page.get_by_role("heading", name="Deploy it")).to_have_count(0)
    expect(page.get_by_role("row", name=re.compile("web.1 Running v1"))).to_be_visible()
    assert page.evaluate("document.body.dataset.loaded") == "once", "nothing loaded the page again"


def test_an_app_is_run_from_its_pages(page: Page, live_site: Site) -> None:
    """Scaled, given config, a command to run, a domain and a password; by the keyboard where that is not the same."""
    name = live_site.name
    page.goto(f"/dashboard/apps/{name}/processes")
    sign_in(page, live_site.platform)
    web = page.get_by_role("region", name="web")
    expect(web).to_contain_text("1 of 1 running")
    page.get_by_role("button", name="One web more").click()
    expect(web).to_contain_text("2 of 2 running")
    assert live_site.cli("ps:scale", "web=1").code == 0
    expect(page.locator("#live")).to_contain_text("web: 1 of 1 running")

    _to(page, "Config")
    page.get_by_label("Name").fill("GREETING")
    page.get_by_label("Value").fill("hello")
    page.get_by_role("button", name="Set", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("This change makes v2")
    page.evaluate("document.body.dataset.loaded = 'once'")
    show = page.get_by_role("link", name="Show GREETING")
    show.focus()
    show.press("Enter")
    expect(page.get_by_label("Value of GREETING")).to_have_text("hello")
    expect(page.get_by_role("link", name="Hide GREETING")).to_be_focused()
    expect(page.get_by_role("list").filter(has_text="Set GREETING config var")).to_contain_text("Live")
    assert page.evaluate("document.body.dataset.loaded") == "once", "nothing loaded the page again"

    _to(page, "Runs")
    page.get_by_role("textbox", name="Command").fill("echo the words of a run; exit 3")
    page.get_by_role("button", name="Run", exact=True).click()
    run = page.get_by_role("listitem").filter(has_text="run.1")
    expect(run).to_contain_text("Exit code 3")
    run.get_by_role("link", name="Output of run.1").click()
    expect(page.locator("[data-log-lines]")).to_contain_text("the words of a run")

    _to(page, "Domains")
    page.get_by_text("Add a domain").click()
    page.get_by_role("textbox", name="Host name").fill(f"{name}.example.com")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("listitem").filter(has_text=f"{name}.example.com")).to_contain_text("Routed")
    asked = {"Host": f"{name}.example.com"}
    assert _status(live_site, asked) == 200

    _to(page, "Traffic")
    page.get_by_text("Add a user").focus()
    page.keyboard.press("Enter")
    page.get_by_role("textbox", name="User").fill("ann")
    page.locator("#password").fill("not to be guessed")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("Saved. The app is for its users only.")
    expect(page.get_by_role("region", name="Password")).to_contain_text("ann password set just now")
    assert (_status(live_site, asked), _status(live_site, asked, ("ann", "not to be guessed"))) == (401, 200)
    page.get_by_role("button", name="Remove the user ann").click()
    expect(page.get_by_role("status")).to_contain_text("the app asks for no password any more")
    assert _status(live_site, asked) == 200


def _status(site: Site, headers: dict[str, str], auth: tuple[str, str] | None = None) -> int:
    url = f"http://127.0.0.1:{site.platform.http}/"
    return httpx.get(url, headers=headers, auth=auth, trust_env=False).status_code


def _to(page: Page, tab: str) -> None:
    page.get_by_role("navigation", name="App").get_by_role("link", name=tab).click()


def _head(site: Site) -> str:
    return site.git("rev-parse", "--short=7", "HEAD").output.strip()


def test_a_wrong_password_is_told_and_signing_out_ends_it(
    page: Page, platform: LivePlatform, console: list[str]
) -> None:
    page.goto("/")
    sign_in(page, platform, "not the password")
    expect(page.get_by_role("alert")).to_have_text("The e-mail address or the password is wrong.")
    assert [text for text in console if "401" not in text] == [], "the browser itself notes the page's status"
    console.clear()
    expect(page.get_by_label("E-mail address")).to_have_value(platform.email)
    sign_in(page, platform)
    expect(page.get_by_role("heading", name="Apps")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    page.goto("/")
    expect(page.get_by_role("button", name="Sign in")).to_be_visible()

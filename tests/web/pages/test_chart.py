"""The chart of an app's requests."""

from __future__ import annotations

from core import clock
from router import Metrics, Period, Step, Tally
from tests.web.pages.world import Site
from web.pages import chart

TALLY = Tally(1, (0, 3, 0, 0, 1, 0), (0, 0, 4, *[0] * 21))


def test_an_app_that_nobody_asked_has_no_chart():
    assert chart.of(Period(60, Tally(), {}, (Step(0, Tally()),))) is None


def test_columns_are_relative_to_the_busiest_and_show_what_failed():
    points = (Step(0, Tally()), Step(10, TALLY), Step(20, TALLY + TALLY), Step(30, Tally()))
    found = chart.of(Period(60, TALLY + TALLY + TALLY, {}, points))
    assert found is not None
    assert [(column.left, column.height, column.failed) for column in found.columns] == [(25, 50, 12.5), (50, 100, 25)]
    assert found.facts[:2] == (("Requests", "12"), ("Failed (5xx)", "3"))
    assert found.most == "0.8 requests a second"


def test_the_apps_page_has_the_chart(site: Site, tmp_path):
    shop = site.new_app("shop")
    assert "Requests in the last hour" not in site.browser().get("/dashboard/apps/shop").text
    site.router.metrics = Metrics(tmp_path / "requests")
    site.router.metrics.add(shop.id, TALLY, clock.now().timestamp())
    page = site.browser().get("/dashboard/apps/shop").text
    assert "Requests in the last hour" in page
    assert page.count('class="failed"') == 1

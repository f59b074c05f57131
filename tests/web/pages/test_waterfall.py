"""The bars that show what took how long in a push."""

from __future__ import annotations

from dataclasses import replace

from core import clock
from core.timing import Step
from gitreceiver import Push
from gitreceiver.waterfall import encode
from tests.web.pages.world import Site
from web.pages.waterfall import bars

STEPS = (
    Step("receive", 0, 100),
    Step("build", 100, 700),
    Step("build [2/2] RUN <make>", 150, 600),
    Step("start", 800, 1),
)


def over(push: Push) -> Push:
    return replace(push, steps=STEPS, total_ms=1000, finished_at=clock.now())


def test_bars_stand_where_their_steps_did(site: Site) -> None:
    push = over(site.push(site.new_app("shop")))
    assert [(bar.name, bar.took, bar.left, bar.width, bar.inner) for bar in bars(push)] == [
        ("receive", "0.10 s", 0, 10, False),
        ("build", "0.70 s", 10, 70, False),
        ("[2/2] RUN <make>", "0.60 s", 15, 60, True),
        ("start", "0.00 s", 80, 0.5, False),
    ]


def test_a_push_that_goes_on_has_none_yet(site: Site) -> None:
    assert bars(replace(site.push(site.new_app("shop")), steps=STEPS)) == []


def test_the_page_of_a_push_shows_them(site: Site) -> None:
    push = site.push(site.new_app("shop"))
    site.journal.record(push.id, steps=encode(STEPS))
    site.parts.pushes.cancel(push.app_id, push.id)
    page = site.browser().get(f"/dashboard/apps/shop/pushes/{push.id}").text
    assert '<td class="inner">[2/2] RUN &lt;make&gt;</td><td>0.60 s</td>' in page
    assert '<rect x="18.73%" width="74.91%" height="100%"/>' in page

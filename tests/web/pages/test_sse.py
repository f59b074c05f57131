"""The live streams: their format, what they carry, when they end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from scheduler import LogLine
from tests.web.pages.world import NOW, Site
from web.pages import sse
from web.pages.app_logs import tail
from web.pages.states import Badge, Tone

BUILDING, DEPLOYED = Badge("Building", Tone.BUSY), Badge("Deployed", Tone.OK)


class ScriptedLogs:
    """Follows a list instead of a log."""

    def __init__(self, *items: tuple[int, str] | None) -> None:
        self.items = items

    def follow(self, log_id: str, start: int = 0) -> Iterator[tuple[int, str] | None]:
        yield from (item for item in self.items if item is None or item[0] >= start)


def work_log(logs: Any, *progress: sse.Progress, start: int = 0, allowed: bool = True) -> list[str]:
    answers = list(progress)
    return list(
        sse.work_log(logs, "x", start, lambda: answers.pop(0) if len(answers) > 1 else answers[0], lambda: allowed)
    )


def test_a_line_is_one_event_whatever_it_holds() -> None:
    assert sse.line("a\rb\nevent: end\n\ndata: x", "7") == "id: 7\ndata: bevent: enddata: x\n\n"
    assert sse.line("\x1b[32mgreen\x1b[0m \x07<b>", "8") == "id: 8\ndata: green <b>\n\n"


def test_a_state_is_told_with_its_tone() -> None:
    text = sse.state(BUILDING)
    assert text.startswith("event: state\ndata: ")
    assert text.endswith("\n\n")
    assert json.loads(text.partition("data: ")[2]) == {"word": "Building", "tone": "busy"}


def test_the_stream_carries_lines_keepalives_the_state_and_the_end() -> None:
    logs = ScriptedLogs((0, "one"), None, (1, "two"))
    events = work_log(logs, sse.Progress(BUILDING, False), sse.Progress(DEPLOYED, True))
    assert events == [
        sse.RETRY,
        sse.line("one", "0"),
        sse.state(BUILDING),
        sse.KEEPALIVE,
        sse.line("two", "1"),
        sse.state(DEPLOYED),
        sse.END,
    ]


def test_the_stream_begins_after_the_lines_that_the_browser_has() -> None:
    events = work_log(ScriptedLogs((0, "one"), (1, "two")), sse.Progress(DEPLOYED, True), start=1)
    assert sse.line("one", "0") not in events
    assert sse.line("two", "1") in events


def test_the_stream_waits_for_the_record_that_follows_the_closed_log() -> None:
    slow = [sse.Progress(BUILDING, False)] * 2
    events = work_log(ScriptedLogs(), *slow, sse.Progress(DEPLOYED, True))
    assert events[-2:] == [sse.state(DEPLOYED), sse.END]


def test_the_stream_ends_when_the_record_is_final_and_nobody_closes_the_log() -> None:
    """The worker of a rollback died right after it; nothing says `end` in its log."""
    endless: Any = ScriptedLogs((0, "one"), *[None] * 1000)
    events = work_log(endless, sse.Progress(DEPLOYED, True))
    assert events.count(sse.KEEPALIVE) < 10
    assert events[-1] == sse.END


def test_the_stream_of_a_log_that_is_silent_for_long_goes_on_while_its_record_is_not_final() -> None:
    endless: Any = ScriptedLogs((0, "one"), *[None] * 50, (1, "two"))
    events = work_log(endless, *[sse.Progress(BUILDING, False)] * 2, sse.Progress(DEPLOYED, True))
    assert sse.line("two", "1") in events


def test_the_stream_ends_when_its_reader_may_no_longer_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "_ALLOWED_EVERY_S", 0.0)
    logs = ScriptedLogs((0, "one"), (1, "two"))
    events = work_log(logs, sse.Progress(BUILDING, False), allowed=False)
    assert events == [sse.RETRY, sse.line("one", "0")]


def test_the_tail_skips_what_was_seen_and_names_each_line_by_its_moment() -> None:
    lines = [LogLine(NOW + timedelta(seconds=n), "app", "web.1", f"line {n}") for n in range(2)]
    events = list(tail(iter([lines[0], None, lines[1]]), NOW, lambda: True))
    assert events == [
        sse.RETRY,
        sse.KEEPALIVE,
        "id: 2026-01-02T03:04:06+00:00\ndata: 03:04:06 web.1    line 1\n\n",
    ]


@pytest.mark.parametrize(
    ("query", "last", "first_line"),
    [("", "", "zero"), ("?from=1", "", "one"), ("?from=1", "1", "two"), ("?from=x", "-1", "zero")],
)
def test_a_browser_that_comes_back_goes_on_where_it_was(site: Site, query: str, last: str, first_line: str) -> None:
    push = site.push(site.new_app("shop"))
    log = site.parts.logs.writer(push.log_id)
    log.line("zero\none\ntwo")
    log.close()
    site.parts.pushes.cancel(push.app_id)
    headers = {"Last-Event-ID": last} if last else {}
    answer = site.browser().get(f"/dashboard/apps/shop/pushes/{push.id}/stream{query}", headers=headers)
    assert answer.headers["X-Accel-Buffering"] == "no"
    assert answer.text.partition("data: ")[2].startswith(first_line)
    assert answer.text.endswith(sse.END)


def test_a_release_streams_its_log_until_it_is_decided(site: Site) -> None:
    shop = site.new_app("shop")
    site.deploy(shop)
    made = site.inner.set_config(shop.id, MODE="x")
    answer = site.browser().get(f"/dashboard/apps/shop/releases/{made.name}/stream")
    assert 'data: {"word": "Live", "tone": "ok"}' in answer.text
    assert answer.text.endswith(sse.END)

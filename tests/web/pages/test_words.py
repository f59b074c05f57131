"""Times and log text in a person's words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.web.pages.world import NOW
from web.pages import text, times
from web.pages.text import LineKind, Passage


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "just now"),
        (59, "just now"),
        (60, "1 minute ago"),
        (7199, "1 hour ago"),
        (7200, "2 hours ago"),
        (86_400 * 45, "1 month ago"),
        (86_400 * 800, "2 years ago"),
    ],
)
def test_a_moment_is_told_in_its_largest_unit(seconds: int, said: str) -> None:
    assert times.ago(NOW, NOW + timedelta(seconds=seconds)) == said


def test_the_exact_moment_is_in_utc() -> None:
    assert times.exact(NOW) == "2 Jan 2026, 03:04:05 UTC"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x07", "link"),
        ("10%\r50%\r100%", "100%"),
        ("ends\r\n", "ends"),
        ("tab\tstays", "tab\tstays"),
        ("\x1b", ""),
    ],
)
def test_terminal_codes_are_left_out(raw: str, shown: str) -> None:
    assert text.plain(raw) == shown


@given(st.text())
def test_a_plain_line_never_holds_a_line_break_or_an_escape(raw: str) -> None:
    assert not set(text.plain(raw)) & set("\r\n\x1b\0")


def test_neighbouring_lines_of_one_kind_are_one_passage() -> None:
    lines = ["-----> Building", "       one", "       two", " !     It failed."]
    assert text.passages(lines) == [
        Passage(LineKind.STEP, "-----> Building\n"),
        Passage(LineKind.PLAIN, "       one\n       two\n"),
        Passage(LineKind.PROBLEM, " !     It failed.\n"),
    ]

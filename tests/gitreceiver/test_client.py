"""What reaches the terminal of the person who pushes."""

from __future__ import annotations

import pytest
from dulwich.protocol import Protocol
from hypothesis import given
from hypothesis import strategies as st

from gitreceiver.client import Screen, plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb", "a\tb"),
        ("\x1b[1;32mgreen\x1b[0m", "green"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link", "link"),
        ("bell\a back\b del\x7f c1\x9b", "bell back del c1"),
        ("-----> é ✓", "-----> é ✓"),
    ],
)
def test_plain(text, shown):
    assert plain(text) == shown


@given(st.text())
def test_nothing_that_steers_a_terminal_gets_through(text):
    assert not any((ord(letter) < 32 and letter != "\t") or 127 <= ord(letter) < 160 for letter in plain(text))


def make_screen(sideband=True):
    written, moment = [], [0.0]
    proto = Protocol(lambda size: b"", lambda data: written.append(data) or len(data))
    return Screen(proto, sideband=sideband, keepalive_s=5, now=lambda: moment[0]), written, moment


def test_a_keepalive_comes_only_after_silence():
    screen, written, moment = make_screen()
    screen.line("hello")
    moment[0] = 4.0
    screen.tick()
    assert written == [b"000b\x02hello\n"]
    moment[0] = 5.5
    screen.tick()
    moment[0] = 9.0
    screen.tick()
    assert written[1:] == [b"0005\x02"]


def test_without_a_side_band_nothing_is_shown():
    screen, written, moment = make_screen(sideband=False)
    screen.line("hello")
    moment[0] = 60.0
    screen.tick()
    assert written == []

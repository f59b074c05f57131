"""Both forms of an attached run's conversation."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.runtime import Terminal
from scheduler.wire import INPUT, SIGNAL, SIZE, Framed, Input, Malformed, Plain, Resize, Signal, frame


@given(st.lists(st.binary(max_size=50), max_size=8), st.integers(1, 9))
def test_pieces_arrive_whole_however_they_are_cut(pieces: list[bytes], step: int) -> None:
    sent = b"".join(frame(INPUT, piece) for piece in pieces)
    codec = Framed()
    events = [event for at in range(0, len(sent), step) for event in codec.events(sent[at : at + step])]
    assert events == [Input(piece) for piece in pieces]


def test_sizes_and_signals_are_told_from_input() -> None:
    sent = frame(SIZE, struct.pack(">HH", 120, 40)) + frame(SIGNAL, b"INT") + frame(INPUT, b"")
    assert list(Framed().events(sent)) == [Resize(Terminal(120, 40)), Signal("SIGINT"), Input(b"")]


@pytest.mark.parametrize(
    "sent",
    [frame(9, b""), frame(SIGNAL, b"KILL"), frame(SIGNAL, b"\xff"), frame(SIZE, b"1"), struct.pack(">BI", 0, 2**31)],
)
def test_anything_else_is_malformed(sent: bytes) -> None:
    with pytest.raises(Malformed):
        list(Framed().events(sent))


def test_output_errors_and_the_exit_code_are_told_apart() -> None:
    codec = Framed()
    assert codec.output(1, b"out") == b"\x01\x00\x00\x00\x03out"
    assert codec.output(2, b"err") == b"\x02\x00\x00\x00\x03err"
    assert codec.ended(-1) == b"\x05\x00\x00\x00\x04\xff\xff\xff\xff"


def test_plain_without_a_terminal_ends_the_input_with_eot() -> None:
    codec = Plain(terminal=False)
    assert list(codec.events(b"abc\x04")) == [Input(b"abc"), Input(b"")]
    assert list(codec.events(b"\x04")) == [Input(b"")]
    assert (codec.output(2, b"x"), codec.ended(3)) == (b"x", b"")


def test_plain_with_a_terminal_is_bytes_and_nothing_else() -> None:
    assert list(Plain(terminal=True).events(b"a\x04\x03")) == [Input(b"a\x04\x03")]

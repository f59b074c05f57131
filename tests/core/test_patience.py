"""Waiting for a part that is away."""

from __future__ import annotations

import pytest

from core.errors import Away, Cancelled, Unavailable
from core.patience import Patience


class Part:
    """Does not answer the first `away` times."""

    def __init__(self, away: int) -> None:
        self.away = away
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        if self.asked <= self.away:
            raise Away("The engine does not answer.", "Start it.")
        return "done"


def test_what_works_is_done_once_and_told_to_nobody() -> None:
    told: list[str] = []
    part = Part(away=0)
    assert (Patience(60, told.append).through(part), part.asked, told) == ("done", 1, [])


def test_a_part_that_comes_back_is_waited_for_and_told_once() -> None:
    told: list[str] = []
    part, answers = Part(away=2), Part(away=2)
    assert Patience(60, told.append).through(part, answers) == "done"
    assert (part.asked, answers.asked) == (3, 4)  # the work is only tried again when the part answers
    assert told == ["The engine does not answer. Waiting for it, at most 60 s."]


def test_in_the_end_it_is_unavailable_and_nobody_waits_again() -> None:
    with pytest.raises(Unavailable) as raised:
        Patience(0, lambda text: None).through(Part(away=9))
    assert (type(raised.value), str(raised.value)) == (Unavailable, "The engine does not answer.\nStart it.")


def test_a_refusal_is_not_waited_for() -> None:
    def refuse() -> None:
        raise Unavailable("The engine refused.")

    told: list[str] = []
    with pytest.raises(Unavailable, match="refused"):
        Patience(60, told.append).through(refuse)
    assert told == []


def test_who_asks_to_stop_ends_the_wait() -> None:
    with pytest.raises(Cancelled):
        Patience(60, lambda text: None, lambda: Cancelled("Enough.")).through(Part(away=9))

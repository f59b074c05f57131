"""The loop's agenda: nothing is forgotten, the earliest moment counts."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from core import clock
from core.ids import AppId
from scheduler.agenda import Agenda

ONE, TWO = AppId("one"), AppId("two")


def test_what_is_due_is_given_once() -> None:
    agenda = Agenda()
    agenda.add(ONE)
    agenda.add(TWO, clock.after(3600))
    assert agenda.wait(10) == {ONE}
    assert agenda.wait(0) == set()


def test_the_earlier_of_two_moments_counts() -> None:
    agenda = Agenda()
    agenda.add(ONE, clock.after(3600))
    agenda.add(ONE, clock.after(0.01))
    agenda.add(ONE, clock.after(3600))
    assert agenda.wait(10) == {ONE}


def test_a_wake_up_ends_a_wait() -> None:
    agenda = Agenda()
    found: list[set[AppId]] = []
    waiter = threading.Thread(target=lambda: found.append(agenda.wait(30)), daemon=True)
    waiter.start()
    agenda.add(ONE)
    waiter.join(10)
    assert found == [{ONE}]


def test_a_clock_that_is_set_back_holds_up_nothing_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    agenda = Agenda()
    agenda.add(ONE, clock.after(0.01))
    set_back(monkeypatch)
    assert agenda.wait(10) == {ONE}


def test_a_clock_that_is_set_back_makes_no_wait_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    agenda, begun = Agenda(), threading.Event()
    found: list[set[AppId]] = []
    agenda.add(ONE, clock.after(3600))

    def wait() -> None:
        begun.set()
        found.append(agenda.wait(1))

    waiter = threading.Thread(target=wait, daemon=True)
    waiter.start()
    begun.wait(10)
    set_back(monkeypatch)
    waiter.join(10)
    assert found == [set()]


def set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    right = clock.now
    monkeypatch.setattr(clock, "now", lambda: right() - timedelta(hours=1))

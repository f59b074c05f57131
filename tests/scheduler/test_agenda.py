"""The loop's agenda: nothing is forgotten, the earliest moment counts."""

from __future__ import annotations

import threading

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

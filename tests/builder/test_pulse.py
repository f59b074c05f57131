"""A registry that comes to hang while something is under way with it."""

from __future__ import annotations

import threading

from builder.pulse import Pulse
from core.errors import Away, Cancelled, Unavailable


class Registry:
    """Gives each of its answers in turn, the last one for ever; `settled` is set when that has come."""

    def __init__(self, *answers: Unavailable | None) -> None:
        self.answers = list(answers)
        self.settled = threading.Event()

    def check(self) -> None:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if len(self.answers) == 1:
            self.settled.set()
        if answer is not None:
            raise answer


def test_one_that_answers_no_more_ends_what_is_under_way() -> None:
    registry, reason = Registry(None, Unavailable("It refuses."), Away("It hangs.")), None
    with Pulse(registry.check, every_s=0.001).watched(lambda: None) as ended:
        while reason is None:
            reason = ended()
    assert isinstance(reason, Away)
    assert reason.message == "It hangs."


def test_one_that_answers_or_refuses_ends_nothing() -> None:
    registry = Registry(None, Unavailable("It refuses."))
    with Pulse(registry.check, every_s=0.001).watched(lambda: None) as ended:
        assert registry.settled.wait(60)
        assert ended() is None


def test_what_else_stops_it_is_heard() -> None:
    with Pulse(lambda: None).watched(lambda: Cancelled("Enough.")) as ended:
        assert isinstance(ended(), Cancelled)

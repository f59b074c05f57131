"""What `make quickstart` says of the sample app in the end."""

from __future__ import annotations

from server.quickstart import first_good


def test_an_app_that_is_still_starting_is_waited_for() -> None:
    answers = iter([0, 503, 200])
    assert first_good(lambda: next(answers), within_s=60) == 200


def test_of_an_app_that_stays_away_the_last_answer_is_told() -> None:
    assert first_good(lambda: 503, within_s=0) == 503

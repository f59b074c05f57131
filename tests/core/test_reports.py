"""The one shape in which expected failures are told."""

from __future__ import annotations

from core.errors import UserError
from core.reports import Explained, Report


def test_labels_stand_in_a_column_and_further_lines_below_their_first() -> None:
    assert str(Report("It failed.", "one\ntwo", "three", "four")) == (
        "It failed.\nFound:    one\n          two\nExpected: three\nTo do:    four"
    )


def test_what_is_empty_is_left_out() -> None:
    assert str(Report("It failed.", todo="Push again.")) == "It failed.\nTo do:    Push again."


def test_an_explained_error_is_its_title_in_one_line_and_the_report_in_full() -> None:
    error = Explained(Report("It failed.", "x", "y", "z"), problem=("data",))
    assert (error.message, error.hint, error.problem) == ("It failed.", "z", ("data",))
    assert str(error) == "It failed.\nFound:    x\nExpected: y\nTo do:    z"


def test_an_error_of_plain_words_is_told_like_any_other() -> None:
    assert str(Explained("It failed.", "Push again.")) == str(UserError("It failed.", "Push again."))

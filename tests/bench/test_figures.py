"""What the bench says of its measurements."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from bench.failures import row as load_row
from bench.figures import Broken, Row, Samples, as_json, ratio, seconds, short, table
from bench.load import Tally


def test_samples_show_their_median_and_their_spread() -> None:
    assert str(seconds([1.9, 1.0, 1.2])) == "1.20 s (1.00 to 1.90, 3 rounds)"
    assert str(Samples((36.04,), "s")) == "36.0 s"


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (0.456, "0.46"), (9.87, "9.87"), (64.38, "64.4"), (247.9, "248"), (11353, "11,353")]
)
def test_numbers_have_three_digits(value: float, shown: str) -> None:
    assert short(value) == shown


def test_a_ratio_is_of_medians_and_keeps_the_raw_numbers() -> None:
    row = ratio("push", seconds([3, 100, 2.4]), seconds([2, 2, 0.1]), budget=1.5)
    assert (row.figure, row.met) == (1.5, True)
    assert row.kept == {"measured": (3, 100, 2.4), "reference": (2, 2, 0.1)}


def test_a_further_reference_is_told_and_kept_but_not_what_the_budget_bounds() -> None:
    row = ratio("rollback", seconds([1.2]), seconds([1.0]), budget=1.2, beside={"in our network": seconds([0.8])})
    assert (row.figure, row.met) == (1.2, True)
    assert row.note == "1.50 x in our network: 0.80 s"
    assert row.kept == {"measured": (1.2,), "reference": (1.0,), "in our network": (0.8,)}


def test_a_budget_that_is_just_missed_is_missed() -> None:
    assert not Row("memory", "", "", 250.1, 250, "MB").met


def test_one_failed_request_misses_the_budget_and_its_kind_is_told() -> None:
    tally = Tally(sent=5000, slowest_s=0.3)
    tally.failures["status 502"] = 1
    row = load_row("requests failed", tally, spent_s=10)
    assert (row.met, row.note) == (False, "1 status 502")
    assert row.measured == "1 of 5,000 failed; slowest 0.30 s"
    assert row.reference == "500 requests/s"


def test_a_rate_that_was_not_reached_is_told() -> None:
    assert load_row("requests failed", Tally(sent=3000), spent_s=10).reference.startswith(
        "300 requests/s, of 500 wanted"
    )


def test_a_row_that_could_not_be_measured_stands_in_the_table_and_the_json() -> None:
    rows = [Row("memory", "240 MB (PSS)", "", 240, 250, "MB"), Broken("push", "RuntimeError: no engine")]
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(table(rows))
    shown = console.export_text()
    assert "yes" in shown
    assert "RuntimeError: no engine" in shown
    assert [(row["what"], row["met"]) for row in json.loads(as_json(rows))] == [("memory", True), ("push", False)]

"""Tables and times."""

from datetime import UTC, datetime

import pytest

from cli import printing

NOW = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)


def test_a_plain_table_lines_up_wide_characters(capsys):
    printing.table(("NAME", "WHAT"), [("猫", "cat"), ("ab", "two\nlines")])
    assert capsys.readouterr().out == "NAME  WHAT\n猫    cat\nab    two lines\n"


def test_a_terminal_gets_a_table_that_fits(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "30")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    printing.table(("NAME", "WHAT"), [("web.1", "[bold]a command much longer than the terminal is wide")])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 30
    assert "[bold]a" in lines[1]


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        ("2026-01-02T11:59:30Z", "(30s ago)"),
        ("2026-01-02T11:15:00+00:00", "(45m ago)"),
        ("2026-01-01T13:00:00Z", "(23h ago)"),
    ],
)
def test_recent_times_say_how_long_ago(moment, shown):
    assert printing.when(moment, NOW).endswith(shown)


def test_older_and_odd_times():
    assert printing.when(None, NOW) == ""
    assert printing.when("soon", NOW) == "soon"
    assert "ago" not in printing.when("2025-12-01T00:00:00Z", NOW)

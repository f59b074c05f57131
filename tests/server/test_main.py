"""How `portside-server` ends when something is wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from server import main


def exit_code_of(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    monkeypatch.setattr(sys, "argv", ["portside-server", *arguments])
    with pytest.raises(SystemExit) as end:
        main.run()
    return end.value.code


def test_an_unknown_command_is_the_callers_mistake(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code_of(monkeypatch, "nonsense") == 2
    assert "No such command 'nonsense'" in capsys.readouterr().err


def test_a_wrong_setting_is_named_with_what_it_must_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PORTSIDE_HOME", str(tmp_path))
    monkeypatch.setenv("PORTSIDE_WEB_PORT", "many")
    assert exit_code_of(monkeypatch, "status") == 1
    assert capsys.readouterr().err.startswith(
        " !     PORTSIDE_WEB_PORT is 'many'; it must be of type int.\n !     Set "
    )


def test_status_of_a_platform_that_never_ran_is_not_well(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("PORTSIDE_HOME", str(tmp_path))
    assert exit_code_of(monkeypatch, "status") == 1
    assert capsys.readouterr().out.count("stopped") == 6

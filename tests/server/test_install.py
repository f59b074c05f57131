"""The systemd unit that brings a platform back after a reboot."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from core.errors import UserError
from server.install import unit_text
from server.site import read_site


def unit(home: Path, **environ: str) -> configparser.RawConfigParser:
    """Its sections. (Of a key that comes several times, only the last is read.)"""
    parsed = configparser.RawConfigParser(strict=False)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string(unit_text(read_site({"PORTSIDE_HOME": str(home), **environ}), "paas"))
    return parsed


def test_it_starts_after_the_engine_and_is_tried_again_until_that_answers(tmp_path: Path) -> None:
    found = unit(tmp_path)
    assert "docker.service" in found["Unit"]["After"].split()
    assert "docker.service" in found["Unit"]["Wants"].split()
    assert "network-online.target" in found["Unit"]["After"].split()
    assert found["Unit"]["StartLimitIntervalSec"] == "0"
    assert (found["Service"]["Restart"], found["Service"]["RestartSec"]) == ("on-failure", "5")
    assert found["Install"]["WantedBy"] == "multi-user.target"


def test_it_brings_everything_up_and_watches_supervisord_alone(tmp_path: Path) -> None:
    service = unit(tmp_path)["Service"]
    assert service["ExecStart"].endswith("/portside-server up")
    assert service["ExecStop"].endswith("/portside-server stop --all")
    assert service["User"] == "paas"
    assert service["Type"] == "forking"
    assert service["PIDFile"] == f"{tmp_path}/run/supervisord.pid"
    assert service["KillMode"] == "process", "the router serves on when supervisord dies"
    assert service["Delegate"] == "yes"


def test_settings_are_kept_as_systemd_quotes_them(tmp_path: Path) -> None:
    text = unit_text(read_site({"PORTSIDE_HOME": str(tmp_path), "PORTSIDE_DOMAIN": 'a"b%c'}), "paas")
    assert 'Environment="PORTSIDE_DOMAIN=a\\"b%%c"' in text


def test_a_password_does_not_get_into_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a systemd unit is no place for it") as refused:
        unit(tmp_path, PORTSIDE_DATABASE_URL="postgresql+psycopg://paas:s3cret@db/paas")
    assert "portside.toml" in refused.value.hint

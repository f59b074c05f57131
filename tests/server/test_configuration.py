"""What the parts are told in their files."""

from __future__ import annotations

import configparser
import json
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from core.errors import UserError
from server.configuration import supervisor_argv, supervisor_value, write_all
from server.parts import parts_of
from server.site import Site, read_site, registry_port


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose name leaves room for those of sockets, as pytest's own does not always."""
    with tempfile.TemporaryDirectory(prefix="portside-") as folder:
        yield Path(folder)


@pytest.fixture
def site(short_path: Path) -> Site:
    home = short_path / "a home 100% ours"
    return read_site({"PORTSIDE_HOME": str(home), "PORTSIDE_WEB_PORT": "5999", "PORTSIDE_TOKEN": "secret-token"})


def supervisor_file(site: Site) -> configparser.RawConfigParser:
    write_all(site, parts_of(site))
    parsed = configparser.RawConfigParser()
    parsed.read(site.run / "supervisord.conf")
    return parsed


def test_every_part_is_a_program_that_waits_to_be_started_and_rotates_its_log(site: Site) -> None:
    parsed = supervisor_file(site)
    for part in ("redis", "registry", "router", "api", "gateway", "worker"):
        program = parsed[f"program:{part}"]
        assert program["autostart"] == "false"
        assert program["command"].endswith(f"-m server.run_part {part}")
        assert program["stdout_logfile_maxbytes"] == "10MB"


def test_supervisor_reads_back_a_home_with_blanks_and_percent_signs(site: Site) -> None:
    environment = supervisor_file(site)["program:api"]["environment"]
    assert f'PORTSIDE_HOME="{str(site.home).replace("%", "%%")}"' in environment


def test_redis_listens_on_a_private_socket_only(site: Site) -> None:
    write_all(site, parts_of(site))
    lines = (site.run / "redis.conf").read_text().splitlines()
    assert {"port 0", "unixsocketperm 600", "appendonly no"} <= set(lines)


def test_the_registry_remembers_no_layer_that_its_folder_has_lost(site: Site) -> None:
    write_all(site, parts_of(site))
    storage = yaml.safe_load((site.run / "registry.yml").read_text())["storage"]
    assert storage == {"filesystem": {"rootdirectory": f"{site.home}/registry"}, "delete": {"enabled": True}}


def test_only_the_owner_reads_the_files_and_the_clients_token_is_not_in_them(site: Site) -> None:
    write_all(site, parts_of(site))
    for path in site.run.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert "secret-token" not in path.read_text()
    assert json.loads(site.environment_file.read_text())["PORTSIDE_WEB_PORT"] == "5999"


def test_another_setting_starts_our_parts_anew_but_not_the_router_or_the_stores(short_path: Path) -> None:
    before = {part.name: part.fingerprint for part in parts_of(read_site({"PORTSIDE_HOME": str(short_path)}))}
    changed = read_site({"PORTSIDE_HOME": str(short_path), "PORTSIDE_LOG_LEVEL": "DEBUG"})
    after = {part.name: part.fingerprint for part in parts_of(changed)}
    assert {name for name in before if before[name] != after[name]} == {"api", "gateway", "worker"}


def test_a_registry_elsewhere_is_not_run_here(short_path: Path) -> None:
    site = read_site(
        {"PORTSIDE_HOME": str(short_path), "PORTSIDE_BUILDER_REGISTRY_URL": "https://registry.example.com"}
    )
    assert "registry" not in [part.name for part in parts_of(site)]
    assert registry_port("127.0.0.1:5050") is not None


def test_a_home_too_long_for_sockets_is_refused(short_path: Path) -> None:
    with pytest.raises(UserError, match=r"PORTSIDE_HOME is \d+ characters long; sockets in it allow 80"):
        read_site({"PORTSIDE_HOME": str(short_path / ("x" * 90))})


def test_what_supervisor_can_not_quote_is_refused() -> None:
    assert supervisor_argv(("/a b/python", "50%")) == "'/a b/python' 50%%"
    with pytest.raises(UserError, match="holds a quote"):
        supervisor_value('a"b')

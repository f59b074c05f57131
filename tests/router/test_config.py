"""HAProxy's files: what is in them, and that a bad set never replaces a good one."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import UserError
from core.process import CommandFailed
from router import Router, RouterSettings, front_plan, pem, program
from router.config import Machine, install, render
from router.front_plan import FrontTable
from router.plan import RouteTable, Server

TABLE = RouteTable(
    {"b.test": "app-b", "a.test": "app-a"},
    {"app-a": "slot_0001"},
    {"slot_0001": {"i-1": Server("i-1", "10.87.0.2", 80)}},
)
DEFAULT = pem.self_signed(["apps.test"])
MACHINE = Machine(Path("/tmp/with space/router.sock"), 1000, 100, None)


def files(table: RouteTable = TABLE) -> dict[str, str]:
    return {
        **render(table, 3, RouterSettings(), MACHINE),
        **front_plan.files(FrontTable(), str),
        "default.pem": DEFAULT,
    }


def test_maps_hold_the_table():
    assert files()["hosts.map"] == "a.test app-a\nb.test app-b\n"
    assert files()["targets.map"] == "app-a slot_0001\n"


def test_every_slot_is_there_with_its_servers():
    _, _counts, _clients, _running, *slots = files()["haproxy.cfg"].split("\nbackend ")
    assert [slot.split()[0] for slot in slots] == ["slot_0000", "slot_0001", "slot_0002"]
    assert "server i-1 10.87.0.2:80 check" in slots[1]
    assert "\n    server " not in slots[0] + slots[2]


def test_a_page_is_a_whole_response_of_the_right_length():
    head, _, body = files()["unknown-host.http"].partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 404 Not Found\r\n")
    assert f"Content-Length: {len(body.encode())}" in head


@pytest.mark.engine
def test_a_home_with_a_space_in_its_path_is_fine(tmp_path):
    installed = install(files(), tmp_path / "router", program.find_haproxy())
    assert installed.read_text() == files()["haproxy.cfg"]


@pytest.mark.engine
def test_a_faulty_configuration_leaves_the_old_one(tmp_path):
    haproxy = program.find_haproxy()
    install(files(), tmp_path / "router", haproxy)
    with pytest.raises(CommandFailed, match="haproxy ended with exit code 1"):
        install({**files(RouteTable()), "haproxy.cfg": "global\n  nonsense\n"}, tmp_path / "router", haproxy)
    assert (tmp_path / "router" / "haproxy.cfg").read_text() == files()["haproxy.cfg"]
    assert (tmp_path / "router" / "hosts.map").read_text() == files()["hosts.map"]
    assert not list((tmp_path / "router").glob(".next-*"))


@pytest.mark.parametrize("files_allowed", [256, 1024, 4096, 20_000, None])
def test_connections_fit_the_file_limit(files_allowed):
    limit, maxconn = program.fit(4000, files_allowed)
    assert maxconn <= 4000
    assert 2 * maxconn < limit
    assert files_allowed is None or limit <= files_allowed


def test_enough_files_leave_maxconn_as_set():
    assert program.fit(4000, 20_000)[1] == 4000


def test_a_home_too_deep_for_a_socket_is_refused(database, tmp_path):
    with pytest.raises(UserError, match="too long for a socket"):
        Router(database, RouterSettings(), tmp_path / ("deep" * 30), "apps.test").processes.command()


@pytest.mark.engine
def test_a_home_that_is_not_used_starts_plain(database, tmp_path):
    command = Router(database, RouterSettings(), Path("/tmp/none-such"), "apps.test").processes.command()
    assert command[1:] == [
        "-W",
        "-db",
        "-f",
        "/tmp/none-such/router/haproxy.cfg",
        "-S",
        "/tmp/none-such/run/router-master.sock,mode,600",
    ]


def test_a_missing_haproxy_is_named_with_its_remedy(monkeypatch):
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(UserError) as caught:
        program.find_haproxy()
    assert caught.value.hint == "Install it: sudo apt-get install haproxy"


def test_each_address_is_listened_on_by_itself():
    settings = RouterSettings(bind="0.0.0.0, ::", http_port=80)
    assert settings.binds(80) == ("0.0.0.0:80", "[::]:80 v6only")
    assert (settings.ipv6, RouterSettings().ipv6) == (True, False)


@pytest.mark.parametrize(
    "values",
    [{"bind": "0.0.0.0 ssl"}, {"bind": "example.com"}, {"bind": "0.0.0.0,"}, {"bind": "::1%lo"}, {"spare_slots": 0}],
)
def test_wrong_settings_are_refused(values):
    with pytest.raises(UserError):
        RouterSettings(**values)

"""Pushing and cloning over SSH with OpenSSH's own client; and what SSH is not for."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from dataclasses import replace

import asyncssh
import pytest

from core.ids import AppId, new_id
from gitreceiver.gateway import parse_command
from gitreceiver.serving import Service

pytestmark = pytest.mark.programs


def run_ssh(server, *arguments, options=()):
    command = [*server.command(*options), "-p", str(server.port), "git@127.0.0.1", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)


def test_a_push_streams_the_log_and_moves_the_branch(hall, accepting, serve_ssh, client):
    server, commit = serve_ssh(accepting), client.commit()
    client.env.update(server.env)
    done = client.push(f"{server.url}/shop.git", "main")
    assert done.returncode == 0, done.stderr
    assert "remote: -----> Released v1" in done.stderr
    assert hall.branch() == commit
    assert accepting.received[0][1] == hall.ada


def test_a_failed_deploy_is_rejected_with_its_reason(hall, rejecting, serve_ssh, client):
    server = serve_ssh(rejecting)
    client.env.update(server.env)
    client.commit()
    done = client.push(f"{server.url}/shop.git", "main")
    assert done.returncode == 1
    assert "remote:  !     pip could not find flask==99" in done.stderr
    assert "! [remote rejected] main -> main (build failed)" in done.stderr
    assert hall.branch() is None


def test_a_clone_gets_what_was_pushed(accepting, serve_ssh, client, new_client):
    server, commit = serve_ssh(accepting), client.commit()
    client.env.update(server.env)
    assert client.push(f"{server.url}/shop", "main").returncode == 0
    other = new_client("other")
    other.env.update(server.env)
    other.git("clone", "--quiet", f"{server.url}/shop.git", ".")
    assert other.head() == commit


def test_a_pack_over_the_limit_is_refused_readably(accepting, serve_ssh, client, noise):
    server = serve_ssh(accepting)
    client.env.update(server.env)
    client.commit("big.bin", noise(9))
    done = client.push(f"{server.url}/shop.git", "main")
    assert "remote:  !     main: the pack is bigger than 4 MB" in done.stderr
    assert "! [remote rejected] main -> main (the pack is bigger than 4 MB)" in done.stderr


def test_a_client_that_leaves_does_not_stop_the_deploy(hall, slow, serve_ssh, client, interrupt):
    server = serve_ssh(slow)
    client.env.update(server.env)
    client.commit()
    interrupt(client.start("push", f"{server.url}/shop.git", "main"), "Building slowly")
    assert slow.client_left.wait(30)
    assert len(slow.received) == 1


def test_a_shell_is_refused_in_one_line(accepting, serve_ssh):
    done = run_ssh(serve_ssh(accepting))
    assert done.returncode == 1
    assert done.stderr.startswith("Hi ada@example.com! You are authenticated, but Portside gives no shell.")
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("command", ["ls", "git-upload-archive 'shop.git'", "git-receive-pack a b", "cat 'unclosed"])
def test_any_other_command_is_refused(accepting, serve_ssh, command):
    done = run_ssh(serve_ssh(accepting), command)
    assert done.returncode == 1
    assert "Portside gives no shell" in done.stderr


def test_sftp_is_refused(accepting, serve_ssh):
    done = run_ssh(serve_ssh(accepting), "sftp", options=("-s",))
    assert done.returncode != 0
    assert "subsystem request failed" in done.stderr


def test_forwarding_is_refused(accepting, serve_ssh):
    done = run_ssh(serve_ssh(accepting), options=("-W", "127.0.0.1:22"))
    assert done.returncode != 0
    assert "forwarding failed" in done.stderr


def test_an_unknown_key_is_refused(hall, accepting, serve_ssh):
    server = serve_ssh(accepting)
    hall.accounts.remove_key(hall.ada.user_id, hall.accounts.keys(hall.ada.user_id)[0].id)
    done = run_ssh(server, "git-upload-pack 'shop.git'")
    assert done.returncode == 255
    assert "Permission denied (publickey)" in done.stderr


def test_another_users_app_is_not_told_from_none(hall, accepting, serve_ssh):
    hall.apps["hidden"] = AppId(new_id())
    server = serve_ssh(accepting)
    hidden = run_ssh(server, "git-receive-pack 'hidden.git'")
    missing = run_ssh(server, "git-receive-pack 'nothing.git'")
    assert hidden.returncode == missing.returncode == 1
    assert hidden.stderr.replace("hidden", "NAME") == missing.stderr.replace("nothing", "NAME")
    assert hidden.stderr.startswith("There is no app hidden that ada@example.com may see.")


def test_more_connections_than_allowed_are_turned_away(hall, accepting, serve_ssh):
    hall.settings = replace(hall.settings, ssh_max_connections=0)
    done = run_ssh(serve_ssh(accepting), "git-upload-pack 'shop.git'")
    assert done.returncode == 255
    assert "Too many connections" in done.stderr


def test_more_commands_over_one_connection_than_allowed_are_refused(hall, accepting, serve_ssh):
    hall.settings = replace(hall.settings, ssh_max_sessions=1)
    server = serve_ssh(accepting)

    async def two_at_once():
        options = {"port": server.port, "client_keys": [str(server.key)], "known_hosts": None, "config": None}
        async with asyncssh.connect("127.0.0.1", agent_path=None, encoding=None, **options) as connection:
            first = await connection.create_process("git-receive-pack 'shop.git'", encoding=None)
            await first.stdout.readexactly(4)
            second = await connection.run("git-receive-pack 'shop.git'")
            first.stdin.write(b"0000")
            return await first.wait(), second

    first, second = asyncio.run(two_at_once())
    assert (first.exit_status, second.exit_status) == (0, 1)
    assert b"At most 1 commands at once" in second.stderr


def test_sigterm_ends_the_gateway_cleanly(hall):
    """In a process of its own, as the platform runs it."""
    program = (
        "import logging, sys, pathlib\n"
        "from gitreceiver import run_gateway\n"
        "from gitreceiver.serving import GitParts\n"
        "from gitreceiver.repositories import Repositories\n"
        "from gitreceiver.settings import ReceiverSettings\n"
        "logging.basicConfig(level='INFO')\n"
        "home = pathlib.Path(sys.argv[1])\n"
        "settings = ReceiverSettings(ssh_host='127.0.0.1', ssh_port=0)\n"
        "run_gateway(GitParts(None, None, Repositories(home / 'repos'), None, settings), home / 'key')\n"
    )
    running = subprocess.Popen([sys.executable, "-c", program, str(hall.home)], stderr=subprocess.PIPE, text=True)
    said = ""
    while "git over SSH on port" not in said:
        said += (line := running.stderr.readline())
        assert line, said
    running.terminate()
    _, rest = running.communicate(timeout=30)
    assert (running.returncode, "Traceback" in rest) == (0, False)


def test_the_host_key_is_made_once_and_private(hall, accepting, serve_ssh):
    serve_ssh(accepting)
    key = hall.home / "ssh_host_ed25519_key"
    first = key.read_bytes()
    serve_ssh(accepting)
    assert key.read_bytes() == first
    assert key.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("git-receive-pack 'shop.git'", (Service.PUSH, "shop")),
        ("git-receive-pack '/shop.git'", (Service.PUSH, "shop")),
        ("git-upload-pack '/shop'", (Service.FETCH, "shop")),
        ("git upload-pack 'shop.git/'", (Service.FETCH, "shop")),
        ("git-upload-pack '../shop.git'", None),
        ("git-upload-pack ''", None),
        ("git-upload-pack 'a/b.git'", None),
        ("git", None),
        (None, None),
    ],
)
def test_parse_command(command, expected):
    assert parse_command(command) == expected

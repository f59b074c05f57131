"""One-off runs: what is sent, what is shown. A whole attached run is in the acceptance tests."""

from __future__ import annotations

import pytest

from cli.commands.runs import run_body

DYNOS, RUNS = "/apps/demo/dynos", "/apps/demo/runs"
ONE = {"name": "run.1", "command": "ls -l", "state": "up", "exit_code": None, "release": {"version": 3}}
ONE |= {"created_at": "2026-01-02T03:04:05Z"}


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("ls",), "ls"),
        (("echo $HOME | wc -c",), "echo $HOME | wc -c"),
        (("echo", "$HOME", "two words"), "echo '$HOME' 'two words'"),
        (("rails", "c", "--sandbox"), "rails c --sandbox"),
    ],
)
def test_words_mean_on_the_server_what_they_meant_here(words: tuple[str, ...], line: str) -> None:
    assert run_body(words, (), None) == {"command": line, "env": {}}


def test_a_detached_run_is_begun_and_named(invoke, logged_in) -> None:
    logged_in.answers["POST", DYNOS] = 201, ONE, {}
    result = invoke("run:detached", "-a", "demo", "-e", "A=b=c", "--time-limit", "60", "--size", "1g", "ls", "-l")
    assert result.exit_code == 0, result.output
    assert "Running ls -l on demo as run.1." in result.stderr
    wish = {"command": "ls -l", "env": {"A": "b=c"}, "time_to_live": 60, "size": "1g", "attach": False}
    assert logged_in.asked_for("POST") == [(DYNOS, wish)]


def test_a_variable_needs_a_name_and_a_value(invoke, logged_in) -> None:
    result = invoke("run:detached", "-a", "demo", "-e", "A", "ls")
    assert (result.exit_code, "'A' is not NAME=VALUE." in result.stderr) == (2, True)


def test_runs_are_listed_with_how_they_ended(invoke, logged_in) -> None:
    logged_in.answers["GET", RUNS] = [ONE, {**ONE, "name": "run.2", "state": "ended", "exit_code": 3}]
    lines = invoke("run:list", "-a", "demo").stdout.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [["run.1", "up", "v3"], ["run.2", "ended", "(3)"]]


@pytest.mark.parametrize(("attached", "told"), [(True, "waiting for its client"), (False, "waiting for its turn")])
def test_a_run_that_waits_tells_for_what(invoke, logged_in, attached: bool, told: str) -> None:
    logged_in.answers["GET", RUNS] = [{**ONE, "state": "waiting", "attached": attached}]
    assert told in invoke("run:list", "-a", "demo").stdout


def test_no_runs_is_told(invoke, logged_in) -> None:
    logged_in.answers["GET", RUNS] = []
    assert "demo has no one-off runs." in invoke("run:list", "-a", "demo").stderr


@pytest.mark.parametrize("command", ["run:kill", "ps:kill"])
def test_a_run_is_ended_by_its_name(invoke, logged_in, command: str) -> None:
    logged_in.answers["POST", f"{DYNOS}/run.1/actions/stop"] = 202, ONE, {}
    result = invoke(command, "-a", "demo", "run.1")
    assert (result.exit_code, "Ending run.1 of demo." in result.stderr) == (0, True)


def test_a_server_that_cant_be_reached_for_the_run_is_named(invoke, logged_in) -> None:
    from tests.traces import free_ports

    [port] = free_ports(1)
    begun = {**ONE, "attach_url": f"rendezvous://127.0.0.1:{port}/x", "attach_fingerprint": "00"}
    logged_in.answers["POST", DYNOS] = 201, begun, {}
    result = invoke("run", "-a", "demo", "ls")
    assert result.exit_code == 1
    assert f"Can't reach 127.0.0.1:{port} for the run: Connection refused." in result.stderr

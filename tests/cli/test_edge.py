"""Every way to end is a sentence and an exit code, seen from outside on the real command."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import click
import pytest

from cli.main import portside

pytestmark = pytest.mark.programs
COMMAND = str(Path(sys.executable).parent / "portside")


def test_info_for_a_program(logged_in, shell):
    result = shell(COMMAND, "info", "-a", "demo", "--json")
    told = json.loads(result.stdout)
    wanted = {"name": "demo", "web_url": "http://demo.localhost:8080", "git_url": f"{logged_in.url}/demo.git"}
    wanted |= {"owner": "me@example.com", "created_at": "2026-01-02T03:04:05Z"}
    assert (result.returncode, result.stderr) == (0, "")
    assert wanted.items() <= told.items()


def test_an_error_of_the_api_with_its_hint_once(logged_in, shell):
    result = shell(COMMAND, "info", "-a", "nothing")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == " ▸    Couldn't find that app.\n ▸    See: portside apps\n"


def test_nobody_listens(home, shell):
    result = shell(COMMAND, "apps", PORTSIDE_URL="http://127.0.0.1:1", PORTSIDE_TOKEN="t")
    assert result.returncode == 1
    assert result.stderr == (
        " ▸    Can't reach Portside at http://127.0.0.1:1: connection refused.\n"
        " ▸    On the server, run `portside-server status`.\n"
    )


def test_something_else_listens(logged_in, shell):
    logged_in.answers["GET", "/apps"] = "<html>hello</html>"
    result = shell(COMMAND, "apps")
    assert result.returncode == 1
    said = f" ▸    What answers at {logged_in.url} is not the API of a Portside.\n ▸    Check the address.\n"
    assert result.stderr == said


def test_a_page_instead_of_an_error(logged_in, shell):
    logged_in.answers["GET", "/apps"] = (502, "<html>", {})
    result = shell(COMMAND, "apps")
    assert result.returncode == 1
    assert result.stderr == (
        f" ▸    {logged_in.url} answered 502 Bad Gateway.\n ▸    On the server, run `portside-server status`.\n"
    )


def test_a_redirect_is_not_followed_with_the_token(logged_in, shell):
    logged_in.answers["GET", "/apps"] = (301, "", {"Location": "https://elsewhere.example/apps"})
    result = shell(COMMAND, "apps")
    assert result.stderr == (
        f" ▸    {logged_in.url} answers with a redirect to https://elsewhere.example/apps.\n"
        " ▸    Log in with the address that it redirects to.\n"
    )


def test_a_get_that_was_cut_is_tried_once_more(logged_in, shell):
    def cut(request, _asked):
        del logged_in.answers["GET", "/apps/demo/config-vars"]
        request.close_connection = True

    logged_in.config = {"A": "1"}
    logged_in.answers["GET", "/apps/demo/config-vars"] = cut
    result = shell(COMMAND, "config", "-a", "demo")
    assert (result.returncode, result.stdout) == (0, "A:  1\n")


def test_a_change_that_was_cut_is_not_repeated(logged_in, shell):
    def cut(request, _asked):
        request.close_connection = True

    logged_in.answers["PATCH", "/apps/demo/formation"] = cut
    result = shell(COMMAND, "ps:scale", "web=2", "-a", "demo")
    assert result.returncode == 1
    assert result.stderr == (
        f" ▸    The connection to {logged_in.url} was cut.\n ▸    On the server, run `portside-server status`.\n"
    )
    assert len(logged_in.asked_for("PATCH")) == 1


def test_an_answer_that_lacks_a_field(logged_in, shell):
    logged_in.answers["GET", "/apps/demo"] = {"id": "a1"}
    result = shell(COMMAND, "info", "-a", "demo")
    assert result.returncode == 1
    assert result.stderr == (
        " ▸    The server's answer is not what this command knows: it has no 'name'.\n"
        " ▸    Bring the command and the server to the same version: `portside version`.\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["confg"], " ▸    There is no command 'confg'. Did you mean config?\n ▸    See `portside --help`.\n"),
        (["git", "foo"], " ▸    There is no command 'git'. Did you mean git:remote?\n ▸    See `portside --help`.\n"),
        (["deploy"], " ▸    Missing argument 'COMMIT'.\n ▸    See `portside deploy --help`.\n"),
    ],
)
def test_wrong_usage(home, shell, words, said):
    result = shell(COMMAND, *words)
    assert (result.returncode, result.stdout, result.stderr) == (2, "", said)


def test_two_words_are_the_same_command(logged_in, shell):
    logged_in.config = {"A": "1"}
    assert shell(COMMAND, "config", "get", "A", "-a", "demo").stdout == "1\n"
    assert shell(COMMAND, "-a", "demo", "config:get", "A").stdout == "1\n"
    assert shell(COMMAND, "apps:info", "-a", "demo").stdout.startswith("Name:       demo\n")


def test_ctrl_c_while_watching_says_that_the_deploy_goes_on(logged_in, home):
    watched = threading.Event()
    over = threading.Event()

    def output(request, _asked):
        request.send_response(200)
        request.end_headers()
        request.wfile.write(b"-----> Building\n")
        watched.set()
        over.wait(60)
        request.close_connection = True

    build = {"id": "b1c2d3e4-0000", "status": "pending", "output_stream_url": f"{logged_in.url}/streams/b"}
    logged_in.answers["POST", "/apps/demo/builds"] = build
    logged_in.answers["GET", "/streams/b"] = output
    words = [COMMAND, "deploy", "1111111", "-a", "demo"]
    command = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    try:
        assert watched.wait(60)
        assert command.stderr.readline() == "-----> Building\n"
        command.send_signal(signal.SIGINT)
        _, rest = command.communicate(timeout=60)
    finally:
        over.set()
        command.kill()
        command.wait()
    assert command.returncode == 130
    assert rest == (
        "\n ▸    The deploy goes on without you.\n ▸    Follow it with `portside builds:output b1c2d3e4 -a demo`.\n"
    )


def test_a_bug_gets_a_file_and_no_trace_on_the_terminal(logged_in, invoke, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("cli.commands.processes.restart_path", lambda target, process: 1 / 0)
    result = invoke("ps:restart", "-a", "demo")
    (report,) = tmp_path.glob("portside-error-*.txt")
    assert result.exit_code == 1
    assert result.stderr == (
        f" ▸    portside itself failed: ZeroDivisionError.\n ▸    Please report it, with the details in {report}.\n"
    )
    assert "ZeroDivisionError: division by zero" in report.read_text()


def test_pages_of_a_list_are_followed(logged_in, invoke):
    def page(request, _asked):
        first = "Range" not in request.headers
        names, more = (["a1b", "a2b"], {"Next-Range": "id ]2..; max=2"}) if first else (["a3b"], {})
        return 206 if first else 200, [{"id": name, "name": name} for name in names], more

    logged_in.answers["GET", "/apps"] = page
    assert [app["name"] for app in json.loads(invoke("apps", "--json").stdout)] == ["a1b", "a2b", "a3b"]


def test_help_needs_neither_http_nor_tables(home, shell):
    script = "import sys, cli.main; print(sorted({'httpx', 'rich', 'ssl'} & set(sys.modules)))"
    assert shell(sys.executable, "-c", script).stdout in {"[]\n", "['ssl']\n"}


@pytest.mark.parametrize("words", [[], ["--help"], ["help"]])
def test_help_groups_the_commands(home, shell, words):
    result = shell(COMMAND, *words)
    assert result.returncode == 0
    assert "\nConfig:\n  config        Show an app's config.\n" in result.stdout
    assert "git:credentials" not in result.stdout


def test_help_of_a_command_has_examples(home, shell):
    result = shell(COMMAND, "help", "config", "set")
    assert result.stdout.startswith("Usage: portside config:set [OPTIONS] KEY=VALUE...\n")
    assert "Examples:\n    portside config:set GREETING=hello\n" in result.stdout


@pytest.mark.parametrize(
    ("words", "usage", "other"),
    [
        (["help", "domains"], "portside domains [OPTIONS]", "  domains:add "),
        (["help", "cron"], "portside cron:list [OPTIONS]", "  cron:history "),
        (["help", "run"], "portside run [OPTIONS] COMMAND...", "  run:list "),
        (["help", "git"], "portside git [OPTIONS]", "  git:remote "),
        (["git"], "portside git [OPTIONS]", "  git:remote "),
        (["git", "--help"], "portside git [OPTIONS]", "  git:remote "),
    ],
)
def test_help_of_a_topic_lists_its_commands(home, invoke, words, usage, other):
    told = invoke(*words).stdout
    assert told.startswith(f"Usage: {usage}\n")
    _, heading, listed = told.partition("\nCommands:")
    assert heading
    assert f"\n{other}" in listed
    assert "git:credentials" not in told


@pytest.mark.parametrize(
    ("words", "name"),
    [
        *(
            (topic, topic)
            for topic in ("bake", "builds", "buildpacks", "certs", "checks", "config", "domains", "https")
        ),
        *((topic, topic) for topic in ("keys", "maintenance", "proxy", "ps", "releases", "stack", "storage", "apps")),
        *((f"{topic}:list", topic) for topic in ("apps", "builds", "certs", "domains", "keys", "releases", "storage")),
        ("cron", "cron:list"),
        ("cron list", "cron:list"),
        ("runs", "run:list"),
    ],
)
def test_a_topic_alone_lists(words, name):
    context = click.Context(portside, resilient_parsing=False)
    found, command, rest = portside.resolve_command(context, words.split())
    assert (found, command.name, rest) == (name, name, [])


def test_every_topic_is_a_command_or_tells_its_commands():
    topics = {name.partition(":")[0] for name in portside.commands}
    alone = {topic for topic in topics if portside.joined([topic])[0] not in portside.commands}
    assert alone == {"git"}, "has nothing to list"


def test_control_characters_of_others_do_not_reach_the_terminal(logged_in, invoke):
    logged_in.answers["GET", "/apps"] = [{"id": "1", "name": "evil\x1b[2J\nname", "owner": None}]
    assert "\x1b" not in invoke("apps").stdout


def test_a_proxy_is_not_asked_for_this_machine(logged_in, shell):
    proxy = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY"), "http://127.0.0.1:1")
    assert shell(COMMAND, "whoami", NO_PROXY="", **proxy).stdout == "me@example.com\n"


def test_a_reader_that_goes_away_is_no_error(logged_in, shell):
    logged_in.config = {f"KEY_{number:05}": "x" * 100 for number in range(5000)}
    result = shell("bash", "-c", f"{COMMAND} config -s -a demo | head -n 1")
    assert (result.stdout, result.stderr) == (f"KEY_00000={'x' * 100}\n", "")

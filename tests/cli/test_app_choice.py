"""Which app a command is about."""

import subprocess

import pytest

from cli.errors import NoApp
from cli.gitremote import Remote, choose, parse_remote

HERE = "http://127.0.0.1:5000"
THERE = "https://paas.example.com"


@pytest.mark.parametrize(
    ("url", "app", "host", "server"),
    [
        ("http://127.0.0.1:5000/my-app.git", "my-app", "127.0.0.1", HERE),
        ("https://portside@paas.example.com/my-app.git", "my-app", "paas.example.com", THERE),
        ("https://paas.example.com:443/my-app/", "my-app", "paas.example.com", THERE),
        ("ssh://git@paas.example.com:2222/my-app.git", "my-app", "paas.example.com", None),
        ("git@paas.example.com:my-app.git", "my-app", "paas.example.com", None),
    ],
)
def test_urls_of_apps(url, app, host, server):
    assert parse_remote("x", url) == Remote("x", app, host, server)


@pytest.mark.parametrize(
    "url", ["https://github.com/me/app.git", "../app.git", "/srv/app.git", "http://[::1/app.git", "file:///app"]
)
def test_urls_of_other_things(url):
    assert parse_remote("x", url) is None


def test_the_remote_portside_comes_first():
    remotes = {"other": f"{HERE}/other.git", "portside": f"{THERE}/mine.git"}
    assert choose(remotes, [HERE], None).app == "mine"


def test_else_the_only_one_on_a_known_server():
    remotes = {"origin": "https://github.com/my-app.git", "production": "ssh://git@paas.example.com:2222/my-app.git"}
    assert choose(remotes, [HERE, THERE], None).name == "production"


def test_two_remotes_of_one_app_are_no_question():
    remotes = {"web": f"{THERE}/my-app.git", "ssh": "ssh://git@paas.example.com:2222/my-app.git"}
    assert choose(remotes, [THERE], None).app == "my-app"


def test_two_apps_are_a_question():
    remotes = {"staging": f"{HERE}/demo-staging.git", "production": f"{HERE}/demo.git"}
    with pytest.raises(NoApp) as refused:
        choose(remotes, [HERE], None)
    message = "More than one git remote here is an app: staging (demo-staging), production (demo)."
    assert (refused.value.message, refused.value.hint) == (message, "Choose with `-r REMOTE` or `-a APP`.")


def test_a_wanted_remote_decides():
    remotes = {"staging": f"{HERE}/demo-staging.git", "portside": f"{HERE}/demo.git"}
    assert choose(remotes, [HERE], "staging").app == "demo-staging"


def test_a_wanted_remote_that_is_not_there():
    with pytest.raises(NoApp) as refused:
        choose({"origin": "x"}, [HERE], "staging")
    assert refused.value.message == "There is no git remote named staging here (remotes: origin)."


def test_no_app_outside_a_repository(invoke, logged_in):
    result = invoke("config")
    assert result.exit_code == 1
    assert result.stderr == (
        " ▸    Which app? No git remote here belongs to one.\n"
        " ▸    Name it with `-a APP`, or run `portside git:remote -a APP` in its repository.\n"
    )


def test_the_app_comes_from_the_repository(invoke, logged_in, repository):
    subprocess.run(["git", "remote", "add", "prod", f"{logged_in.url}/demo.git"], check=True)
    logged_in.config = {"A": "1"}
    assert invoke("config", "-s").stdout == "A=1\n"


def test_a_stored_token_never_goes_to_a_server_that_only_a_repository_names(invoke, logged_in, repository, monkeypatch):
    monkeypatch.setenv("PORTSIDE_TOKEN", "given-for-the-default-server")
    subprocess.run(["git", "remote", "add", "portside", "http://127.0.0.1:1/demo.git"], check=True)
    result = invoke("config")
    assert result.exit_code == 1
    assert result.stderr == (
        " ▸    You are not logged in to http://127.0.0.1:1.\n ▸    Run `portside login http://127.0.0.1:1`.\n"
    )


def test_app_and_remote_together_are_refused(invoke, logged_in):
    result = invoke("config", "-a", "demo", "-r", "prod")
    assert result.exit_code == 2
    assert result.stderr.startswith(" ▸    Give -a/--app or -r/--remote, not both.\n")

"""Logging in and out: what is sent, what is kept, what is said."""

import json
import stat


def stored(home):
    return json.loads((home / ".config/portside/credentials.json").read_text())


def test_login_keeps_a_token_of_its_own_and_not_the_password(invoke, platform, home):
    result = invoke("login", platform.url, "--email", "me@example.com", input="correct horse\n")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"Logged in to {platform.url} as me@example.com.\n"
    login = {"email": "me@example.com", "token": "tok-2f9c", "authorization_id": "auth-1"}
    assert stored(home) == {"default": platform.url, "servers": {platform.url: login}}
    (_, _, headers, body) = platform.requests[0]
    assert headers["Authorization"].startswith("Basic ")
    assert body["description"].startswith("portside login from ")


def test_the_files_are_for_their_owner_only(invoke, platform, home):
    invoke("login", platform.url, "--email", "me@example.com", input="correct horse\n")
    folder = home / ".config/portside"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {"credentials.json": 0o600, "git-credentials": 0o600}


def test_wrong_password_says_so_and_keeps_nothing(invoke, platform, home):
    result = invoke("login", platform.url, "--email", "me@example.com", input="wrong\n")
    assert result.exit_code == 1
    assert result.stderr == " ▸    Invalid credentials provided.\n ▸    Check the email and the password.\n"
    assert not (home / ".config").exists()


def test_an_answer_without_a_token_is_told_as_such(invoke, platform, home):
    platform.answers["POST", "/oauth/authorizations"] = {"id": "auth-1"}
    result = invoke("login", platform.url, "--email", "me@example.com", input="correct horse\n")
    assert result.stderr == f" ▸    {platform.url} gave no token.\n ▸    Check the address.\n"
    assert not (home / ".config").exists()


def test_token_is_read_from_standard_input(invoke, platform, home):
    result = invoke("login", platform.url, "--token", input="tok-2f9c\n")
    assert result.stderr == f"Logged in to {platform.url} as me@example.com.\n"
    assert stored(home)["servers"][platform.url]["authorization_id"] is None


def test_token_given_as_argument_is_not_repeated(invoke):
    result = invoke("login", "--token", "s3cr3t")
    assert result.exit_code == 2
    assert result.stderr == (
        " ▸    URL must be the address of a server, like https://paas.example.com. "
        "A token is read from standard input.\n ▸    See `portside login --help`.\n"
    )


def test_no_terminal_and_no_email_explains_what_to_give(invoke, platform):
    result = invoke("login", platform.url)
    assert result.exit_code == 1
    assert result.stderr == (
        " ▸    There is no terminal to ask for email and password.\n"
        " ▸    Run `portside login URL --token < FILE`, or give --email and the password on standard input.\n"
    )


def test_logout_ends_the_token_that_login_made(invoke, logged_in, home):
    result = invoke("logout")
    assert (result.exit_code, result.stderr) == (0, f"Logged out of {logged_in.url}.\n")
    assert logged_in.asked_for("DELETE") == [("/oauth/authorizations/auth-1", None)]
    assert stored(home) == {"default": None, "servers": {}}


def test_logout_leaves_a_token_that_was_given(invoke, platform):
    invoke("login", platform.url, "--token", input="tok-2f9c\n")
    assert invoke("logout").exit_code == 0
    assert platform.asked_for("DELETE") == []


def test_whoami(invoke, logged_in):
    result = invoke("whoami")
    assert (result.stdout, result.stderr) == ("me@example.com\n", f"on {logged_in.url}\n")
    assert json.loads(invoke("whoami", "--json").stdout) == {"email": "me@example.com", "server": logged_in.url}


def test_environment_wins_over_the_stored_login(invoke, logged_in, monkeypatch):
    monkeypatch.setenv("PORTSIDE_TOKEN", "another")
    result = invoke("whoami")
    assert result.exit_code == 1
    assert result.stderr == " ▸    Invalid credentials provided.\n ▸    Log in with: portside login\n"
    assert logged_in.requests[-1][2]["Authorization"] == "Bearer another"


def test_environment_alone_is_enough(invoke, platform, monkeypatch):
    monkeypatch.setenv("PORTSIDE_URL", platform.url + "/")
    monkeypatch.setenv("PORTSIDE_TOKEN", "tok-2f9c")
    assert invoke("whoami").stdout == "me@example.com\n"


def test_not_logged_in(invoke):
    result = invoke("apps")
    assert result.exit_code == 1
    assert result.stderr == (
        " ▸    You are not logged in to http://127.0.0.1:5000.\n ▸    Run `portside login http://127.0.0.1:5000`.\n"
    )


def test_damaged_file_is_named(invoke, home):
    path = home / ".config/portside/credentials.json"
    path.parent.mkdir(parents=True)
    path.write_text("{")
    result = invoke("apps")
    assert result.exit_code == 1
    assert result.stderr == f" ▸    {path} is damaged.\n ▸    Delete it, then run `portside login` again.\n"

"""Real git and the real installed command: a push asks for nothing, and the token is nowhere in the repository."""

import subprocess
import sys
from pathlib import Path

import pytest

from cli.gitremote import QUICK_HELPER
from cli.start import kept_token

pytestmark = pytest.mark.programs
COMMAND = str(Path(sys.executable).parent / "portside")
TOKEN = "tok-2f9c"


def git(*words, stdin=""):
    return subprocess.run(["git", *words], input=stdin, capture_output=True, text=True, check=False)


def ask_git(url):
    """What git itself would log in with for a push to `url`."""
    protocol, _, host = url.partition("://")
    return git("-c", "core.askPass=false", "credential", "fill", stdin=f"protocol={protocol}\nhost={host}\n\n")


def test_create_in_a_repository_adds_the_remote_and_its_login(logged_in, repository, shell):
    result = shell(COMMAND, "create", "demo")
    assert result.returncode == 0
    assert result.stdout == f"http://demo.localhost:8080 | {logged_in.url}/demo.git\n"
    assert result.stderr == "Created demo.\nThe git remote portside is set. To deploy, run `git push portside main`.\n"
    assert logged_in.asked_for("POST") == [("/apps", {"name": "demo"})]
    assert git("remote", "get-url", "portside").stdout == f"{logged_in.url}/demo.git\n"
    answer = ask_git(logged_in.url)
    assert "username=portside\n" in answer.stdout
    assert f"password={TOKEN}\n" in answer.stdout


def test_the_token_is_in_no_file_of_the_repository(logged_in, repository, shell):
    shell(COMMAND, "create", "demo")
    ask_git(logged_in.url)
    files = [path for path in (repository / ".git").rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []


def test_another_helper_of_this_person_does_not_get_to_store_the_token(logged_in, repository, shell):
    git("config", "--global", "credential.helper", f"store --file={repository}/stored")
    shell(COMMAND, "create", "demo")
    filled = ask_git(logged_in.url).stdout
    git("credential", "approve", stdin=filled)
    assert not (repository / "stored").exists()


def test_the_helper_answers_a_real_git_request(logged_in, repository, shell):
    """git asks without a login first, gets 401, then asks the helper."""
    seen = []

    def refs(request, _):
        seen.append(request.headers.get("Authorization"))
        if seen[-1] is None:
            return 401, "", {"WWW-Authenticate": 'Basic realm="Portside"'}
        service = "001e# service=git-upload-pack\n0000"
        return 200, f"{service}0000", {"Content-Type": "application/x-git-upload-pack-advertisement"}

    logged_in.answers["GET", "/demo.git/info/refs?service=git-upload-pack"] = refs
    shell(COMMAND, "create", "demo")
    assert git("ls-remote", "portside").returncode == 0
    assert seen[0] is None
    assert seen[1] is not None
    assert seen[1].startswith("Basic ")


def test_an_existing_remote_is_left_as_it_is(logged_in, repository, shell):
    git("remote", "add", "portside", "https://elsewhere.example/x.git")
    result = shell(COMMAND, "create", "demo")
    url = f"{logged_in.url}/demo.git"
    assert result.returncode == 0
    assert result.stderr == (
        "Created demo.\n"
        " ▸    There is a git remote portside here already. It was left as it is.\n"
        f" ▸    To point it to demo, run `git remote set-url portside {url}` and `portside git:remote -a demo`.\n"
    )
    assert git("remote", "get-url", "portside").stdout == "https://elsewhere.example/x.git\n"


def test_create_outside_a_repository_says_what_to_do(logged_in, shell):
    result = shell(COMMAND, "create", "demo")
    assert result.returncode == 0
    assert result.stderr == (
        "Created demo.\n"
        " ▸    This is not a git repository, so no remote was added.\n"
        " ▸    In the app's folder run `git init -b main`, then `portside git:remote -a demo`.\n"
    )


def test_git_remote_may_be_run_again(logged_in, repository, shell):
    for _ in range(2):
        result = shell(COMMAND, "git:remote", "-a", "demo")
        assert result.stderr == "The git remote portside is set. To deploy, run `git push portside main`.\n"
    helpers = git("config", "--local", "--get-all", f"credential.{logged_in.url}.helper").stdout
    explained = f'!f() {{ test "$1" = store || {COMMAND} git:credentials "$1"; }}; f'
    assert helpers.splitlines() == ["", QUICK_HELPER, explained]


def test_git_finds_the_login_itself(logged_in, repository, shell, home):
    shell(COMMAND, "git:remote", "-a", "demo")
    assert (home / ".config/portside/git-credentials").exists()
    git("config", "--local", "--replace-all", f"credential.{logged_in.url}.helper", QUICK_HELPER, "^.*git:credentials")
    answer = ask_git(logged_in.url)
    assert (answer.returncode, dict(line.split("=", 1) for line in answer.stdout.split())["password"]) == (0, TOKEN)


@pytest.mark.parametrize("lost", ["the file", "the login in it"])
def test_without_a_login_for_git_the_command_answers(logged_in, repository, shell, home, lost):
    shell(COMMAND, "git:remote", "-a", "demo")
    kept = home / ".config/portside/git-credentials"
    if lost == "the file":
        kept.unlink()
    else:  # as after a token that the server refused
        asked = f"url={logged_in.url}\nusername=portside\npassword={TOKEN}\n\n"
        subprocess.run(["git", "credential", "reject"], input=asked, text=True, check=True, capture_output=True)
        assert kept.read_text() == ""
    answer = ask_git(logged_in.url)
    assert f"password={TOKEN}\n" in answer.stdout


def test_a_token_in_the_environment_goes_before_a_login(logged_in, repository, shell, monkeypatch):
    shell(COMMAND, "git:remote", "-a", "demo")
    monkeypatch.setenv("PORTSIDE_TOKEN", "another")
    assert "password=another\n" in ask_git(logged_in.url).stdout


def test_logging_out_takes_gits_login_too(logged_in, repository, shell, home):
    shell(COMMAND, "git:remote", "-a", "demo")
    shell(COMMAND, "logout")
    assert (home / ".config/portside/git-credentials").read_text() == ""


def test_git_is_told_to_stop_when_there_is_no_login(logged_in, repository, shell):
    shell(COMMAND, "create", "demo")
    shell(COMMAND, "logout")
    answer = ask_git(logged_in.url)
    assert answer.returncode != 0
    hint = f" ▸    You are not logged in to {logged_in.url}.\n ▸    Run `portside login {logged_in.url}`.\n"
    assert answer.stderr.startswith(hint)


@pytest.mark.parametrize("asked", ["", "protocol=http\n", "protocol=ftp\nhost=x\n", "nonsense"])
def test_the_helper_says_nothing_about_what_it_does_not_know(invoke, logged_in, asked):
    result = invoke("git:credentials", "get", input=asked)
    assert (result.exit_code, result.output) == (0, "")


def test_the_helper_explains_a_refused_token(invoke, logged_in):
    host = logged_in.url.removeprefix("http://")
    result = invoke("git:credentials", "erase", input=f"protocol=http\nhost={host}\n\n")
    assert result.stdout == ""
    assert result.stderr == (
        f" ▸    {logged_in.url} did not take the token kept here.\n ▸    Run `portside login {logged_in.url}`.\n"
    )


def test_rename_takes_the_remotes_along(invoke, logged_in, repository):
    git("remote", "add", "portside", f"{logged_in.url}/demo.git")
    logged_in.answers["PATCH", "/apps/demo"] = {"id": "a1", "name": "shop", "web_url": "http://shop.localhost"}
    result = invoke("rename", "shop")
    assert result.stderr == "Renamed demo to shop.\nThe git remote portside leads to shop now.\n"
    assert git("remote", "get-url", "portside").stdout == f"{logged_in.url}/shop.git\n"


def test_destroy_removes_the_remotes(invoke, logged_in, repository):
    git("remote", "add", "portside", f"{logged_in.url}/demo.git")
    result = invoke("destroy", "--confirm", "demo")
    assert (result.exit_code, result.stderr) == (0, "Destroyed demo.\nRemoved the git remote portside.\n")
    assert logged_in.asked_for("DELETE") == [("/apps/demo", None)]
    assert git("remote").stdout == ""


def test_destroy_needs_the_name(invoke, logged_in):
    unconfirmed = invoke("destroy", "-a", "demo")
    assert unconfirmed.exit_code == 1
    assert unconfirmed.stderr == (
        " ▸    Destroying demo needs to be confirmed.\n ▸    Run `portside destroy --confirm demo`.\n"
    )
    other = invoke("destroy", "-a", "demo", "--confirm", "demo2")
    assert (other.exit_code, other.stderr) == (1, " ▸    demo2 is not demo: nothing was destroyed.\n")
    assert logged_in.asked_for("DELETE") == []


def test_git_gets_its_login_without_the_command_being_loaded(logged_in, shell):
    host = logged_in.url.removeprefix("http://")
    script = (
        "import sys; from cli import start; sys.argv = ['portside', 'git:credentials', 'get']; start.run();"
        "print(sorted({'click', 'cli.main'} & set(sys.modules)))"
    )
    answer = shell(sys.executable, "-c", script, stdin=f"protocol=http\nhost={host}\nwwwauth[]=Basic\n\n")
    assert answer.stdout == f"username=portside\npassword={TOKEN}\n[]\n"


@pytest.mark.parametrize("other", ["{}", "not json", '{"servers": []}', '{"servers": {"http://x": {"token": 1}}}'])
def test_a_login_that_is_not_kept_is_the_commands_to_explain(tmp_path, other):
    file = tmp_path / "credentials.json"
    file.write_text(other)
    assert kept_token("protocol=http\nhost=x\n\n", str(file)) is None
    assert kept_token("protocol=http\nhost=x\n\n", str(tmp_path / "nothing.json")) is None

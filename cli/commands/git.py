"""Git: the remote that a push goes to, and the credential helper that answers for it."""

from __future__ import annotations

import sys
from contextlib import suppress

import click

from cli import gitremote
from cli.client import segment
from cli.commandline import command
from cli.credentials import save_for_git
from cli.errors import CliError
from cli.printing import problem, progress
from cli.records import App, read
from cli.session import Session, pass_session
from cli.start import USERNAME


def connect(session: Session, server: str, app: str, name: str) -> bool:
    """Add the remote `name` for the app and the login for its server to this repository; say what was done.

    A remote of that name which leads elsewhere is left as it is (False).
    """
    url = f"{server}/{app}.git"
    existing = gitremote.remotes().get(name)
    if existing is not None and existing != url:
        problem(
            f"There is a git remote {name} here already. It was left as it is.",
            f"To point it to {app}, run `git remote set-url {name} {url}` and `portside git:remote -a {app}`.",
        )
        return False
    if existing is None:
        gitremote.add_remote(name, url)
    with suppress(CliError):  # without it, git asks this command
        if session.credentials.servers:
            save_for_git(session.credentials_path, session.credentials)
    gitremote.install_helper(server, gitremote.own_command())
    progress(f"The git remote {name} is set. To deploy, run `git push {name} main`.")
    return True


@command("git:remote", examples=["portside git:remote -a my-app", "portside git:remote -a my-app -r staging"])
@click.option("-a", "--app", "app_name", metavar="APP", help="The app, by name.")
@click.option("-r", "--remote", default=gitremote.REMOTE, show_default=True, help="The git remote to add.")
@pass_session
def git_remote(session: Session, app_name: str | None, remote: str) -> None:
    """Make this git repository push to an app that exists already."""
    named = app_name or session.app_option
    if named is None:
        raise click.UsageError("Which app? Name it with -a APP.")
    if not gitremote.inside_repository():
        raise CliError("This is not a git repository.", "Run `git init -b main` first.")
    api = session.api()
    app = read(App.of, api.get(f"/apps/{segment(named)}"))
    if not connect(session, api.server, app.name, remote):
        raise click.exceptions.Exit(1)


@command("git:credentials", hidden=True)
@click.argument("operation", default="get")
@pass_session
def git_credentials(session: Session, operation: str) -> None:
    """Answer git's credential helper protocol (gitcredentials(7)) with the token of the server it asks for."""
    server = gitremote.read_credential_request(sys.stdin.read())
    if server is None:
        return
    if operation == "erase":
        problem(f"{server} did not take the token kept here.", f"Run `portside login {server}`.")
    if operation != "get":
        return
    token = session.token_for(server)
    if token is None:
        problem(f"You are not logged in to {server}.", f"Run `portside login {server}`.")
        click.echo("quit=1")
    else:
        click.echo(f"username={USERNAME}\npassword={token}")


COMMANDS = (git_remote, git_credentials)

"""Apps: making, listing, showing, naming, opening and destroying them."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from cli import gitremote
from cli.client import segment
from cli.commandline import app_options, command, json_option
from cli.commands.git import connect
from cli.errors import CliError
from cli.printing import as_json, data, facts, problem, progress, table, when
from cli.records import App, Instance, read
from cli.session import Session, Target, pass_session


@command("create", examples=["portside create", "portside create my-app", "portside create my-app -r staging"])
@click.argument("name", required=False)
@click.option("-r", "--remote", default=gitremote.REMOTE, show_default=True, help="The git remote to add.")
@click.option("--no-remote", is_flag=True, help="Leave the git repository as it is.")
@json_option
@pass_session
def create(session: Session, name: str | None, remote: str, no_remote: bool) -> None:
    """Create an app; inside a git repository, also the remote to push to.

    Without NAME the server makes one up. The remote asks for no password when you push: this repository gets a
    credential helper that takes your token from where `portside login` keeps it.
    """
    api = session.api()
    app = read(App.of, api.post("/apps", {"name": name} if name else {}))
    progress(f"Created {app.name}.")
    if session.as_json:
        as_json(asdict(app))
    else:
        data(f"{app.web_url} | {app.git_url}")
    if no_remote:
        return
    if gitremote.inside_repository():
        connect(session, api.server, app.name, remote)
    else:
        problem(
            "This is not a git repository, so no remote was added.",
            f"In the app's folder run `git init -b main`, then `portside git:remote -a {app.name}`.",
        )


@command("apps", examples=["portside apps", "portside apps --json"])
@json_option
@pass_session
def apps(session: Session) -> None:
    """List the apps that you may see."""
    found = sorted((read(App.of, each) for each in session.api().get_list("/apps")), key=lambda app: app.name)
    if session.as_json:
        as_json([asdict(app) for app in found])
    elif found:
        rows = [(app.name, app.web_url or "", app.owner or "", when(app.released_at)) for app in found]
        table(("NAME", "URL", "OWNER", "RELEASED"), rows)
    else:
        problem("There are no apps yet.", "Run `portside create NAME`.")


@command("info", examples=["portside info", "portside info -a my-app --json"])
@app_options
@json_option
@pass_session
def info(session: Session) -> None:
    """Show an app: its addresses, its owner, what runs."""
    target = session.target()
    app = read(App.of, target.api.get(target.path()))
    if session.as_json:
        as_json(asdict(app))
        return
    instances = [read(Instance.of, each) for each in target.api.get_list(target.path("/dynos"))]
    running = ", ".join(f"{each.name} ({each.state})" for each in instances)
    facts(
        [
            ("Name", app.name),
            ("Web URL", app.web_url or ""),
            ("Git URL", app.git_url or ""),
            ("Owner", app.owner or ""),
            ("Created", when(app.created_at)),
            ("Released", when(app.released_at) or "never"),
            ("Instances", running or "none"),
        ]
    )


@command("rename", examples=["portside rename new-name", "portside rename new-name -a old-name"])
@click.argument("new_name")
@app_options
@json_option
@pass_session
def rename(session: Session, new_name: str) -> None:
    """Rename an app, and the git remotes here that lead to it."""
    target = session.target()
    app = read(App.of, target.api.patch(target.path(), {"name": new_name}))
    progress(f"Renamed {target.app} to {app.name}.")
    for name in _remotes_to(target):
        gitremote.set_remote_url(name, f"{target.api.server}/{app.name}.git")
        progress(f"The git remote {name} leads to {app.name} now.")
    if session.as_json:
        as_json(asdict(app))
    else:
        data(f"{app.web_url} | {app.git_url}")


@command("destroy", examples=["portside destroy --confirm my-app"])
@click.option("--confirm", metavar="APP", help="The app's name once more, instead of being asked for it.")
@app_options
@pass_session
def destroy(session: Session, confirm: str | None) -> None:
    """Destroy an app with its releases, images, config, repository and volumes. There is no way back."""
    if confirm is not None and session.app_option is None and session.remote_option is None:
        session.app_option = confirm
    target = session.target()
    if confirm is None and sys.stdin.isatty():
        problem(
            f"This destroys {target.app} with all its releases and config, and the data in its volumes. "
            "There is no way back."
        )
        confirm = click.prompt(f"To go on, type {target.app}", err=True)
    if confirm is None:
        raise CliError(
            f"Destroying {target.app} needs to be confirmed.", f"Run `portside destroy --confirm {target.app}`."
        )
    if confirm != target.app:
        raise CliError(f"{confirm} is not {target.app}: nothing was destroyed.")
    target.api.delete(target.path())
    progress(f"Destroyed {target.app}.")
    for name in _remotes_to(target):
        gitremote.remove_remote(name)
        progress(f"Removed the git remote {name}.")


@command("open", examples=["portside open", "portside open /admin"])
@click.argument("path", default="/")
@app_options
@pass_session
def open_app(session: Session, path: str) -> None:
    """Open an app in the browser, and print its address."""
    from urllib.parse import urljoin

    target = session.target()
    app = read(App.of, target.api.get(f"/apps/{segment(target.app)}"))
    if not app.web_url:
        raise CliError(f"{app.name} has no address.", "See `portside domains`.")
    url = urljoin(app.web_url, path)
    data(url)
    if click.launch(url) != 0:
        problem("No browser could be opened here: open the address above yourself.")


def _remotes_to(target: Target) -> list[str]:
    """The git remotes here that lead to the app."""
    found = []
    for name, url in gitremote.remotes().items():
        remote = gitremote.parse_remote(name, url)
        if (
            remote
            and remote.app == target.app
            and gitremote.server_of(remote, [target.api.server]) == target.api.server
        ):
            found.append(name)
    return found


COMMANDS = (create, apps, info, rename, open_app, destroy)

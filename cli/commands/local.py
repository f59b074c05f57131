"""Before a push: what the server would do with a folder, and doing it without a release."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click

from cli.client import Json
from cli.commandline import app_options, command, json_option
from cli.errors import CliError, ConnectionCut, NoApp, OutcomeFailed
from cli.folder import packed
from cli.printing import as_json, data, printable, progress
from cli.session import Session, pass_session

_SHORT_ID = 8


@command("build", examples=["portside build --local .", "portside build --local ./api -a my-app"])
@click.option("--local", "folder", type=click.Path(path_type=Path), metavar="DIR", required=True, help="The folder.")
@app_options
@json_option
@pass_session
def build(session: Session, folder: Path) -> None:
    """Build a folder as it stands, without a push and without a release.

    The files that git would take are sent, committed or not. The server says what it decides and builds with the app's
    config and caches; pushing the same files afterwards needs no second build. Ctrl-C ends the build.
    """
    target = session.target()
    with packed(folder) as tar:
        outcome = _watched(session, target.api.post_tar_lines(target.path("/trial-builds"), tar))
    if session.as_json:
        as_json(outcome)
    if outcome.get("status") != "succeeded":
        raise OutcomeFailed(f"The build failed: {outcome.get('message', '')}", str(outcome.get("hint") or ""))
    progress(f"Built {folder} for {target.app} (build {str(outcome['build'])[:_SHORT_ID]}). Nothing was released.")


@command("eject", examples=["portside eject > Dockerfile", "portside eject --write", "portside eject --local ."])
@click.option("--local", "folder", type=click.Path(path_type=Path), metavar="DIR", help="A folder, not the app's code.")
@click.option("--write", is_flag=True, help="Write it to Dockerfile, in DIR or here.")
@app_options
@json_option
@pass_session
def eject(session: Session, folder: Path | None, write: bool) -> None:
    """Print the Dockerfile by which an app is built, to keep and change.

    It is for the app's current commit, or for a folder with --local (then no app is needed). It needs nothing of
    Portside's. Once a Dockerfile is in the app's repository, Portside builds by it.
    """
    recipe = _recipe(session, folder)
    if session.as_json:
        as_json(recipe)
    for line in recipe.get("decisions", []):
        progress(printable(str(line)))
    dockerfile = str(recipe.get("dockerfile", ""))
    if write:
        _write((folder or Path()) / "Dockerfile", dockerfile)
    elif not session.as_json:
        data(dockerfile.rstrip("\n"))


def _recipe(session: Session, folder: Path | None) -> Json:
    if folder is None:
        target = session.target()
        return target.api.get(target.path("/recipe"))
    with packed(folder) as tar:
        try:
            target = session.target()
        except NoApp:
            return session.api().post_tar("/recipes", tar)
        return target.api.post_tar(target.path("/recipe"), tar)


def _write(path: Path, dockerfile: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(dockerfile)
    except FileExistsError:
        raise CliError(f"There is a {path} already; it was left as it is.", "Print it: portside eject") from None
    except OSError as error:
        raise CliError(f"Can't write {path}: {error.strerror}.", "Print it: portside eject") from None
    progress(f"Wrote {path}. Commit it, and Portside builds by it.")


def _watched(session: Session, lines: Iterator[str]) -> Json:
    """Show the log; give the last object."""
    for text in lines:
        item = json.loads(text)
        if "status" in item:
            return dict(item)
        if "line" in item and session.as_json:
            progress(printable(str(item["line"])))
        elif "line" in item:
            data(printable(str(item["line"])))
    raise ConnectionCut("The server ended the build's log before the build's end.", "Try again.")


COMMANDS = (build, eject)

"""How an app is built, when it should not be found out: by a pack of Portside, or by classic buildpacks."""

from __future__ import annotations

import click

from cli.commandline import app_options, command, json_option
from cli.errors import CliError
from cli.printing import as_json, data, problem, progress
from cli.session import Session, Target, pass_session

_index_option = click.option("--index", "-i", type=click.IntRange(min=1), metavar="N", help="The place, from 1 on.")


@command("buildpacks", examples=["portside buildpacks", "portside buildpacks --json"])
@app_options
@json_option
@pass_session
def buildpacks(session: Session) -> None:
    """Show the pack, or the buildpacks in their order, that were chosen for an app."""
    target = session.target()
    found = _chosen(target)
    if session.as_json:
        as_json(found)
    elif found:
        data("\n".join(found))
    else:
        problem(f"No pack was chosen for {target.app}: each build finds out.", "See how: portside eject --local .")


@command(
    "buildpacks:set",
    examples=[
        "portside buildpacks:set python",
        "portside buildpacks:set https://github.com/heroku/heroku-buildpack-apt",
        "portside buildpacks:set ./buildpacks/own",
        "portside buildpacks:set https://example.com/own.git#v2 --index 1",
    ],
)
@click.argument("name", metavar="PACK")
@_index_option
@app_options
@pass_session
def buildpacks_set(session: Session, name: str, index: int | None) -> None:
    """Choose what builds an app, where another would be found first.

    PACK is a pack's name (heroku/python and the address of Heroku's buildpack mean the same), the https address of a
    classic buildpack's git repository (#branch, #tag or #commit after it), or ./a/folder of the app that is one.
    Without --index it takes the place of all that was chosen. The files portside.toml (builder = "python") and
    app.json can choose as well; this goes before both.
    """
    target = session.target()
    chosen = _chosen(target) if index else []
    if index is None or not chosen:
        chosen = [name]
    else:
        chosen[index - 1 : index] = [name]
    _send(target, chosen)


@command(
    "buildpacks:add",
    examples=["portside buildpacks:add ./buildpacks/own", "portside buildpacks:add https://… --index 1"],
)
@click.argument("name", metavar="BUILDPACK")
@_index_option
@app_options
@pass_session
def buildpacks_add(session: Session, name: str, index: int | None) -> None:
    """Let a further classic buildpack take part in an app's builds, as the last one or at --index."""
    target = session.target()
    chosen = _chosen(target)
    if name in chosen:
        raise CliError(f"{name} builds {target.app} already.", "See the order: portside buildpacks")
    chosen.insert(len(chosen) if index is None else index - 1, name)
    _send(target, chosen)


@command(
    "buildpacks:remove",
    examples=["portside buildpacks:remove ./buildpacks/own", "portside buildpacks:remove --index 2"],
)
@click.argument("name", metavar="BUILDPACK", required=False)
@_index_option
@app_options
@pass_session
def buildpacks_remove(session: Session, name: str | None, index: int | None) -> None:
    """Take a buildpack out of an app's builds, by its name or by its place."""
    if (name is None) == (index is None):
        raise CliError("Say which buildpack.", "Either its name, or --index N: portside buildpacks lists them.")
    target = session.target()
    chosen = _chosen(target)
    left = [each for place, each in enumerate(chosen, 1) if place != index and each != name]
    if left == chosen:
        raise CliError(f"{target.app} has no buildpack {index or name}.", "See those that it has: portside buildpacks")
    _send(target, left)


@command("buildpacks:clear", examples=["portside buildpacks:clear"])
@app_options
@pass_session
def buildpacks_clear(session: Session) -> None:
    """Let each build find out again what kind of app it is."""
    _send(session.target(), [])


def _path(target: Target) -> str:
    return target.path("/buildpack-installations")


def _chosen(target: Target) -> list[str]:
    return [str(each["buildpack"]["url"]) for each in target.api.get_list(_path(target))]


def _send(target: Target, chosen: list[str]) -> None:
    target.api.put(_path(target), {"updates": [{"buildpack": name} for name in chosen]})
    if not chosen:
        progress(f"The pack of {target.app} will be found out from the next push on.")
    else:
        progress(f"From the next push on, {target.app} will be built by {', then '.join(chosen)}.")


COMMANDS = (buildpacks, buildpacks_set, buildpacks_add, buildpacks_remove, buildpacks_clear)

"""The pack of an app: the recipe that its builds follow, when it should not be found out."""

from __future__ import annotations

import click

from cli.client import Json
from cli.commandline import app_options, command, json_option
from cli.printing import as_json, data, problem, progress
from cli.session import Session, Target, pass_session


@command("buildpacks", examples=["portside buildpacks", "portside buildpacks --json"])
@app_options
@json_option
@pass_session
def buildpacks(session: Session) -> None:
    """Show the pack that was chosen for an app."""
    target = session.target()
    found = [str(each["buildpack"]["url"]) for each in target.api.get_list(_path(target))]
    if session.as_json:
        as_json(found)
    elif found:
        data(found[0])
    else:
        problem(f"No pack was chosen for {target.app}: each build finds out.", "See how: portside eject --local .")


@command("buildpacks:set", examples=["portside buildpacks:set python", "portside buildpacks:set dockerfile"])
@click.argument("name", metavar="PACK")
@app_options
@pass_session
def buildpacks_set(session: Session, name: str) -> None:
    """Choose the pack that builds an app, where another would be found first.

    PACK is a pack's name; heroku/python and the address of Heroku's buildpack mean the same. The files portside.toml
    (builder = "python") and app.json can choose as well; this goes before both.
    """
    target = session.target()
    _send(target, [{"buildpack": name}])
    progress(f"{target.app} will be built by the {name} pack from the next push on.")


@command("buildpacks:clear", examples=["portside buildpacks:clear"])
@app_options
@pass_session
def buildpacks_clear(session: Session) -> None:
    """Let each build find out again what kind of app it is."""
    target = session.target()
    _send(target, [])
    progress(f"The pack of {target.app} will be found out from the next push on.")


def _path(target: Target) -> str:
    return target.path("/buildpack-installations")


def _send(target: Target, updates: list[Json]) -> None:
    target.api.put(_path(target), {"updates": updates})


COMMANDS = (buildpacks, buildpacks_set, buildpacks_clear)

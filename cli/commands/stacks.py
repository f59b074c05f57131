"""The stack of an app: which Debian, and so which languages, it is built on."""

from __future__ import annotations

import click

from cli.commandline import app_options, command, json_option
from cli.printing import as_json, data, progress
from cli.session import Session, pass_session


@command("stack", examples=["portside stack", "portside stack --json"])
@app_options
@json_option
@pass_session
def stack(session: Session) -> None:
    """List the stacks, the app's own marked."""
    target = session.target()
    own = target.api.get(target.path())["build_stack"]["name"]
    names = [str(each["name"]) for each in target.api.get_list("/stacks")]
    if session.as_json:
        as_json([{"name": name, "current": name == own} for name in names])
    for name in () if session.as_json else names:
        data(f"* {name}" if name == own else f"  {name}")


@command("stack:set", examples=["portside stack:set debian-14", "portside stack:set debian-13 -a my-app"])
@click.argument("name", metavar="STACK")
@app_options
@json_option
@pass_session
def stack_set(session: Session, name: str) -> None:
    """Choose the stack that the app's next build uses. What runs now runs on as it is.

    An app that pins a version which its own stack lacks is built on the stack that has it, whatever is chosen here.
    """
    target = session.target()
    app = target.api.patch(target.path(), {"build_stack": name})
    if session.as_json:
        as_json(app["build_stack"])
    progress(f"{target.app} will be built on {name} from the next push on.")


COMMANDS = (stack, stack_set)

"""The command itself: help, version and completion in the shell."""

from __future__ import annotations

import sys

import click

from cli.commandline import Group, command, json_option
from cli.errors import CliError
from cli.printing import as_json, data
from cli.session import Session, pass_session


def own_version() -> str:
    """The version of the installed distribution."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("portside")
    except PackageNotFoundError:
        return "unknown"


@command("version", examples=["portside version"])
@json_option
@pass_session
def show_version(session: Session) -> None:
    """Print the version of this command."""
    if session.as_json:
        as_json({"version": own_version()})
    else:
        data(f"portside {own_version()} (Python {sys.version.partition(' ')[0]})")


@command("help", examples=["portside help", "portside help config:set", "portside help domains"])
@click.argument("words", nargs=-1, metavar="[COMMAND|TOPIC]")
@click.pass_context
def show_help(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Show the help of a command, of a topic with its commands, or of all."""
    root = ctx.find_root()
    if not words or not isinstance(root.command, Group):
        data(root.get_help())
        return
    name, found, _ = root.command.resolve_command(root, list(words))
    if found is not None:
        data(found.get_help(click.Context(found, info_name=name, parent=root)))


@command(
    "completion",
    examples=[
        'eval "$(portside completion bash)"     # in ~/.bashrc',
        'eval "$(portside completion zsh)"      # in ~/.zshrc',
        "portside completion fish > ~/.config/fish/completions/portside.fish",
    ],
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that completes commands and options in your shell."""
    from cli.completion import script

    text = script(ctx.find_root().command, shell)
    if text is None:
        raise CliError(f"There is no completion for {shell}.")
    data(text)


COMMANDS = (show_help, show_version, completion)

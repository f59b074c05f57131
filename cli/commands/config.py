"""Config: the environment variables of an app. Values are printed only by the commands that are asked for them."""

from __future__ import annotations

import re
import shlex

import click

from cli.commandline import app_options, command, json_option
from cli.commands.releases import newest, outcome_of
from cli.errors import CliError
from cli.printing import as_json, data, facts, problem, progress
from cli.records import Release
from cli.session import Session, Target, pass_session

_KEY = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


@command("config", examples=["portside config", "portside config -s > .env", "portside config:set KEY=value"])
@click.option("-s", "--shell", is_flag=True, help="Print KEY=value lines that a shell can read.")
@app_options
@json_option
@pass_session
def config(session: Session, shell: bool) -> None:
    """Show an app's config."""
    values = _values(session.target())
    if session.as_json:
        as_json(values)
    elif shell:
        for key, value in values.items():
            data(f"{key}={shlex.quote(value)}")
    elif values:
        facts(values.items())
    else:
        problem("No config is set.", "Run `portside config:set KEY=value`.")


@command("config:get", examples=["portside config:get DATABASE_URL"])
@click.argument("key")
@app_options
@json_option
@pass_session
def config_get(session: Session, key: str) -> None:
    """Print one value, as it is."""
    target = session.target()
    values = _values(target)
    if key not in values:
        raise CliError(f"{key} is not set on {target.app}.", "See `portside config`.")
    if session.as_json:
        as_json({key: values[key]})
    else:
        data(values[key])


@command("config:set", examples=["portside config:set GREETING=hello", "portside config:set A=1 B='two words'"])
@click.argument("pairs", nargs=-1, required=True, metavar="KEY=VALUE...")
@app_options
@json_option
@pass_session
def config_set(session: Session, pairs: tuple[str, ...]) -> None:
    """Set config and restart the app with it, in a new release. Values are not printed."""
    _change(session, parse_pairs(pairs), "Set")


@command("config:unset", examples=["portside config:unset GREETING"])
@click.argument("keys", nargs=-1, required=True, metavar="KEY...")
@app_options
@json_option
@pass_session
def config_unset(session: Session, keys: tuple[str, ...]) -> None:
    """Remove config and restart the app without it, in a new release."""
    _change(session, dict.fromkeys(keys), "Unset")


def parse_pairs(pairs: tuple[str, ...]) -> dict[str, str | None]:
    """`KEY=VALUE` words as a dict.

    Raises:
        click.UsageError: a word is not of that form. What may be a value is not repeated.
    """
    found: dict[str, str | None] = {}
    for number, pair in enumerate(pairs, start=1):
        key, equals, value = pair.partition("=")
        if not equals:
            raise click.UsageError(f"Argument {number} has no '='. Give each as KEY=VALUE.")
        if not _KEY.match(key):
            raise click.UsageError(f"{key!r} can't be a key: use letters, digits and _, not starting with a digit.")
        found[key] = value
    return found


def _values(target: Target) -> dict[str, str]:
    answer = target.api.get(target.path("/config-vars"))
    return {key: str(answer[key]) for key in sorted(answer)}


def _change(session: Session, changes: dict[str, str | None], done: str) -> None:
    target = session.target()
    keys = ", ".join(changes)
    before = newest(target)
    target.api.patch(target.path("/config-vars"), dict(changes))
    after = newest(target)
    if after is None or (before is not None and after["version"] == before["version"]):
        progress(f"Nothing changed on {target.app}: {keys}.")
        return
    release: Release = outcome_of(target, after, f"The change of {keys}")
    if session.as_json:
        as_json({"keys": list(changes), "version": release.version})
    else:
        progress(f"{done} {keys} on {target.app}, v{release.version}.")


COMMANDS = (config, config_get, config_set, config_unset)

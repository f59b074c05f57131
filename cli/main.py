"""The way in: every command under its heading."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from cli.commandline import Group, app_options, json_option
from cli.commands import (
    about,
    access,
    account,
    apps,
    automatic,
    bake,
    buildpacks,
    builds,
    certificates,
    checks,
    config,
    cron,
    domains,
    git,
    keys,
    limits,
    local,
    logs,
    maintenance,
    metrics,
    processes,
    proxies,
    releases,
    runs,
    stacks,
    storage,
)
from cli.completion import COMPLETE_VARIABLE
from cli.edge import guarded

SECTIONS = (
    ("Account", (*account.COMMANDS, *keys.COMMANDS)),
    (
        "Apps",
        (
            *apps.COMMANDS,
            *domains.COMMANDS,
            *certificates.COMMANDS,
            *proxies.COMMANDS,
            *automatic.COMMANDS,
            *maintenance.COMMANDS,
            *git.COMMANDS,
        ),
    ),
    ("Traffic", (*access.COMMANDS, *limits.COMMANDS)),
    (
        "Deploys and releases",
        (*releases.COMMANDS, *bake.COMMANDS, *builds.COMMANDS, *local.COMMANDS, *stacks.COMMANDS, *buildpacks.COMMANDS),
    ),
    ("Config", config.COMMANDS),
    (
        "Processes and logs",
        (*processes.COMMANDS, *checks.COMMANDS, *runs.COMMANDS, *cron.COMMANDS, *logs.COMMANDS, *metrics.COMMANDS),
    ),
    ("Storage", storage.COMMANDS),
    ("This command", about.COMMANDS),
)


class EdgedGroup(Group):
    """The commands, with every way to end turned into a sentence and an exit code."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line and exit, always."""
        words = list(sys.argv[1:] if args is None else args)
        if COMPLETE_VARIABLE in os.environ:
            from cli.completion import register

            register()
        prog_name = prog_name or "portside"
        complete_var = complete_var or COMPLETE_VARIABLE
        sys.exit(
            guarded(lambda: click.Group.main(self, words, prog_name, complete_var, standalone_mode=False, **extra))
        )


@click.group(
    "portside",
    cls=EdgedGroup,
    sections=SECTIONS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="`portside config:set` and `portside config set` are the same. `portside help COMMAND` shows more.",
)
@click.option("--version", "wants_version", is_flag=True, help="Print the version.")
@app_options
@json_option
@click.pass_context
def portside(ctx: click.Context, wants_version: bool) -> None:
    """Your own Heroku on your own server: create apps, push them with git, see and steer what runs.

    \b
    First steps:
      portside login https://paas.example.com
      portside create my-app
      git push portside main
    """
    if wants_version:
        click.echo(f"portside {about.own_version()}")
        ctx.exit()
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def run() -> None:
    """Run the command line in `sys.argv` and exit."""
    portside.main()


if __name__ == "__main__":
    run()

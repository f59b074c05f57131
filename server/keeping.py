"""The commands `portside-server backup` and `restore`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from core import platform as core_platform
from server.backup import write_backup
from server.progress import Progress
from server.site import read_site

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("file", type=FILE)
def backup(file: Path) -> None:
    """Write the records, the repositories and the keys into FILE (0600), while everything runs.

    Who has the file can read every app's config. Images and volumes are not in it.
    """
    settings, _ = core_platform.load(os.environ)
    with Progress().step(f"Writing {file}"):
        size_bytes = write_backup(settings.home, settings.database, file)
    click.echo(f"{file}: {size_bytes / 1e6:.1f} MB. Restore it with: portside-server restore {file}")


@click.command()
@click.argument("file", type=FILE)
@click.option("--replace", is_flag=True, help="Put what is in the home into a folder aside.")
def restore(file: Path, replace: bool) -> None:
    """Put a backup's records, repositories and keys into the home. The platform must be stopped.

    What was done after the backup is not in it. A newer release that runs on this home is taken over as it runs.
    """
    from server import restore as restoring  # Alembic is for the command that needs it

    settings, _ = core_platform.load(os.environ)
    with Progress().step(f"Restoring {file}"):
        found = restoring.restore(read_site(os.environ), settings.database, file, replace)
    if found.aside is not None:
        click.echo(f"What was there is in {found.aside}.")
    click.echo(f"Restored as of {found.made_at}. What was done later is not in the records.")
    click.echo("Start it: portside-server up")

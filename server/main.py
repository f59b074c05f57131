"""`portside-server`: runs a platform on this machine."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from core.edge import unit_of_work
from core.errors import PortsideError, UserError
from server import doctor as examination
from server import engine as docker_engine
from server import gc as cleaning
from server import install as systemd
from server import journal, keeping, lifecycle, machine
from server import quickstart as setup
from server.first_user import write_password
from server.platform import Platform, compose
from server.progress import Progress
from server.site import Site, read_site


def run() -> None:
    """The way in: an expected error becomes a sentence and exit code 1, a bug an id."""
    journal.configure(os.environ.get("PORTSIDE_LOG_LEVEL", "WARNING"))
    try:
        with unit_of_work("portside-server"):
            _run_command()
    except KeyboardInterrupt:
        sys.exit(130)
    except PortsideError as error:
        click.echo(f" !     {error}".replace("\n", "\n !     "), err=True)
        sys.exit(1)


def _run_command() -> None:
    try:
        portside_server.main(standalone_mode=False, prog_name="portside-server")
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("portside"), message="%(version)s")
def portside_server() -> None:
    """Run a Portside platform on this machine.

    State lives in $PORTSIDE_HOME (~/.portside); every setting is a PORTSIDE_* variable or stands in portside.toml.
    """


def _site() -> Site:
    return read_site(os.environ)


def _platform() -> Platform:
    return compose(os.environ)


@portside_server.command()
def up() -> None:
    """Start every part and wait until each is ready. What runs as it should is left alone."""
    site = _site()
    lifecycle.up(site, Progress())
    click.echo(f"Portside is up: {site.api_url}")


@portside_server.command()
@click.option("--all", "everything", is_flag=True, help="Stop the router too: no app is reachable until the next up.")
def stop(everything: bool) -> None:
    """Stop the control plane. Apps run on, and the router goes on serving them unless --all is given."""
    site = _site()
    lifecycle.stop(site, Progress(), everything)
    rest = "Apps run on in their containers, but nothing routes to them." if everything else "Apps are served on."
    click.echo(f"Portside is stopped. {rest} Start again: portside-server up")


@portside_server.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(as_json: bool) -> None:
    """Show each part. Exit code 0 if all run and answer, else 1."""
    site = _site()
    parts = lifecycle.status(site)
    if as_json:
        click.echo(json.dumps([vars(part) for part in parts], indent=2))
    else:
        _print_status(parts, lifecycle.supervisor_memory_bytes(site))
    sys.exit(0 if all(part.is_well for part in parts) else 1)


def _print_status(parts: list[lifecycle.PartStatus], supervisor_bytes: int) -> None:
    table = Table("PART", "STATE", "PID", "UP", "MEMORY", "", box=None, pad_edge=False)
    for part in parts:
        memory = f"{part.memory_bytes / 1e6:.0f} MB" if part.memory_bytes else ""
        colour = "green" if part.is_well else "red"
        pid, duration = (str(part.pid), _duration(part.uptime_s)) if part.pid else ("", "")
        table.add_row(part.name, f"[{colour}]{part.state}[/]", pid, duration, memory, part.detail)
    console = Console()
    console.print(table)
    total = (sum(part.memory_bytes for part in parts) + supervisor_bytes) / 1e6
    console.print(f"\n{total:.0f} MB in all (proportional share, with supervisord)")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h {minutes:02}m" if hours else f"{minutes}m {rest:02}s"


@portside_server.command()
def doctor() -> None:
    """Examine everything, and say how to mend what is not well. Exit code 0 if all is well."""
    checks = examination.examine(_site())
    for check in checks:
        click.echo(f"{'ok ' if check.is_well else ' ! '} {check.name:<11} {check.found}")
        if not check.is_well:
            click.echo(f"                → {check.mend}")
    sys.exit(0 if all(check.is_well for check in checks) else 1)


@portside_server.command()
def gc() -> None:
    """Free the disk of what nobody needs: images, build caches over their quota, old build logs, the registry's rest.

    Releases that can be brought back keep all they need. It runs every night by itself.
    """
    site = _site()
    machine.require_engine(site.environ)
    cleaning.collect(_platform(), site, Progress())


portside_server.add_command(keeping.backup)
portside_server.add_command(keeping.restore)


@portside_server.command()
def install() -> None:
    """Write and enable a systemd unit, so that everything returns after a reboot."""
    systemd.install(_site(), Progress())


@portside_server.command()
def engine() -> None:
    """Start a Docker engine if none answers."""
    site = _site()
    docker_engine.ensure_engine(site.environ, site.log, Progress())


@portside_server.command("stack:add")
@click.argument("name", metavar="STACK")
@click.option("--frozen-mirror", is_flag=True, help="Take expired package indexes: for a mirror that is frozen.")
def stack_add(name: str, frozen_mirror: bool) -> None:
    """Make a stack's base image and its language images, so that apps can be built on it."""
    site = _site()
    machine.require_engine(site.environ)
    setup.add_stack(_platform().builder, site, name, Progress(), frozen_mirror)


@portside_server.command()
@click.option("--for-tests", is_flag=True, help="Also what the tests and the bench need: chromium and wrk.")
@click.option("--every-stack", is_flag=True, help="Also the base images of the stacks that are not the default.")
@click.option("--frozen-mirror", is_flag=True, help="Take expired package indexes for those: see stack:add.")
def prepare(for_tests: bool, every_stack: bool, frozen_mirror: bool) -> None:
    """Install what is missing, start an engine, make the base image; no platform is started."""
    site, progress = _site(), Progress()
    setup.prepare(site, progress, for_tests)
    if every_stack:
        setup.prepare_every_stack(site, progress, frozen_mirror)


@portside_server.command()
def quickstart() -> None:
    """From a bare machine to a sample app that answers. Needs root only for what is missing."""
    setup.quickstart(_site(), Progress())


@portside_server.command("user:add")
@click.argument("email")
@click.option("--admin", is_flag=True, help="May do everything with every app.")
@click.option(
    "--generate", type=click.Path(path_type=Path), metavar="FILE", help="Make a password up, into FILE (0600)."
)
def user_add(email: str, admin: bool, generate: Path | None) -> None:
    """Add a user. The password is asked for, read from standard input, or made up."""
    _with_password(email, generate, lambda password: _platform().accounts.add_user(email, password, admin=admin))
    click.echo(f"{email} may sign in.")


@portside_server.command("user:passwd")
@click.argument("email")
@click.option(
    "--generate", type=click.Path(path_type=Path), metavar="FILE", help="Make a password up, into FILE (0600)."
)
def user_passwd(email: str, generate: Path | None) -> None:
    """Set a user's password. It ends their sessions and logins."""
    _with_password(email, generate, lambda password: _platform().accounts.set_password(email, password))
    click.echo(f"{email} has a new password.")


def _with_password(email: str, generate: Path | None, act: Callable[[str], object]) -> None:
    """Call `act` with a password that never was in an argv; a made-up one is kept only if `act` took it."""
    if generate is None:
        act(_asked_password())
        return
    if generate.exists():
        raise UserError(f"{generate} exists already.", "Name a file that does not.")
    password = secrets.token_urlsafe(18)
    act(password)
    write_password(generate, email, password)
    click.echo(f"The password is in {generate}.")


def _asked_password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    return sys.stdin.readline().rstrip("\r\n")


@portside_server.command("user:list")
def user_list() -> None:
    """List the users."""
    for user in _platform().accounts.users():
        click.echo(f"{user.email}{'  (admin)' if user.is_admin else ''}")


@portside_server.command("version")
def print_version() -> None:
    """Print the version."""
    click.echo(version("portside"))

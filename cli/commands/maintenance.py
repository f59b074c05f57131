"""Maintenance mode: visitors get a page while the app runs on."""

from __future__ import annotations

from pathlib import Path

import click

from cli.client import Json
from cli.commandline import app_options, command, json_option
from cli.errors import CliError
from cli.printing import as_json, data, progress
from cli.session import Session, pass_session


@command("maintenance", examples=["portside maintenance", "portside maintenance --json"])
@app_options
@json_option
@pass_session
def maintenance(session: Session) -> None:
    """Show whether an app is in maintenance."""
    target = session.target()
    is_on = bool(target.api.get(target.path())["maintenance"])
    if session.as_json:
        as_json({"maintenance": is_on})
    else:
        data("on" if is_on else "off")


@command("maintenance:on", examples=["portside maintenance:on", "portside maintenance:on --page back-soon.html"])
@click.option(
    "--page", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="HTML to show, about 8 KB at most."
)
@app_options
@json_option
@pass_session
def maintenance_on(session: Session, page: Path | None) -> None:
    """Show visitors a page in place of an app. Its processes run on."""
    asked: Json = {"maintenance": True} | ({} if page is None else {"maintenance_page": _read(page)})
    _change(session, asked)
    progress(f"{session.target().app} is in maintenance. Serve it again: portside maintenance:off")


@command("maintenance:off", examples=["portside maintenance:off"])
@app_options
@json_option
@pass_session
def maintenance_off(session: Session) -> None:
    """Serve an app again."""
    _change(session, {"maintenance": False})
    progress(f"{session.target().app} is served again.")


def _change(session: Session, asked: Json) -> None:
    target = session.target()
    app = target.api.patch(target.path(), asked)
    if session.as_json:
        as_json({"maintenance": bool(app["maintenance"])})


def _read(page: Path) -> str:
    try:
        return page.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f"The page {page} can't be read: {error}.", "Give a file with HTML in UTF-8.") from error


COMMANDS = (maintenance, maintenance_on, maintenance_off)

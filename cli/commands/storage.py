"""Storage: named volumes that outlive instances and releases."""

from __future__ import annotations

import sys
from dataclasses import asdict

import click

from cli.client import Json, segment
from cli.commandline import app_options, command, json_option
from cli.edge import goes_on_without_us
from cli.errors import CliError, OutcomeFailed
from cli.following import follow
from cli.printing import as_json, problem, progress, table
from cli.records import Volume, read
from cli.session import Session, Target, pass_session


@command("storage", examples=["portside storage", "portside storage --json"])
@app_options
@json_option
@pass_session
def storage(session: Session) -> None:
    """List the volumes of an app, where they are mounted, and what they hold."""
    target = session.target()
    answer = target.api.get(f"{_path(target)}?sizes=true")
    volumes = [read(Volume.of, each) for each in answer["volumes"]]
    if session.as_json:
        as_json([asdict(volume) for volume in volumes])
        return
    if not volumes:
        problem(f"{target.app} has no volumes.", "Mount one with `portside storage:mount NAME:/path`.")
        return
    rows = [(each.name, each.path or "not mounted", _types(each), size(each.size_bytes)) for each in volumes]
    table(("NAME", "PATH", "PROCESSES", "SIZE"), rows)
    for limit in answer.get("limits", ()):
        progress(limit)


@command(
    "storage:mount",
    examples=["portside storage:mount data:/data", "portside storage:mount data:/data --type web,release"],
)
@click.argument("volume", metavar="NAME:/PATH")
@click.option(
    "--type", "types", metavar="TYPES", help="Only in these process types, by commas; `release` is its phase."
)
@app_options
@json_option
@pass_session
def storage_mount(session: Session, volume: str, types: str | None) -> None:
    """Mount a volume at a path of the app's instances; it is made if there is none of that name.

    The instances are replaced by new ones that have it, as after `config:set`. If they do not start, it is not mounted.
    """
    name, path = parse_mount(volume)
    target = session.target()
    body: Json = {"name": name, "path": path}
    if types is not None:
        body["types"] = [kind.strip() for kind in types.split(",")]
    _await(target, target.api.post(_path(target), body), f"The mount of {name}")
    if session.as_json:
        as_json({"name": name, "path": path, "types": body.get("types", [])})
    progress(f"Mounted {name} at {path} on {target.app}.")


@command("storage:unmount", examples=["portside storage:unmount data"])
@click.argument("name")
@app_options
@pass_session
def storage_unmount(session: Session, name: str) -> None:
    """Replace the app's instances by new ones without a volume. Its data stays."""
    target = session.target()
    change = target.api.delete(f"{_path(target)}/{segment(name)}/mount")
    _await(target, change, f"The unmount of {name}")
    progress(f"Unmounted {name} from {target.app}. Its data stays.")


@command("storage:destroy", examples=["portside storage:destroy data --confirm data"])
@click.argument("name")
@click.option("--confirm", metavar="NAME", help="The volume's name once more, instead of being asked for it.")
@app_options
@pass_session
def storage_destroy(session: Session, name: str, confirm: str | None) -> None:
    """Delete a volume with all its data, once it is unmounted. There is no way back."""
    target = session.target()
    if confirm is None and sys.stdin.isatty():
        problem(f"This deletes the volume {name} of {target.app} with all its data. There is no way back.")
        confirm = click.prompt(f"To go on, type {name}", err=True)
    if confirm is None:
        raise CliError(
            f"Deleting {name} needs to be confirmed.", f"Run `portside storage:destroy {name} --confirm {name}`."
        )
    if confirm != name:
        raise CliError(f"{confirm} is not {name}: nothing was deleted.")
    target.api.delete(f"{_path(target)}/{segment(name)}")
    progress(f"Deleted {name} of {target.app} with its data.")


def parse_mount(text: str) -> tuple[str, str]:
    """`data:/data` as name and path. Raises click.UsageError."""
    name, colon, path = text.partition(":")
    if not (name and colon and path):
        raise click.UsageError(f"{text!r} is not a mount. Give NAME:/PATH, like data:/data.")
    return name, path


def size(size_bytes: int | None) -> str:
    """Bytes as people read them, in decimal units as disks are sold; empty when not known."""
    if size_bytes is None:
        return ""
    amount, unit = float(size_bytes), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    return f"{amount:.0f} {unit}" if unit == "B" or amount >= 100 else f"{amount:.1f} {unit}"


def _types(volume: Volume) -> str:
    return ", ".join(volume.types) if volume.types or volume.path is None else "all"


def _path(target: Target) -> str:
    return target.path("/storage")


def _await(target: Target, change: Json, what: str) -> None:
    """Show the change's output until it is decided. Raises OutcomeFailed."""
    path = target.path(f"/storage-changes/{segment(str(change.get('id')))}")
    with goes_on_without_us(what, f"portside storage -a {target.app}"):
        final = follow(target.api, path, change)
    if final.get("status") != "succeeded":
        reason = final.get("reason") or "see above"
        raise OutcomeFailed(
            f"{what} failed: {reason}\n{target.app} runs on as it was.", f"See `portside logs -a {target.app}`."
        )


COMMANDS = (storage, storage_mount, storage_unmount, storage_destroy)

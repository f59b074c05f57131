"""What may be mounted where, and the records of it.

A mount is a wish of the app like its quantities: no part of a release. The engine's volume is named after the app's id,
so a name that is used again, for an app or after a rename, finds nothing of another's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from core.errors import Conflict, UserError
from core.ids import AppId
from scheduler.tables import VolumeRow
from scheduler.types import RELEASE_PHASE, Mount

LIMITS = (
    "A volume lives on one host: it is not replicated, and does not follow when the app moves to another.",
    "Portside does not back it up, and sets no limit to its size.",
    "It is no part of a release: a rollback does not undo what was written.",
    "During a deploy the old and the new instances have it mounted at the same time.",
    "It is there in instances and in the release phase, not in builds.",
)
KEPT = "The data of {name} stays. To delete it: portside storage:destroy {name}"
MOST_VOLUMES = 20
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_PATH = re.compile(r"/[A-Za-z0-9._@+/-]{1,199}")
_TYPE = re.compile(r"[A-Za-z0-9_-]{1,60}")
_EXAMPLE = "Example: portside storage:mount data:/data"
# Hidden by a volume, no app could start; and the kernel or the engine puts its own files into some of them.
_CLOSED = ("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/run", "/sbin", "/sys")
_CLOSED_TOO = ("/tmp", "/usr/bin", "/usr/lib", "/usr/sbin", "/var/run", "/var/tmp")  # noqa: S108
# A folder beneath these is fine; the whole of it would hide the app's code or what the image has installed.
_WHOLE = ("/app", "/home", "/opt", "/root", "/usr", "/usr/local", "/var", "/var/lib")


def volume_name(app_id: AppId, name: str) -> str:
    """The engine's name of an app's volume."""
    return f"portside-{app_id}-{name}"


def check_name(name: str) -> None:
    """Raise UserError for what no volume can be called, with the reason where it is a path of the host."""
    if "/" in name or name.startswith((".", "~")):
        raise UserError(
            f"{name} is a path of the host; only named volumes can be mounted. With a path of the host, an app could "
            "read and change what belongs to the server or to other apps.",
            "Give the volume a name, and Portside keeps it: portside storage:mount data:/data",
        )
    if not _NAME.fullmatch(name):
        raise UserError(f"{name!r} can't be a volume's name: up to 40 of a-z, 0-9 and dashes, no dash first.", _EXAMPLE)


def check_path(path: str) -> None:
    """Raise UserError for where nothing can be mounted."""
    if not path.startswith("/"):
        raise UserError(f"{path!r} is not an absolute path, one that begins with a slash.", _EXAMPLE)
    if ":" in path:
        raise UserError(f"{path!r} has options behind a colon; a mount has none.", _EXAMPLE)
    if path == "/":
        raise UserError("Nothing can be mounted at /: it would hide the whole image.", _EXAMPLE)
    parts = path.split("/")[1:]
    if not _PATH.fullmatch(path) or any(part in ("", ".", "..") for part in parts):
        found = f"{path!r} is not a plain path: up to 200 of letters, digits and . _ @ + - between single slashes"
        raise UserError(f"{found}, no slash last.", _EXAMPLE)
    for closed in (*_CLOSED, *_CLOSED_TOO):
        if path == closed or _is_within(path, closed):
            raise UserError(f"Nothing can be mounted at {path}: {closed} belongs to the system.", _EXAMPLE)
    if path in _WHOLE:
        hidden = f"Nothing can be mounted at {path} itself: it would hide what the image has there."
        raise UserError(hidden, f"Take a folder of its own: portside storage:mount data:{path}/data")


def check_types(types: Iterable[str], known: Collection[str]) -> None:
    """Raise UserError for a process type that the live release does not have; `known` is empty before the first."""
    for kind in types:
        if not _TYPE.fullmatch(kind):
            raise UserError(f"{kind!r} can't be a process type.", f"{_EXAMPLE} --type web,worker")
        if known and kind not in (*known, RELEASE_PHASE):
            there = ", ".join(sorted(known))
            raise UserError(f"There is no process type {kind!r}; this release has: {there}.", "See: portside ps:scale")


def check_beside(mount: Mount, rows: Iterable[VolumeRow]) -> None:
    """Raise Conflict when `mount` can't be made beside what is mounted."""
    others = list(rows)
    if len(others) >= MOST_VOLUMES and all(row.name != mount.name for row in others):
        raise Conflict(f"An app has at most {MOST_VOLUMES} volumes.", "See them: portside storage")
    for row in others:
        if row.path is None:
            continue
        if row.name == mount.name:
            message = f"{row.name} is mounted at {row.path} already."
            raise Conflict(message, f"To mount it elsewhere, first: portside storage:unmount {row.name}")
        if row.path == mount.path:
            raise Conflict(f"{row.name} is mounted at {row.path} already.", "Take another path.")
        if _is_within(row.path, mount.path) or _is_within(mount.path, row.path):
            message = f"{mount.path} and {row.path}, where {row.name} is mounted, lie one within the other."
            raise Conflict(message, "Take a path beside it.")


def volume_rows(session: Session, app_id: AppId) -> list[VolumeRow]:
    """The volumes of an app by name, mounted or not."""
    return list(session.scalars(select(VolumeRow).where(VolumeRow.app_id == app_id).order_by(VolumeRow.name)))


def mounts_of(session: Session, app_id: AppId) -> tuple[Mount, ...]:
    """What is mounted in the app's instances."""
    rows = volume_rows(session, app_id)
    return tuple(Mount(row.name, row.path, types_of(row)) for row in rows if row.path is not None)


def types_of(row: VolumeRow) -> tuple[str, ...]:
    return tuple(row.types.split(",")) if row.types else ()


def _is_within(path: str, folder: str) -> bool:
    return path.startswith(f"{folder}/")

"""The systemd unit that brings the platform back after a reboot."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path

from core import process
from core.errors import UserError
from server import engine, machine
from server.configuration import render
from server.progress import Progress
from server.site import Site

UNIT = Path("/etc/systemd/system/portside.service")
SECRET_SETTINGS = frozenset({"PORTSIDE_DATABASE_URL"})


def unit_text(site: Site, user: str) -> str:
    """The unit for `site`, run as `user`. Settings that may hold a password belong into portside.toml, not here:
    anyone may read a unit."""
    bare = sorted(name for name in SECRET_SETTINGS if name in site.environ)
    if bare:
        raise UserError(
            f"{bare[0]} is set in the environment; a systemd unit is no place for it.",
            f"Write it into {site.home}/portside.toml (mode 0600): database_url = …",
        )
    program = Path(sys.executable).parent / "portside-server"
    environment = [_assignment(name, value) for name, value in sorted(site.environ.items()) if name != "HOME"]
    return render(
        "portside.service.j2",
        folder=Path(__file__).parent.parent,
        user=user,
        environment=environment,
        program=program,
        home=site.home,
    )


def _assignment(name: str, value: str) -> str:
    """One `Environment=` value as systemd.exec(5) quotes it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{name}={escaped}"'


def install(site: Site, progress: Progress) -> None:
    """Write the unit and enable it when systemd runs this machine; else show what would be written."""
    text = unit_text(site, getpass.getuser())
    if not machine.has_systemd():
        progress.line(f"systemd does not run this machine, so nothing was changed. {UNIT} would be:\n\n{text}")
        return
    engine.require_root("Installing a systemd unit")
    UNIT.write_text(text)
    process.run(["systemctl", "daemon-reload"])
    process.run(["systemctl", "enable", UNIT.name])
    progress.line(
        f"{UNIT} is written and enabled: after a reboot everything returns. Start it now: systemctl start portside"
    )

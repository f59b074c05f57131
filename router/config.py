"""HAProxy's files: its configuration, its maps and the pages it answers with itself, rendered from the route table.

The whole set is rendered into a folder beside the real one, checked there by `haproxy -c`, and only then put in place.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from core import process
from router import codes, counts, logins, options, pages, paths
from router.access_log import FORMAT
from router.front_control import VERSION_VARIABLE
from router.front_plan import CERTIFICATE_LIST, CERTIFICATES, DEFAULT_CERTIFICATE, FrontMap, Mark, map_lines
from router.maintenance import STANDARD_PAGE
from router.pipe import FD_VARIABLE, LINE_BYTES
from router.plan import MapName, RouteTable, Server
from router.settings import RouterSettings
from router.tables import slot_name

CONFIG_FILE = "haproxy.cfg"
HOLD_PROGRAM = "hold.lua"
HOLD_LOOK_MS = 50
CLIENTS_TABLE, RUNNING_TABLE = "gate_clients", "gate_running"
WRONG_PASSWORDS = 20  # from one address to one app, in a minute
# A connection check every 60 s: servers cost what they are asked, and there may be ten thousand. As soon as a request
# can't connect, the next check is due within 0.5 s. Idle connections are kept for 1 s only, less than any common
# server's own keep-alive, so that no request meets one that the app is just closing.
SERVER_OPTIONS = (
    "check inter 60s fastinter 500ms downinter 1s fall 2 rise 1"
    " observe layer4 error-limit 1 on-error fastinter pool-purge-delay 1s"
)


def server_options(server: Server) -> str:
    """What stands behind a server's address, in the configuration and in the command that adds it."""
    return f"{SERVER_OPTIONS} proto h2" if server.h2c else SERVER_OPTIONS


@dataclass(frozen=True)
class Machine:
    """What the configuration takes from the machine: the user that workers run as, limits, the control socket."""

    worker_socket: Path
    file_limit: int
    maxconn: int
    user: str | None


def version(settings: RouterSettings) -> str:
    """Changes with everything in the files that does not come from the records or the machine: a HAProxy that runs
    with another version needs a reload."""
    files = render(RouteTable(), 0, settings, Machine(Path("/"), 0, 0, None))
    return hashlib.sha256("\0".join(files.values()).encode()).hexdigest()[:16]


def render(
    table: RouteTable, slot_count: int, settings: RouterSettings, machine: Machine, config_version: str = "none"
) -> dict[str, str]:
    """Every file by its name. `slot_count` slots, those in `table` with their servers. Pure."""
    environment = _environment()
    names = [slot_name(number) for number in range(slot_count)]
    config = environment.get_template("haproxy.cfg.j2").render(
        settings=settings,
        maxconn=machine.maxconn,
        file_limit=machine.file_limit,
        user=machine.user,
        worker_socket=machine.worker_socket,
        version_variable=VERSION_VARIABLE,
        config_version=config_version,
        access_log_variable=FD_VARIABLE,
        access_log_bytes=LINE_BYTES,
        access_log_format=FORMAT,
        maps=FrontMap,
        marks=Mark,
        nobodys=paths.NOBODYS,
        tls=(DEFAULT_CERTIFICATE, CERTIFICATE_LIST),
        hosts_map=MapName.HOSTS.value,
        targets_map=MapName.TARGETS.value,
        holds_map=MapName.HOLDS.value,
        hold_program=HOLD_PROGRAM,
        held_over=pages.HELD_OVER.file,
        counted_map=MapName.COUNTED.value,
        counts_table=counts.TABLE,
        counted_steps=counts.steps(),
        counters=counts.COUNTERS,
        maintenance=pages.MAINTENANCE.file,
        maintenance_code=codes.MAINTENANCE.name,
        standard_page=STANDARD_PAGE,
        pages=pages,
        clients_table=CLIENTS_TABLE,
        running_table=RUNNING_TABLE,
        wrong_passwords=WRONG_PASSWORDS,
        options=options,
        unknown_login=logins.UNKNOWN,
        unknown_host=pages.UNKNOWN_HOST.file,
        no_backends=pages.NO_BACKENDS.file,
        failures=[(page.status.value, page.file) for page in pages.FAILURES],
        server_options=server_options,
        slots=[(name, sorted(table.slots.get(name, {}).values(), key=lambda server: server.name)) for name in names],
    )
    answers = {page.file: pages.response(environment, page) for page in pages.ALL}
    hold = environment.get_template("hold.lua.j2").render(
        holds_map=MapName.HOLDS.value, most=settings.hold_requests, look_ms=HOLD_LOOK_MS
    )
    return {**_maps(table), **answers, HOLD_PROGRAM: hold, CONFIG_FILE: config}


def _maps(table: RouteTable) -> dict[str, str]:
    return {
        MapName.HOSTS.value: map_lines(table.hosts),
        MapName.TARGETS.value: map_lines(table.targets),
        MapName.HOLDS.value: map_lines(table.holds),
        MapName.COUNTED.value: map_lines(table.counted),
    }


def install(files: Mapping[str, str], folder: Path, haproxy: str) -> Path:
    """Check the files and put them into `folder`, each atomically, the configuration last; gives its path.

    Raises core.process.CommandFailed, and leaves the old files, when HAProxy finds a fault in them.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".next-", dir=folder))
    try:
        for place in (staging, folder):
            (place / CERTIFICATES).mkdir(mode=0o700, exist_ok=True)
        for name, text in files.items():
            (staging / name).touch(mode=0o600)
            (staging / name).write_text(text, newline="")
        process.run([haproxy, "-c", "-q", "-f", str(staging / CONFIG_FILE)], timeout_s=60)
        for name in sorted(files, key=lambda name: name == CONFIG_FILE):
            os.replace(staging / name, folder / name)
        for stale in (folder / CERTIFICATES).iterdir():
            if f"{CERTIFICATES}/{stale.name}" not in files:
                stale.unlink()
    finally:
        shutil.rmtree(staging)
    return folder / CONFIG_FILE


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("router"),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=select_autoescape(["html.j2"]),
    )
    environment.filters["ms"] = lambda seconds: f"{round(seconds * 1000)}ms"
    environment.filters["quoted"] = _quoted
    return environment


def _quoted(value: object) -> str:
    """A word in single quotes, in which HAProxy takes every character as it is."""
    text = str(value)
    if "'" in text or "\n" in text:
        raise ValueError(f"can't be named in HAProxy's configuration: {text!r}")
    return f"'{text}'"

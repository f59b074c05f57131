"""One platform's place on the machine: its home, its addresses and its environment, as plain values."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from builder import BuilderSettings
from core import platform as core_platform
from core.errors import UserError
from core.settings import Source, read
from gitreceiver import ReceiverSettings
from router import RouterSettings
from scheduler import SchedulerSettings
from server.ports import Port
from web import WebSettings

LONGEST_HOME = 80  # a Unix socket's path has room for 107 bytes (unix(7)), and ours stand two levels below the home
ROOTS_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")  # haproxy is in one; not everyone's PATH has them
OF_THE_CLIENT = ("PORTSIDE_URL", "PORTSIDE_TOKEN")
CODE = Path(__file__).parent.parent
PACKAGES = ("core", "accounts", "router", "scheduler", "releases", "builder", "gitreceiver", "web", "server")
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "DOCKER_HOST", "SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True)
class Site:
    """Where a platform lives and listens. `environ` is what its parts are given, and nothing more."""

    home: Path
    domain: str
    scheduler: SchedulerSettings
    api: Port
    gateway: Port
    runs: Port
    registry: Port | None  # None: the images are kept in a registry elsewhere
    router: Port
    router_tls: Port  # number 0: none
    router_more: tuple[Port, ...]  # at further addresses
    routers: int  # how many HAProxies share them
    api_threads: int
    environ: Mapping[str, str]
    changes_with: str  # other settings, another text
    code: str  # other code, another digest

    @property
    def run(self) -> Path:
        """Sockets, pid records and rendered configuration."""
        return self.home / "run"

    @property
    def log(self) -> Path:
        return self.home / "log"

    @property
    def supervisor_socket(self) -> Path:
        return self.run / "supervisor.sock"

    @property
    def environment_file(self) -> Path:
        """Where the parts find their environment: 0600, for it may hold a database's password."""
        return self.run / "environment.json"

    @property
    def environment_text(self) -> str:
        return json.dumps(dict(self.environ), sort_keys=True, indent=1)

    def record(self, part: str) -> Path:
        """The file that holds which process a part is."""
        return self.run / f"{part}.process"

    @property
    def ports(self) -> tuple[Port, ...]:
        return tuple(port for port in (self.registry, *self.router_ports, self.api, self.gateway, self.runs) if port)

    @property
    def router_ports(self) -> tuple[Port, ...]:
        """Where people reach apps: plainly, and over TLS where the settings want that."""
        return tuple(port for port in (self.router, self.router_tls, *self.router_more) if port.number)

    @property
    def api_url(self) -> str:
        host = "127.0.0.1" if self.api.host in ("0.0.0.0", "", "localhost") else self.api.host  # noqa: S104
        return f"http://{host}:{self.api.number}"


def read_site(environ: Mapping[str, str]) -> Site:
    """The site that an environment and the home's portside.toml describe; raises UserError for a wrong setting."""
    settings, source = core_platform.load(environ)
    if len(str(settings.home)) > LONGEST_HOME:
        raise UserError(
            f"PORTSIDE_HOME is {len(str(settings.home))} characters long; sockets in it allow {LONGEST_HOME}.",
            "Choose a shorter path, such as PORTSIDE_HOME=/srv/portside",
        )
    web, receiver = read(WebSettings, "web", source), read(ReceiverSettings, "receiver", source)
    router, builder = read(RouterSettings, "router", source), read(BuilderSettings, "builder", source)
    scheduler = read(SchedulerSettings, "scheduler", source)
    plain = Port("router", router.addresses[0], router.http_port, "PORTSIDE_ROUTER_HTTP_PORT")
    tls = Port("router", router.addresses[0], router.https_port, "PORTSIDE_ROUTER_HTTPS_PORT")
    return Site(
        home=settings.home,
        domain=settings.domain,
        scheduler=scheduler,
        api=Port("api", web.bind, web.port, "PORTSIDE_WEB_PORT"),
        gateway=Port("gateway", receiver.ssh_host, receiver.ssh_port, "PORTSIDE_RECEIVER_SSH_PORT"),
        runs=Port("gateway", scheduler.run_host, scheduler.run_port, "PORTSIDE_SCHEDULER_RUN_PORT"),
        registry=registry_port(builder.registry_url),
        router=plain,
        router_tls=tls,
        router_more=tuple(replace(port, host=host) for host in router.addresses[1:] for port in (plain, tls)),
        routers=router.instances,
        api_threads=web.threads,
        environ=_passed_on(source.environ),
        changes_with=_changes_with(source),
        code=_code(),
    )


def registry_port(address: str) -> Port | None:
    """Where our own registry is to listen: `address` when it is `127.0.0.1:PORT`; None when it is somebody else's."""
    host, _, number = address.removeprefix("http://").rstrip("/").rpartition(":")
    if host not in ("127.0.0.1", "localhost") or not number.isdigit():
        return None
    return Port("registry", "127.0.0.1", int(number), "PORTSIDE_BUILDER_REGISTRY_URL", "127.0.0.1:{}")


def _passed_on(environ: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in environ.items() if name in PASSED_ON or _is_setting(name)}
    folders = [*kept.get("PATH", os.defpath).split(os.pathsep), *ROOTS_FOLDERS]
    return {**kept, "PATH": os.pathsep.join(dict.fromkeys(folders))}


def _is_setting(name: str) -> bool:
    return name.startswith("PORTSIDE_") and name not in OF_THE_CLIENT


def _changes_with(source: Source) -> str:
    """The settings that our parts were started with."""
    settings = {name: value for name, value in source.environ.items() if _is_setting(name)}
    return json.dumps([sorted(settings.items()), source.file], default=str)


def _code() -> str:
    """A digest of the code that is installed: of which files there are and when they were written."""
    ours = (path for package in PACKAGES for path in (CODE / package).rglob("*.py"))
    files = [(str(path), path.stat().st_mtime_ns) for path in sorted(ours)]
    return sha256(repr((sys.version, files)).encode()).hexdigest()

"""What is well and what is not, part by part, and how to mend each."""

from __future__ import annotations

import resource
import shutil
import socket
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import docker
import httpx
from docker.errors import DockerException
from requests.exceptions import RequestException
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from builder import BuilderSettings, why_builds_are_unlimited
from core import clock
from core.edge import contained
from core.errors import Unavailable, UserError
from core.settings import Source, read
from server import certificate_check, lifecycle, machine
from server.platform import compose
from server.ports import near
from server.site import Site
from server.worker_files import heartbeat_file

FREE_BYTES = 2 * 1024**3
FEWEST_FILES = 4096
OLDEST_HEARTBEAT_S = 30.0


@dataclass(frozen=True)
class Check:
    """One question: what it is about, whether all is well, what was found, and how to mend it."""

    name: str
    is_well: bool
    found: str
    mend: str = ""


def examine(site: Site) -> list[Check]:
    """Ask every question; one that itself fails counts as not well."""
    checks = [check for question in _QUESTIONS for check in _ask(question, site)]
    return [*checks, *_parts(site)]


def _ask(question: Callable[[Site], Check], site: Site) -> list[Check]:
    with contained(f"doctor: {question.__name__}"):
        return [question(site)]
    return [Check(question.__name__.strip("_"), False, "could not be examined", "Look at the error above.")]


def _programs(_site: Site) -> Check:
    gaps = machine.missing(machine.NEEDED)
    if gaps:
        error = machine.lacking(gaps)
        return Check("programs", False, error.message, error.hint)
    return Check("programs", True, ", ".join(program.command for program in machine.NEEDED))


def _engine(site: Site) -> Check:
    version = machine.engine_version(site.environ)
    found = f"Docker {version}" if version else "no engine answers"
    return Check("engine", version is not None, found, machine.how_to_start_engine())


def _limits(site: Site) -> Check:
    info = _engine_info(site)
    if not info:
        return Check("limits", False, "the engine could not be asked", "Mend the engine first.")
    lacking = [word for word in ("MemoryLimit", "CpuCfsQuota", "PidsLimit") if not info.get(word)]
    mend = (
        "Enable these cgroup controllers (on Debian 11 and older: cgroup_enable=memory on the kernel's command line)."
    )
    found = f"not to be had: {', '.join(lacking)}" if lacking else f"cgroup v{info.get('CgroupVersion', '1')}"
    return Check("limits", not lacking, found, mend)


def _build_limits(site: Site) -> Check:
    reason = why_builds_are_unlimited()
    memory_mb = read(BuilderSettings, "builder", Source.of(site.environ, site.home)).limits.memory_mb
    found = f"builds run without a memory limit: {reason}" if reason else f"{memory_mb} MB for a step of a build"
    return Check("builds", not reason, found, "Run Portside as root, with the memory controller of cgroups enabled.")


def _subnet(site: Site) -> Check:
    """Another Docker network or a local address inside ours would get our packets."""
    ours = ip_network(site.scheduler.subnet)
    clashes = [
        f"{network['Name']} {pool['Subnet']}"
        for network in _networks(site)
        for pool in (network["IPAM"]["Config"] or [])
        if network["Name"] != site.scheduler.network and pool.get("Subnet") and ":" not in pool["Subnet"]
        if ip_network(pool["Subnet"]).overlaps(ours)
    ]
    found = f"{ours} clashes with {', '.join(clashes)}" if clashes else str(ours)
    return Check("subnet", not clashes, found, "Set PORTSIDE_SCHEDULER_SUBNET to a free one, such as 10.187.0.0/16")


def _disk(site: Site) -> Check:
    """Both disks that a push lands on: the home's, and the one where the engine keeps images and caches."""
    engine = Path(_engine_info(site).get("DockerRootDir") or site.home)
    free = {path: shutil.disk_usage(path).free for path in dict.fromkeys((site.home, engine)) if path.is_dir()}
    mend = "portside-server gc   (frees what no release and no build needs)"
    found = ", ".join(f"{free_bytes / 1024**3:.1f} GB free in {path}" for path, free_bytes in free.items())
    return Check("disk", min(free.values()) >= FREE_BYTES, found, mend)


def _clock(_site: Site) -> Check:
    """SQLite, leases and logs take the machine's clock as it is; it only must not stand far off."""
    year = time.gmtime().tm_year
    return Check("clock", year >= 2025, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "timedatectl set-ntp true")


def _files(_site: Site) -> Check:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    enough = hard == resource.RLIM_INFINITY or hard >= FEWEST_FILES
    return Check("open files", enough, f"limit {hard}", "ulimit -n 20000, or LimitNOFILE=20000 in the systemd unit")


def _key(site: Site) -> Check:
    path = site.home / "secret.key"
    if not path.exists():
        return Check("key file", True, "not made yet: it is made with the first config value")
    mode = stat.S_IMODE(path.stat().st_mode)
    return Check("key file", mode & 0o077 == 0, f"{path} has mode {mode:o}", f"chmod 600 {path}")


def _domain(site: Site) -> Check:
    name = f"test.{site.domain}"
    try:
        address = socket.gethostbyname(name)
    except OSError:
        if site.domain == "localhost":
            return Check("domain", True, f"{name}: browsers, curl and git resolve it themselves (RFC 6761)")
        return Check("domain", False, f"{name} does not resolve", f"Add a DNS record: *.{site.domain} A YOUR_ADDRESS")
    return Check("domain", True, f"{name} is {address}")


def _router(site: Site) -> Check:
    """The router answers for a host that nobody has: with its own 404 page."""
    host = near(site.router.host)
    url = f"http://{f'[{host}]' if ':' in host else host}:{site.router.number}/"
    try:
        code = httpx.get(url, headers={"Host": f"no-such-app.{site.domain}"}, timeout=3, trust_env=False).status_code
    except httpx.HTTPError as error:
        return Check("routing", False, f"{url}: {error}", "portside-server up")
    return Check("routing", code == 404, f"an unknown host gets {code}", f"Look at {site.log}/router.log")


def records(site: Site) -> Check:
    """Whether the database answers; if it is PostgreSQL, which one it is. Never its address, which has a password."""
    mend = "Mend what it says. PORTSIDE_DATABASE_URL has the address."
    try:
        database = compose(site.environ).database
        if not database.exists():
            return Check("records", True, "nothing is recorded yet")
        with database.read() as session:
            if database.engine.url.get_backend_name() == "sqlite":
                return Check("records", True, f"SQLite {session.scalar(text('SELECT sqlite_version()'))}")
            version, name, used, most = session.execute(text(_POSTGRES)).one()
            return Check("records", True, f"PostgreSQL {version}, database {name}: {used} of {most} connections in use")
    except Unavailable as error:
        return Check("records", False, " ".join(str(error.__cause__ or error.message).split()), mend)
    except UserError as error:
        return Check("records", False, error.message, error.hint)


_POSTGRES = (
    "SELECT split_part(current_setting('server_version'), ' ', 1), current_database(), "
    "(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), current_setting('max_connections')"
)


def certificates(site: Site) -> Check:
    """Of the hosts that get theirs by themselves, and of those that people brought one for."""
    platform = compose(site.environ)
    if not platform.database.exists():
        return Check("tls", True, "nothing is recorded yet")
    try:
        automatic, own = platform.router.automatic.hosts(), platform.router.certificates.own_expiries()
    except DBAPIError as error:
        return Check("tls", False, f"the records can't be read: {error.orig}", "portside-server up")
    except Unavailable:
        return Check("tls", False, "the records can't be reached", "Mend that first.")
    found = certificate_check.troubles(automatic, own, clock.now())
    mend = "portside certs:auto -a APP   (the reasons; refresh tries now), certs:update for one of your own"
    return Check("tls", not found, certificate_check.told(found, len(automatic), len(own)), mend)


def routes(site: Site) -> Check:
    """What the router was told and would not do, when everything was looked at last."""
    platform = compose(site.environ)
    refused = platform.router.agreement.refused()
    names: dict[str, str] = {}
    if refused:
        with contained("doctor: names of apps"):
            names = {app.id: app.name for app in platform.releases.apps()}
    found = [f"{names.get(whose, whose)}: {words}" for whose, words in sorted(refused.items())]
    mend = f"It is tried again every few seconds. If it stays so: look at {site.log}/router.log"
    return Check("routes", not found, " ".join(found) or "the router serves what the records say", mend)


def _heartbeat(site: Site) -> Check:
    try:
        age_s = time.time() - heartbeat_file(site.run).stat().st_mtime
    except FileNotFoundError:
        return Check("sweep", False, "no worker has been here yet", "portside-server up")
    found = f"the last one was {age_s:.0f} s ago"
    return Check(
        "sweep", age_s <= OLDEST_HEARTBEAT_S, found, f"Look at {site.log}/worker.log, then: portside-server up"
    )


def _parts(site: Site) -> list[Check]:
    return [
        Check(
            part.name,
            part.is_well,
            f"{part.state} {part.detail}".strip(),
            f"portside-server up   (log: {site.log}/{part.name}.log)",
        )
        for part in lifecycle.status(site)
    ]


def _engine_info(site: Site) -> dict[str, Any]:
    return _asked(site, lambda client: client.info()) or {}


def _networks(site: Site) -> list[dict[str, Any]]:
    return _asked(site, lambda client: client.api.networks()) or []


def _asked(site: Site, question: Callable[[Any], Any]) -> Any:
    try:
        client = docker.from_env(environment=dict(site.environ), timeout=5)
        try:
            return question(client)
        finally:
            client.close()
    except (DockerException, RequestException, OSError):
        return None


_QUESTIONS: tuple[Callable[[Site], Check], ...] = (
    _programs,
    _engine,
    _limits,
    _build_limits,
    _subnet,
    _disk,
    _clock,
    _files,
    _key,
    _domain,
    _router,
    records,
    routes,
    certificates,
    _heartbeat,
)

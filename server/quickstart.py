"""From a bare machine to a sample app that answers: what `make quickstart` runs once Python is there."""

from __future__ import annotations

import ipaddress
import os
import pwd
import shutil
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from accounts import Identity
from builder import Builder
from core import process
from core.errors import NotFound, UserError
from server import base_image, engine, lifecycle, machine
from server.first_user import FILE, ensure_first_user
from server.platform import Platform, compose
from server.progress import Progress
from server.site import Site

SAMPLE = "hello"
PUSH_S = 1800.0
BACK_S = 60.0  # an instance of an app that was live
COMMAND = Path(sys.executable).parent / "portside"
EXAMPLE = Path(__file__).parent.parent / "examples" / "python-flask"


def quickstart(site: Site, progress: Progress) -> None:
    """Every step looks first and does nothing that is done; the last line printed is the sample app's URL."""
    prepare(site, progress)
    lifecycle.up(site, progress)
    platform = compose(site.environ)
    user = ensure_first_user(platform.accounts, site.home)
    with progress.step("Preparing the language images"):
        platform.builder.prepare_stacks(progress.detail)
    log_in(platform, site, user, progress)
    url = ensure_sample(platform, site, progress)
    for line in closing_words(site, user, url):
        progress.line(line)


def prepare(site: Site, progress: Progress, for_tests: bool = False) -> None:
    """Programs, an engine and the base image: everything beneath a platform."""
    machine.install_missing((*machine.NEEDED, *(machine.FOR_TESTS if for_tests else ())), progress)
    engine.ensure_engine(site.environ, site.log, progress)
    base_image.ensure_base_image(site.environ, progress)


def prepare_every_stack(site: Site, progress: Progress, frozen_mirror: bool = False) -> None:
    """The base images of the stacks that are not the default; their language images are made when first needed."""
    for stack in Builder.STACKS[1:]:
        base_image.ensure_base_image(site.environ, progress, base_image.Base(stack.name, stack.suite, frozen_mirror))


def add_stack(builder: Builder, site: Site, name: str, progress: Progress, frozen_mirror: bool = False) -> None:
    """The base image of a stack and what stands on it; UserError for a stack that there is not."""
    stack = builder.stack(name)
    base_image.ensure_base_image(site.environ, progress, base_image.Base(stack.name, stack.suite, frozen_mirror))
    with progress.step(f"Preparing the language images of {name}"):
        builder.prepare_stacks(progress.detail, name)


def log_in(platform: Platform, site: Site, user: Identity, progress: Progress) -> None:
    """Log the `portside` command in: for whoever runs this, and through sudo for whoever called sudo too."""
    for prefix, environ in _people():
        known = process.run(
            [*prefix, str(COMMAND), "whoami"], env={**environ, "PORTSIDE_URL": site.api_url}, check=False
        )
        if known.code == 0:
            continue
        _, token = platform.accounts.issue_token(user.user_id, f"set-up on {socket.gethostname()}")
        argv = [*prefix, str(COMMAND), "login", site.api_url, "--token"]
        process.run(argv, stdin=f"{token}\n".encode(), env=environ)
        progress.detail(f"the portside command is logged in as {user.email}")


def _people() -> list[tuple[list[str], dict[str, str]]]:
    """Argv prefixes and environments of the users to log in."""
    people: list[tuple[list[str], dict[str, str]]] = [([], {})]
    name = os.environ.get("SUDO_USER", "root")
    if os.geteuid() == 0 and name != "root":
        people.append((["runuser", "-u", name, "--"], {"HOME": pwd.getpwnam(name).pw_dir}))
    return people


def ensure_sample(platform: Platform, site: Site, progress: Progress) -> str:
    """The URL of the sample app; it is pushed with git unless it is live."""
    folder = site.home / SAMPLE
    try:
        app = platform.releases.app(SAMPLE)
    except NotFound:
        app = None
    if app is None or platform.scheduler.current(app.id) is None:
        with progress.step(f"Pushing the sample app {SAMPLE} with git"):
            _make_repository(folder)
            connect = ["git:remote", "--app", SAMPLE] if app else ["create", SAMPLE]
            process.run([str(COMMAND), *connect], cwd=str(folder), env={"PORTSIDE_URL": site.api_url})
            _push(folder, progress)
    url = platform.router.url(platform.releases.app(SAMPLE).id)
    answered = first_good(lambda: _status_of(site, url))
    if answered != 200:
        raise UserError(f"{url} answers with {answered}.", f"See why: {COMMAND} logs --app {SAMPLE}")
    return url


def _make_repository(folder: Path) -> None:
    """The sample as a git repository of its own, for its owner to change and push again."""
    if not folder.exists():
        shutil.copytree(EXAMPLE, folder)
    if not (folder / ".git").exists():
        _git(folder, "init", "--quiet", "--initial-branch=main")
    _git(folder, "add", "--all")
    if process.run(["git", "diff", "--cached", "--quiet"], cwd=str(folder), check=False).code != 0:
        author = ["-c", "user.name=Portside", "-c", "user.email=portside@localhost"]
        _git(folder, *author, "commit", "--quiet", "--message=The sample app")


def _git(folder: Path, *arguments: str) -> None:
    process.run(["git", *arguments], cwd=str(folder))


def _push(folder: Path, progress: Progress) -> None:
    code = process.stream(
        ["git", "push", "portside", "main"],
        on_line=lambda line: progress.detail(line.removeprefix("remote: ").rstrip()),
        cwd=str(folder),
        env={"GIT_TERMINAL_PROMPT": "0"},
        deadline_s=PUSH_S,
    )
    if code != 0:
        raise UserError(f"git push ended with exit code {code}.", f"Try again: cd {folder} && git push portside main")


def first_good(ask: Callable[[], int], within_s: float = BACK_S) -> int:
    """Ask until the answer is 200, or the last answer: after a reboot, instances are only starting when we come."""
    end = time.monotonic() + within_s
    while (answered := ask()) != 200 and time.monotonic() < end:
        time.sleep(0.2)
    return answered


def _status_of(site: Site, url: str) -> int:
    """The answer to a GET through the router; we name the host ourselves, for libc resolves no `*.localhost`."""
    address = f"http://127.0.0.1:{site.router.number}/"
    host = httpx.URL(url).netloc.decode()
    try:
        return httpx.get(address, headers={"Host": host}, timeout=30, trust_env=False).status_code
    except httpx.HTTPError:
        return 0


def closing_words(site: Site, user: Identity, url: str) -> list[str]:
    """What to try next; the URL is the last line."""
    password = site.home / FILE
    secret = f", password in {password}" if password.exists() else ""
    dashboard = f"http://localhost:{site.api.number}/"
    folder = site.home / SAMPLE
    return [
        "",
        "Portside is up.",
        f"  Dashboard    {dashboard}",
        f"  Sign in as   {user.email}{secret}",
        f"  Change it    cd {folder}, edit app.py, git commit -a, git push portside main",
        f"  Undo it      {COMMAND} rollback -a {SAMPLE}",
        f"  Look around  {COMMAND} releases -a {SAMPLE};  {COMMAND} logs -t -a {SAMPLE};  {COMMAND} help",
        f"  Your own     cd YOUR-APP, {COMMAND} create NAME, git push portside main",
        *domain_advice(site.domain, public_address()),
        "",
        url,
    ]


def domain_advice(domain: str, address: str | None) -> list[str]:
    """How to be reached from elsewhere, when this machine has a public address and no domain yet."""
    if domain != "localhost" or address is None:
        return []
    name = f"{address.replace('.', '-').replace(':', '-')}.sslip.io"
    return [
        f"  From outside this machine's address {address} is public. Point a wildcard DNS record *.apps.example.com",
        f"               at it, or use a ready-made name: PORTSIDE_DOMAIN={name} portside-server up",
    ]


def public_address() -> str | None:
    """This machine's address towards the internet, if it is a public one. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # a UDP connect only looks up the route (RFC 5737 test address)
        except OSError:
            return None
        address = str(probe.getsockname()[0])
    return address if ipaddress.ip_address(address).is_global else None

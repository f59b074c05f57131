"""A whole platform for tests: started as people start it, with ports, a home, a network and a label of its own.

Its name holds which test process it belongs to, so that a later run can tell the leftovers of a dead one from a
platform that another run is using.
"""

from __future__ import annotations

import itertools
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import docker
import httpx

from server import procfs
from tests.traces import end_platform, free_ports, free_subnet, late_port

BIN = Path(sys.executable).parent
FIXTURES = Path(__file__).parent / "fixtures" / "apps"
_SECONDS = {"GRACE": 2, "DRAIN": 2, "SETTLE": 0.2, "UPTIME": 1, "BOOT_TIMEOUT": 20, "LOOP": 1, "WARM": 0}
FAST = {"LEASE_TTL_S": 3, "SWEEP_S": 1, "RELEASES_KEEP": 20, "RECEIVER_PARALLEL_BUILDS": 2} | {
    f"SCHEDULER_{name}_S": value for name, value in _SECONDS.items()
}
COMMAND_S = 300
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Done:
    """How a command ended, and all that it said."""

    code: int
    output: str


def run(argv: list[str], env: Mapping[str, str], cwd: Path | None = None) -> Done:
    """Run a command to its end; standard error goes where standard output goes."""
    done = subprocess.run(
        argv,
        env=dict(env),
        cwd=cwd,
        text=True,
        timeout=COMMAND_S,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return Done(done.returncode, done.stdout)


class LivePlatform:
    """One platform. `environ` is what a server command of it needs; `people` what a person's command needs.

    `docker_host`: the engine that it uses, where that is not the machine's.
    """

    def __init__(self, docker_host: str = "", **settings: object) -> None:
        me = procfs.record_of(os.getpid())
        assert me is not None
        self.name = f"portside-test-{me.pid}-{me.start}-{next(_numbers)}"
        self.folder = Path(tempfile.gettempdir()) / self.name
        self.home = self.folder / "home"
        self.api, self.ssh, self.registry, self.http, self.runs, self.https = free_ports(6)
        self.acme = late_port()  # of an authority that a test may start
        chosen = {
            "HOME": self.home, "WEB_PORT": self.api, "RECEIVER_SSH_PORT": self.ssh, "RECEIVER_SSH_HOST": "127.0.0.1",
            "BUILDER_REGISTRY_URL": f"127.0.0.1:{self.registry}", "ROUTER_HTTP_PORT": self.http,
            "ROUTER_HTTPS_PORT": self.https,
            "ACME_DIRECTORY": f"https://localhost:{self.acme}/dir", "ACME_CA_FILE": self.folder / "pebble-trusted.pem",
            "ACME_AGREE_TERMS": "yes", "ACME_PRIVATE_HOSTS": "yes", "ACME_CHECK_PORT": self.http,
            "ROUTER_BIND": "127.0.0.1", "SCHEDULER_NETWORK": self.name, "SCHEDULER_PLATFORM": self.name,
            "SCHEDULER_SUBNET": free_subnet(), "SCHEDULER_RUN_PORT": self.runs, "SCHEDULER_RUN_HOST": "127.0.0.1",
            **FAST, **settings,
        }  # fmt: skip
        plain = {name: value for name, value in os.environ.items() if not name.startswith("PORTSIDE_")}
        if docker_host:
            plain["DOCKER_HOST"] = docker_host
        self.environ = plain | {f"PORTSIDE_{name}": str(value) for name, value in chosen.items()}
        identity = {
            f"GIT_{who}_{what}": "tester@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        self.people = plain | {"HOME": str(self.folder), "GIT_TERMINAL_PROMPT": "0", **identity}
        self.api_url = f"http://127.0.0.1:{self.api}"
        self.email, self.password = "tester@example.com", secrets.token_urlsafe(16)

    def start(self) -> None:
        """Up, with one admin who is logged in with the `portside` command."""
        self.folder.mkdir(parents=True, exist_ok=True)
        up = self.server("up")
        assert up.code == 0, up.output
        self._with_input([str(BIN / "portside-server"), "user:add", self.email, "--admin"], self.environ)
        self._with_input([str(BIN / "portside"), "login", self.api_url, "--email", self.email], self.people)

    def person(self, email: str) -> dict[str, str]:
        """One more user, who is logged in with the `portside` command; what a command of theirs needs."""
        people = self.people | {"HOME": str(self.folder / "people" / email)}
        Path(people["HOME"]).mkdir(parents=True)
        self._with_input([str(BIN / "portside-server"), "user:add", email], self.environ)
        self._with_input([str(BIN / "portside"), "login", self.api_url, "--email", email], people)
        return people

    def _with_input(self, argv: list[str], env: Mapping[str, str]) -> None:
        subprocess.run(
            argv, env=dict(env), input=f"{self.password}\n", text=True, check=True, capture_output=True, timeout=60
        )

    def server(self, *arguments: str, **settings: object) -> Done:
        """`portside-server …`"""
        extra = {f"PORTSIDE_{name}": str(value) for name, value in settings.items()}
        return run([str(BIN / "portside-server"), *arguments], self.environ | extra)

    def cli(self, *arguments: str, cwd: Path | None = None) -> Done:
        """`portside …`"""
        return run([str(BIN / "portside"), *arguments], self.people, cwd)

    def git(self, folder: Path, *arguments: str) -> Done:
        return run(["git", *arguments], self.people, folder)

    def app(self, fixture: str | Path, name: str | None = None) -> tuple[str, Path]:
        """A new app, and a repository with the fixture's files committed and the remote `portside`."""
        name = name or f"app-{secrets.token_hex(4)}"
        folder = self.folder / "apps" / name
        shutil.copytree(FIXTURES / fixture, folder)
        self.git(folder, "init", "--quiet", "--initial-branch=main")
        self.commit(folder, "first")
        created = self.cli("create", name, cwd=folder)
        assert created.code == 0, created.output
        return name, folder

    def commit(self, folder: Path, message: str = "change") -> str:
        """Commit all that is there; the commit's id."""
        self.git(folder, "add", "--all")
        assert self.git(folder, "commit", "--quiet", "--allow-empty", "--message", message).code == 0
        return self.git(folder, "rev-parse", "HEAD").output.strip()

    def push(self, folder: Path, *arguments: str) -> Done:
        """`git push portside main`, as a person types it."""
        return self.git(folder, "push", *(arguments or ("portside", "main")))

    def get(self, app: str, path: str = "/") -> httpx.Response:
        """GET from the app through the router."""
        headers = {"Host": f"{app}.localhost:{self.http}"}
        return httpx.get(f"http://127.0.0.1:{self.http}{path}", headers=headers, timeout=30, trust_env=False)

    def engine(self) -> docker.DockerClient:
        """The engine that its containers run on; to be closed."""
        return docker.from_env(environment=self.environ)

    def releases(self, app: str) -> list[dict[str, object]]:
        found: list[dict[str, object]] = json.loads(self.cli("releases", "--json", "-a", app).output)
        return found

    def end(self) -> None:
        """Stop everything, and leave nothing on the machine; raises StaysBehind, and leaves all, if that fails."""
        end_platform(self.name, self.environ)

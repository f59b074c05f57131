"""A real git client against real servers on loopback, with a real Accounts; only the desk behind them is a fake."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from accounts import Accounts, Identity
from core.errors import UserError
from core.ids import AppId, new_id
from gitreceiver.desk import Outcome, PushDesk, RefUpdate, Watched
from gitreceiver.disk import Item, NoRoom, Shortage, refusal
from gitreceiver.gateway import Gateway
from gitreceiver.repositories import Repositories
from gitreceiver.serving import GitParts
from gitreceiver.settings import ReceiverSettings
from gitreceiver.smart_http import GitHttp
from tests.databases import new_database

SETTINGS = ReceiverSettings(max_pack_mb=4, min_free_mb=1, keepalive_s=0.2, idle_s=20, ssh_host="127.0.0.1", ssh_port=0)
GIT_ENV = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "LC_ALL": "C",
}


class AcceptingDesk:
    """Deploys every push at once: writes two lines, moves the branch as a worker would."""

    def __init__(self, repositories: Repositories) -> None:
        self.repositories = repositories
        self.received: list[tuple[AppId, Identity, RefUpdate, tuple[str, ...]]] = []
        self.settled: tuple[str, str | None, int] | None = None

    def make_room(self, app_id: AppId, *, builds: bool) -> str:
        return "claim"

    def settle_room(self, claim_id: str, push_id: str | None, pack_bytes: int) -> None:
        self.settled = (claim_id, push_id, pack_bytes)

    def receive(
        self, app_id: AppId, identity: Identity, updates: Sequence[RefUpdate], options: Sequence[str]
    ) -> Watched:
        (update,) = updates
        self.repositories.pin(app_id, push_id := new_id(), str(update.new))
        self.received.append((app_id, identity, update, tuple(options)))
        return Watched(push_id)

    def follow(self, push_id: str, gone: Callable[[], bool]) -> Iterator[str | None]:
        yield "-----> Python app detected"
        app_id, _, update, _ = self.received[-1]
        self.repositories.move_branch(app_id, update.ref, str(update.new), update.forced)
        yield "-----> \x1b[32mReleased\x1b[0m v1\a"

    def outcome(self, push_id: str) -> Outcome:
        return Outcome(True)


class RejectingDesk(AcceptingDesk):
    """Every build fails."""

    def follow(self, push_id: str, gone: Callable[[], bool]) -> Iterator[str | None]:
        yield "-----> Building"
        yield " !     pip could not find flask==99"

    def outcome(self, push_id: str) -> Outcome:
        return Outcome(False, "build failed")


class ClosedDesk(AcceptingDesk):
    """Takes no push."""

    def receive(
        self, app_id: AppId, identity: Identity, updates: Sequence[RefUpdate], options: Sequence[str]
    ) -> Watched:
        raise UserError("deploys are paused", "Resume them: portside resume")


class CrampedDesk(AcceptingDesk):
    """There is no room for any push."""

    def make_room(self, app_id: AppId, *, builds: bool) -> str:
        raise refusal(NoRoom((Shortage("/srv", 5 << 20, (Item("reserve", 9 << 20),)),), builds=0, running=0))


class SlowDesk(AcceptingDesk):
    """Says one line and then nothing until `go_on` is set; a worker of its own finishes whoever watches."""

    def __init__(self, repositories: Repositories) -> None:
        super().__init__(repositories)
        self.go_on = threading.Event()
        self.client_left = threading.Event()

    def follow(self, push_id: str, gone: Callable[[], bool]) -> Iterator[str | None]:
        yield "-----> Building slowly"
        try:
            while not self.go_on.wait(0.05):
                if gone():
                    return
                yield None
            yield from super().follow(push_id, gone)
        finally:
            if not self.go_on.is_set():
                self.client_left.set()


@dataclass
class Hall:
    """What stands behind the servers of one test: a platform with the user Ada and the app `shop`, hers."""

    accounts: Accounts
    repositories: Repositories
    ada: Identity
    token: str
    home: Path
    apps: dict[str, AppId] = field(default_factory=dict)
    settings: ReceiverSettings = SETTINGS

    @property
    def app_id(self) -> AppId:
        return self.apps["shop"]

    def branch(self, ref: str = "refs/heads/main") -> str | None:
        return self.repositories.branch(self.app_id, ref)


@pytest.fixture
def hall(tmp_path: Path, quick_passwords: None) -> Iterator[Hall]:
    database = new_database(tmp_path / "accounts.db")
    accounts = Accounts(database)
    ada = accounts.add_user("ada@example.com", "correct horse battery")
    app_id = AppId(new_id())
    accounts.grant(app_id, ada.user_id, "owner")
    _, token = accounts.issue_token(ada.user_id, "test")
    repositories = Repositories(tmp_path / "repos", SETTINGS)
    yield Hall(accounts, repositories, ada, token, tmp_path, {"shop": app_id})
    database.close()


@pytest.fixture
def accepting(hall: Hall) -> AcceptingDesk:
    return AcceptingDesk(hall.repositories)


@pytest.fixture
def rejecting(hall: Hall) -> RejectingDesk:
    return RejectingDesk(hall.repositories)


@pytest.fixture
def closed(hall: Hall) -> ClosedDesk:
    return ClosedDesk(hall.repositories)


@pytest.fixture
def cramped(hall: Hall) -> CrampedDesk:
    return CrampedDesk(hall.repositories)


@pytest.fixture
def slow(hall: Hall) -> SlowDesk:
    return SlowDesk(hall.repositories)


@pytest.fixture
def serve_http(hall: Hall) -> Iterator[Callable[[PushDesk], str]]:
    """A function that starts the HTTP server before a desk and gives the base address, with Ada's token in it."""
    servers = []

    def serve(desk: PushDesk) -> str:
        app = GitHttp(hall.accounts, hall.apps.get, hall.repositories, desk, hall.settings)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return f"http://ada:{hall.token}@127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class SshServer:
    """A gateway on loopback and Ada's key to it. `env` makes git and `command` makes ssh use that key."""

    port: int
    key: Path

    @property
    def url(self) -> str:
        return f"ssh://git@127.0.0.1:{self.port}"

    def command(self, *options: str) -> list[str]:
        known = ("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR")
        only = ("-F", "none", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-i", str(self.key))
        return ["ssh", *only, *known, "-o", "BatchMode=yes", *options]

    @property
    def env(self) -> dict[str, str]:
        return {"GIT_SSH_COMMAND": " ".join(self.command())}


@pytest.fixture
def serve_ssh(hall: Hall) -> Iterator[Callable[[PushDesk], SshServer]]:
    """A function that starts the SSH gateway before a desk."""
    key = hall.home / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    hall.accounts.add_key(hall.ada.user_id, key.with_suffix(".pub").read_text())
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    gateways = []

    def serve(desk: PushDesk) -> SshServer:
        parts = GitParts(hall.accounts, hall.apps.get, hall.repositories, desk, hall.settings)
        gateways.append(gateway := Gateway(parts, hall.home / "ssh_host_ed25519_key"))
        return SshServer(asyncio.run_coroutine_threadsafe(gateway.start(), loop).result(30), key)

    yield serve
    for gateway in gateways:
        asyncio.run_coroutine_threadsafe(gateway.stop(), loop).result(30)
    loop.call_soon_threadsafe(loop.stop)


class Client:
    """A person's work tree and the git command in it."""

    def __init__(self, path: Path, env: dict[str, str] | None = None) -> None:
        self.path = path
        self.env = {**os.environ, **GIT_ENV, **(env or {})}
        path.mkdir(exist_ok=True)

    def git(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["git", *arguments], cwd=self.path, env=self.env, capture_output=True, text=True, timeout=60
        )
        assert not check or done.returncode == 0, done.stderr
        return done

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """git in a process group of its own, as a shell's foreground job."""
        return subprocess.Popen(
            ["git", *arguments],
            cwd=self.path,
            env=self.env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def commit(self, path: str = "app.py", content: str | bytes = "print('hello')\n") -> str:
        """Write a file and commit it; gives the commit's id."""
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", f"Change {path}")
        return self.head()

    def head(self) -> str:
        return self.git("rev-parse", "HEAD").stdout.strip()

    def push(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.git("push", *arguments, check=False)


@pytest.fixture
def client(tmp_path: Path) -> Client:
    """A repository with branch main, without a commit."""
    client = Client(tmp_path / "work")
    client.git("init", "--quiet", "--initial-branch=main")
    return client


@pytest.fixture
def new_client(tmp_path: Path) -> Callable[[str], Client]:
    """A function that makes an empty folder to run git in."""
    return lambda name: Client(tmp_path / name)


@pytest.fixture
def noise() -> Callable[[float], bytes]:
    """A function that gives so many MiB that no compression makes smaller."""
    return lambda mib: os.urandom(int(mib * 1024 * 1024))


@pytest.fixture
def interrupt() -> Callable[[subprocess.Popen[str], str], None]:
    """A function that presses Ctrl-C on a running git once it has shown `text`."""

    def press(running: subprocess.Popen[str], text: str) -> None:
        assert running.stderr is not None
        shown = ""
        while text not in shown:
            shown += (line := running.stderr.readline())
            assert line, shown
        os.killpg(running.pid, signal.SIGINT)
        running.communicate(timeout=30)

    return press

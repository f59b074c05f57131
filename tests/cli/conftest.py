"""A stand-in for the server, and ways to run the command against it."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli.credentials import Credentials, Login, save
from cli.main import portside

TOKEN = "tok-2f9c"
COMMAND = Path(sys.executable).parent / "portside"
Answer = tuple[int, Any, dict[str, str]]


class RememberingPlatform:
    """Answers as it was told to, keeps config and releases, and remembers every request."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.answers: dict[tuple[str, str], Any] = {}
        self.config: dict[str, str] = {}
        self.releases: list[dict[str, Any]] = []
        platform = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None: ...

            def handle_one(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked = json.loads(body) if body else None
                platform.requests.append((self.command, self.path, dict(self.headers), asked))
                answer = platform.answers.get((self.command, self.path), platform.default)
                answer = answer(self, asked) if callable(answer) else answer
                if answer is not None:
                    status, data, headers = answer if isinstance(answer, tuple) else (200, answer, {})
                    raw = data.encode() if isinstance(data, str) else json.dumps(data).encode()
                    self.send_response(status)
                    for name, value in {"Content-Length": str(len(raw)), **headers}.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(raw)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_one  # noqa: N815

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def default(self, request: BaseHTTPRequestHandler, asked: Any) -> Answer:
        """Log-in, one app called demo, its config and its releases."""
        basic = "Basic " + base64.b64encode(b"me@example.com:correct horse").decode()
        given = request.headers.get("Authorization", "")
        if request.path == "/oauth/authorizations" and given == basic:
            return 201, {"id": "auth-1", "access_token": {"token": TOKEN}, "user": {"email": "me@example.com"}}, {}
        if given != f"Bearer {TOKEN}":
            hint = {"hint": "Log in with: portside login"} if given.startswith("Bearer") else {}
            return 401, {"id": "unauthorized", "message": "Invalid credentials provided.", **hint}, {}
        return self._of_demo(f"{request.command} {request.path}", asked, request.headers.get("Range", ""))

    def _of_demo(self, what: str, asked: Any, wanted: str) -> Answer:
        app = {
            "id": "a1",
            "name": "demo",
            "web_url": "http://demo.localhost:8080",
            "owner": {"email": "me@example.com"},
        }
        app |= {"git_url": f"{self.url}/demo.git", "created_at": "2026-01-02T03:04:05Z", "released_at": None}
        if what == "PATCH /apps/demo/config-vars":
            self.config = {k: v for k, v in {**self.config, **asked}.items() if v is not None}
            self.release(f"Set {', '.join(asked)}")
        if what == "GET /apps/demo/releases":
            most = int(wanted.rpartition("max=")[2] or 200)
            ordered = self.releases[::-1] if "order=desc" in wanted else self.releases
            return 200, ordered[:most], {}
        found = {
            f"GET /apps/demo/releases/{release[key]}": release for release in self.releases for key in ("id", "version")
        }
        found |= {"GET /account": {"email": "me@example.com"}, "GET /apps/demo": app, "POST /apps": app}
        found |= {"GET /apps/demo/config-vars": self.config, "PATCH /apps/demo/config-vars": self.config}
        found |= {"DELETE /apps/demo": app, "GET /apps/demo/dynos": [], "DELETE /oauth/authorizations/auth-1": {}}
        missing = {
            "id": "not_found",
            "message": "Couldn't find that app.\nSee: portside apps",
            "hint": "See: portside apps",
        }
        return (200, found[what], {}) if what in found else (404, missing, {})

    def release(self, description: str, **more: Any) -> dict[str, Any]:
        """Add a release, current and succeeded unless `more` says otherwise."""
        for release in self.releases:
            release["current"] = False
        number = len(self.releases) + 1
        made = {"id": f"r{number}", "version": number, "status": "succeeded", "description": description}
        made |= {"current": True, "created_at": "2026-01-02T03:04:05Z", "user": {"email": "me@example.com", "id": "u"}}
        self.releases.append(made | more)
        return self.releases[-1]

    def asked_for(self, method: str) -> list[tuple[str, Any]]:
        """The paths and bodies of the requests with that method."""
        return [(path, body) for verb, path, _, body in self.requests if verb == method]


@pytest.fixture
def platform() -> Iterator[RememberingPlatform]:
    running = RememberingPlatform()
    yield running
    running.server.shutdown()
    running.server.server_close()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own, outside any repository, with nothing of ours in the environment."""
    folder = tmp_path / "home"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith(("PORTSIDE_", "XDG_", "GIT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def logged_in(home: Path, platform: RememberingPlatform) -> RememberingPlatform:
    save(
        home / ".config/portside/credentials.json",
        Credentials().with_login(platform.url, Login("me@example.com", TOKEN, "auth-1")),
    )
    return platform


@pytest.fixture
def invoke(home: Path) -> Callable[..., Result]:
    """Run the command inside this process."""
    return lambda *words, **more: CliRunner().invoke(portside, list(words), **more)


@pytest.fixture
def repository(home: Path) -> Path:
    """A git repository that is the current directory."""
    subprocess.run(["git", "init", "-q", "-b", "main"], cwd=home, check=True)
    return home


@pytest.fixture
def shell(home: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a real program in the home."""

    def run(*words: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **environ}
        return subprocess.run(
            words, cwd=home, input=stdin, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    return run

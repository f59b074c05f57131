"""A git server over HTTP, with repositories made of dicts; those under /private want a login."""

from __future__ import annotations

import base64
import subprocess
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from dulwich.repo import Repo
from dulwich.server import DictBackend
from dulwich.web import make_wsgi_chain

LOGIN = ("reader", "s3cret")
WHO = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


class GitSite:
    """`url(name)` is a repository's address."""

    def __init__(self, folder: Path, host: str) -> None:
        self._folder = folder
        self._backend = DictBackend({})
        self._server = make_server(host, 0, self._guarded(make_wsgi_chain(self._backend)), handler_class=_Quiet)
        self.place = f"{host}:{self._server.server_port}"

    def url(self, name: str) -> str:
        return f"http://{self.place}/{name}"

    def commit(self, name: str, files: Mapping[str, str], *tags: str) -> str:
        """A further commit of a repository, of these executable files alone; gives its id."""
        folder = self._folder / name.replace("/", "-")
        if not folder.exists():
            folder.mkdir(parents=True)
            self._git(folder, "init", "--quiet", "--initial-branch=main")
            self._backend.repos[f"/{name}"] = Repo(str(folder))
        for path, text in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text)
            (folder / path).chmod(0o755)
        self._git(folder, "add", "--all")
        self._git(folder, *WHO, "commit", "--quiet", "--allow-empty", "--message=more")
        for tag in tags:
            self._git(folder, *WHO, "tag", "--annotate", "--message=it", tag)
        return self._git(folder, "rev-parse", "HEAD")

    def empty(self, name: str) -> None:
        folder = self._folder / name
        folder.mkdir()
        self._git(folder, "init", "--quiet")
        self._backend.repos[f"/{name}"] = Repo(str(folder))

    def serve(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _git(self, folder: Path, *arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def _guarded(self, app: Any) -> Any:
        wanted = "Basic " + base64.b64encode(":".join(LOGIN).encode()).decode()

        def guarded(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            if environ["PATH_INFO"].startswith("/private") and environ.get("HTTP_AUTHORIZATION") != wanted:
                start_response("401 Unauthorized", [("WWW-Authenticate", 'Basic realm="git"')])
                return [b""]
            answer: Iterable[bytes] = app(environ, start_response)
            return answer

        return guarded


@contextmanager
def git_site(folder: Path, host: str = "127.0.0.1") -> Iterator[GitSite]:
    """A server on a free port of `host`."""
    site = GitSite(folder, host)
    thread = threading.Thread(target=site.serve, daemon=True)
    thread.start()
    try:
        yield site
    finally:
        site.stop()
        thread.join(timeout=10)

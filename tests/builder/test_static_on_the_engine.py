"""Static sites for real: what nginx answers, with which headers, and how it ends."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from email.parser import Parser
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.engine

DOCKER = "/usr/bin/docker"
EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "static"
LONG = "body { color: red }\n" * 200


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: str


class Site:
    """A built site in a container without a network, read-only but for /tmp, asked from inside it."""

    def __init__(self, built) -> None:
        command = dict(built.processes)["web"]
        options = ["--network=none", "--read-only", "--tmpfs=/tmp", "--env=PORT=7000", "--entrypoint=/bin/sh"]
        argv = [DOCKER, "run", "--detach", *options, built.image_id, "-c", command]
        self.container = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
        for _ in range(300):
            if self._ask("/", "").returncode == 0:
                return
            threading.Event().wait(0.1)
        raise AssertionError(self.log())

    def get(self, path: str, *headers: str) -> Answer:
        text = self._ask(path, "".join(f"{header}\\r\\n" for header in headers)).stdout.decode(errors="replace")
        head, _, body = text.partition("\r\n\r\n")
        first, _, rest = head.partition("\r\n")
        return Answer(int(first.split()[1]), dict(Parser().parsestr(rest).items()), body)

    def _ask(self, path: str, headers: str) -> subprocess.CompletedProcess[bytes]:
        request = f"GET {path} HTTP/1.1\\r\\nHost: a\\r\\nConnection: close\\r\\n{headers}\\r\\n"
        script = f"exec 3<>/dev/tcp/127.0.0.1/7000; printf '{request}' >&3; cat <&3"
        return subprocess.run([DOCKER, "exec", self.container, "bash", "-c", script], capture_output=True)

    def run(self, command: str) -> str:
        argv = [DOCKER, "exec", self.container, "sh", "-c", command]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    def log(self) -> str:
        logs = subprocess.run([DOCKER, "logs", self.container], capture_output=True, text=True)
        return logs.stdout + logs.stderr

    def stop(self) -> str:
        """Its exit code after TERM."""
        subprocess.run([DOCKER, "stop", "--time=20", self.container], check=True, capture_output=True)
        argv = [DOCKER, "inspect", "--format={{.State.ExitCode}}", self.container]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()

    def remove(self) -> None:
        subprocess.run([DOCKER, "rm", "--force", self.container], check=True, capture_output=True)


@pytest.fixture
def serve(bench, log) -> Iterator[Callable[..., Site]]:
    """Builds a source and serves it."""
    sites: list[Site] = []

    def start(source, config: Mapping[str, str] = MappingProxyType({})) -> Site:
        request = bench.request(source, config=dict(config), deadline_s=600.0)
        sites.append(Site(bench.builder.build(request, log)))
        return sites[-1]

    yield start
    for site in sites:
        site.remove()


def test_the_example(serve, memory_source, log) -> None:
    site = serve(memory_source.of_folder(EXAMPLE))
    page = site.get("/")
    assert page.status == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "no-cache"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert site.get("/", f"If-None-Match: {page.headers['ETag']}").status == 304
    assert site.get("/people/ada").body == page.body
    assert site.get("/people/ada.png").status == 404
    assert site.get("/site.mjs").headers["Content-Type"].partition(";")[0] in (
        "text/javascript",
        "application/javascript",
    )
    moved = site.get("/home?from=here")
    assert (moved.status, moved.headers["Location"]) == (301, "/")
    assert site.run("id -u; ls /app").split() == ["1000", "public"]
    assert '"GET /people/ada HTTP/1.1" 200' in site.log()
    assert "[warn]" not in site.log()
    assert site.stop() == "0"
    assert "-----> Static site detected" in log.lines
    assert "       Serving public/" in log.lines


def test_a_plain_site_at_the_root(serve, memory_source) -> None:
    files = {
        "index.html": "home",
        "about.html": "about",
        "404.html": "nothing here",
        "docs/index.html": "docs",
        "empty/picture.png": "p",
        "site.css": LONG,
        "app.3f2a9b1c.js": "1",
        ".env": "SECRET=1",
        ".well-known/security.txt": "mail me",
        "package.json": "{}",
        "portside.toml": "[static]\nheaders = {'/docs/*' = {'Cache-Control' = 'max-age=60', 'X-Price' = '$5 \"net\"'}}",
    }
    site = serve(memory_source(files))
    assert [site.get(path).body for path in ("/about", "/about.html", "/docs/")] == ["about", "about", "docs"]
    folder = site.get("/docs?a=b")
    assert (folder.status, folder.headers["Location"]) == (302, "/docs/?a=b")
    assert folder.headers.get("Cache-Control") != "public, max-age=31536000, immutable"
    priced = site.get("/docs/").headers
    assert (priced["Cache-Control"], priced["X-Price"]) == ("max-age=60", '$5 "net"')
    missing = site.get("/nothing")
    assert (missing.status, missing.body) == (404, "nothing here")
    hidden = ("/.env", "/docs/../.env", "/%2eenv", "/portside.toml", "/package.json", "/empty/", "/empty")
    assert [site.get(path).status for path in hidden] == [404] * len(hidden)
    assert site.get("/.well-known/security.txt").body == "mail me"
    assert site.get("/app.3f2a9b1c.js").headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Cache-Control" not in site.get("/gone.3f2a9b1c.js").headers
    small = site.get("/site.css", "Accept-Encoding: gzip").headers
    assert (small["Content-Encoding"], small["Vary"]) == ("gzip", "Accept-Encoding")
    assert site.get("/site.css").headers["Content-Length"] == str(len(LONG))
    assert "Last-Modified" in site.get("/site.css").headers


def test_a_vite_front_end(serve, memory_source, log) -> None:
    package = {"scripts": {"build": "vite build", "start": "vite"}, "devDependencies": {"vite": "5.4.21"}}
    files = {
        "package.json": json.dumps(package),
        "index.html": '<!doctype html><script type="module" src="/main.js"></script><p>a shop</p>',
        "main.js": "import './main.css'; document.title = import.meta.env.VITE_TITLE;",
        "main.css": "p { color: red }",
        "public/robots.txt": "User-agent: *",
    }
    site = serve(memory_source(files), {"VITE_TITLE": "Ours"})
    assert "       Serving dist/, where Vite builds it" in log.lines
    assert "-----> Building assets with Node.js: npm run build" in log.lines
    page = site.get("/some/route")
    assert (page.status, page.headers["Cache-Control"]) == (200, "no-cache")
    script = re.search(r'src="(/assets/index-[^"]+\.js)"', page.body)
    assert script is not None
    assert site.get(script[1]).headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "Ours" in site.get(script[1]).body
    assert site.get("/robots.txt").body == "User-agent: *"
    assert site.run("ls -A /app; command -v node || echo no node") == "dist\nno node\n"


def test_a_site_that_is_stopped_ends_what_it_has_begun(serve, memory_source) -> None:
    size_bytes = 30_000_000  # more than fits into the buffers of a connection
    site = serve(memory_source({"index.html": "", "film.bin": bytes(size_bytes)}))
    request = "GET /film.bin HTTP/1.0\\r\\n\\r\\n"
    script = f"exec 3<>/dev/tcp/127.0.0.1/7000; printf '{request}' >&3; read -r line <&3; kill -TERM 1; cat <&3"
    subprocess.run(
        [DOCKER, "exec", site.container, "bash", "-c", script], capture_output=True
    )  # ends with the container
    code = subprocess.run([DOCKER, "wait", site.container], check=True, capture_output=True, text=True).stdout
    assert code == "0\n"
    assert f'"GET /film.bin HTTP/1.0" 200 {size_bytes} bytes' in site.log()

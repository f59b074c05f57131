"""Servers of packages, as small as can be: a Go module proxy and a registry of crates, in reach of builds.

The protocols: https://go.dev/ref/mod#goproxy-protocol and https://doc.rust-lang.org/cargo/reference/registry-index.html.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.builder.containers import gateway

TIME = "2026-01-01T00:00:00Z"


class PackageServer:
    """Serves `files` by their paths over HTTP on the engine's bridge; `asked` are the paths that were asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        files, asked = self.files, self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                content = files.get(self.path)
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer((gateway(), 0), Handler)
        self.url = f"http://{gateway()}:{self._server.server_address[1]}"

    @contextmanager
    def serving(self) -> Iterator[PackageServer]:
        thread = threading.Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def add_module(self, path: str, version: str, files: Mapping[str, str]) -> str:
        """Publish a Go module; gives its lines of a go.sum."""
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name, text in files.items():
                archive.writestr(f"{path}@{version}/{name}", text)
        at = f"/{path}/@v/{version}"
        self.files |= {
            f"{at}.info": json.dumps({"Version": version, "Time": TIME}).encode(),
            f"{at}.mod": files["go.mod"].encode(),
            f"{at}.zip": packed.getvalue(),
        }
        whole = _go_hash({f"{path}@{version}/{name}": text for name, text in files.items()})
        return f"{path} {version} {whole}\n{path} {version}/go.mod {_go_hash({'go.mod': files['go.mod']})}\n"

    def add_crate(self, name: str, version: str, files: Mapping[str, str]) -> str:
        """Publish a crate without dependencies; gives its entry of a Cargo.lock."""
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for path, text in files.items():
                member = tarfile.TarInfo(f"{name}-{version}/{path}")
                member.size = len(text.encode())
                archive.addfile(member, io.BytesIO(text.encode()))
        checksum = hashlib.sha256(packed.getvalue()).hexdigest()
        entry = {"name": name, "vers": version, "deps": [], "cksum": checksum, "features": {}, "yanked": False}
        self.files |= {
            "/index/config.json": json.dumps({"dl": self.url + "/crates/{crate}/{version}"}).encode(),
            f"/index/{name[:2]}/{name[2:4]}/{name}": json.dumps(entry).encode(),
            f"/crates/{name}/{version}": packed.getvalue(),
        }
        source = f'source = "{self.index}"\nchecksum = "{checksum}"\n'
        return f'[[package]]\nname = "{name}"\nversion = "{version}"\n{source}'

    @property
    def index(self) -> str:
        """What Cargo calls its registry."""
        return f"sparse+{self.url}/index/"


def _go_hash(files: Mapping[str, str]) -> str:
    """`h1:` of https://pkg.go.dev/golang.org/x/mod/sumdb/dirhash."""
    lines = (f"{hashlib.sha256(text.encode()).hexdigest()}  {name}\n" for name, text in sorted(files.items()))
    return "h1:" + base64.b64encode(hashlib.sha256("".join(lines).encode()).digest()).decode()

"""What the builder's tests share: sources in memory, a log that is only lines, a real registry on a free port."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from builder import Builder, BuilderSettings, BuildRequest, Engine, Entry, ImageStore, Registry
from core.database import Database
from core.ids import AppId, new_id
from core.logs import LogStreams, LogWriter
from tests.databases import new_database

APPS = Path(__file__).parent.parent / "fixtures" / "apps"


class MemorySource:
    """A source from a dict of path → content. `!x` after a path makes it executable, `->` in place of bytes a link."""

    def __init__(self, files: Mapping[str, bytes | str], links: Mapping[str, str] | None = None) -> None:
        self.executable = {path[:-2] for path in files if path.endswith("!x")}
        contents = {path.removesuffix("!x"): content for path, content in files.items()}
        self.links = dict(links or {})
        self.files = {path: text.encode() if isinstance(text, str) else text for path, text in contents.items()}
        self.files |= {path: target.encode() for path, target in self.links.items()}
        parts = [(path, self._mode(path), hashlib.sha1(data).hexdigest()) for path, data in sorted(self.files.items())]
        self.tree_id = hashlib.sha1(json.dumps(parts).encode()).hexdigest()

    @classmethod
    def of_folder(cls, folder: Path, **more: str) -> MemorySource:
        files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        return cls(files | more)

    def entries(self) -> Iterator[Entry]:
        for path, content in sorted(self.files.items()):
            yield Entry(path, self._mode(path), len(content), lambda content=content: content)

    def read(self, path: str) -> bytes | None:
        return None if path in self.links else self.files.get(path)

    def paths(self) -> tuple[str, ...]:
        return tuple(sorted(self.files))

    def write_to(self, folder: Path) -> None:
        for entry in self.entries():
            path = folder / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            if entry.mode == 0o120000:
                path.symlink_to(entry.read().decode())
            else:
                path.write_bytes(entry.read())
                path.chmod(entry.mode & 0o777)

    def _mode(self, path: str) -> int:
        return 0o120000 if path in self.links else 0o100755 if path in self.executable else 0o100644


class Lines(LogWriter):
    """A log that keeps its lines and publishes nothing."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        streams = LogStreams(
            Database("sqlite:////nonexistent/none.db"),
            redis.Redis(unix_socket_path="/nonexistent", retry=Retry(NoBackoff(), 0)),
        )
        super().__init__(streams, new_id(), self.lines)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@pytest.fixture(scope="session")
def memory_source() -> type[MemorySource]:
    return MemorySource


@pytest.fixture
def log() -> Lines:
    return Lines()


@pytest.fixture
def fixture_app() -> Callable[..., MemorySource]:
    """A source from the folder `tests/fixtures/apps/NAME`, with further files."""
    return lambda name, **more: MemorySource.of_folder(APPS / name, **more)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = new_database(tmp_path / "test.db")
    yield database
    database.close()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def registry_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the registry keeps its `data`."""
    return tmp_path_factory.mktemp("registry")


@pytest.fixture(scope="module")
def registry_process(registry_folder: Path) -> Iterator[str]:
    """`host:port` of a fresh docker-registry."""
    folder = registry_folder
    port = _free_port()
    config = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{port}"},
        "log": {"level": "error"},
    }
    (folder / "config.yml").write_text(json.dumps(config))  # JSON is YAML
    with open(folder / "log", "wb") as output:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(folder / "config.yml")], stdout=output, stderr=output, env=os.environ
        )
    try:
        _wait_until_it_answers(f"http://127.0.0.1:{port}/v2/")
        yield f"127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def _wait_until_it_answers(url: str) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            httpx.get(url, trust_env=False)
            return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"{url} never answered")


class Bench:
    """A builder on the real engine, for one app of its own that is removed at the end."""

    def __init__(self, database: Database, registry: str) -> None:
        self.database = database
        self.settings = BuilderSettings(registry_url=registry)
        self.app_id = AppId(new_id())
        self.engine = Engine(self.settings)
        self.registry = Registry(registry)
        self.images = ImageStore(database, self.engine, self.registry, self.settings)
        self.builder = Builder(database, self.engine, self.settings, self.images)

    def request(self, source: MemorySource, **changes: object) -> BuildRequest:
        fields: dict[str, object] = {
            "app_id": self.app_id,
            "app_name": "shop",
            "commit": "c" * 40,
            "source": source,
            "config": {},
            "rebuild": False,
            "deadline_s": 120.0,
        }
        return BuildRequest(**(fields | changes))  # type: ignore[arg-type]


@pytest.fixture
def bench(database: Database, registry_process: str) -> Iterator[Bench]:
    bench = Bench(database, registry_process)
    yield bench
    bench.images.forget_app(bench.app_id)
    bench.builder.forget_app(bench.app_id)

"""A PostgreSQL server for the tests of one process: on a socket of its own, without a port, gone at the end."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from core import process
from core.database import Database
from core.ids import new_id
from server import procfs

_CARELESS = "-c fsync=off -c full_page_writes=off -c max_connections=60 -c shared_buffers=16MB"
"""Nothing here need outlive a power cut."""

_NUMBER = 1_000_000
"""Beyond all numbers of the same process's platforms."""
T = TypeVar("T")


@dataclass(frozen=True)
class PostgresServer:
    """A server that may be stopped and started again."""

    folder: Path
    control: tuple[str, ...]

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://portside@/postgres?host={quote(str(self.folder))}"

    def start(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories='{self.folder}' {_CARELESS}"
        process.run([*self.control, "-o", options, f"--log={self.folder / 'log'}", "start"])

    def stop(self) -> None:
        """All connections break off, in the middle of what they do."""
        process.run([*self.control, "--mode=immediate", "stop"])


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A server with an empty database, for as long as the block runs. As root, it runs as `postgres`."""
    # Named as what `tests.traces.reap_the_dead` removes: a server whose folder is gone ends itself within a minute.
    me = procfs.record_of(os.getpid())
    assert me is not None
    folder = Path(tempfile.gettempdir()) / f"portside-test-{me.pid}-{me.start}-{_NUMBER}"
    folder.mkdir(mode=0o700)
    user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
    if user:
        shutil.chown(folder, "postgres", "postgres")
    data = folder / "data"
    server = PostgresServer(folder, (*user, str(_programs() / "pg_ctl"), "--silent", "--wait", f"--pgdata={data}"))
    try:
        process.run([*server.control, "-o", "--auth=trust --username=portside --encoding=UTF8 --no-sync", "initdb"])
        server.start()
        try:
            yield server
        finally:
            if (data / "postmaster.pid").exists():
                server.stop()
    finally:
        shutil.rmtree(folder)


@contextmanager
def postgres_database(server_url: str, *, tables: bool = True) -> Iterator[Database]:
    """A schema of the server's own to a test, with every known table and nothing in them."""
    database = Database(server_url + f"&options={quote(f'-c search_path=s{new_id()[:8]}')}")
    schema = database.engine.url.query["options"]
    assert isinstance(schema, str)
    with database.write() as session:
        session.connection().exec_driver_sql(f"CREATE SCHEMA {schema.rpartition('=')[2]}")
    if tables:
        database.create_tables()
    try:
        yield database
    finally:
        database.close()


def at_once(times: int, act: Callable[[], T]) -> list[T | Exception]:
    """What `act` gives or raises in so many threads that begin together."""
    barrier = threading.Barrier(times)

    def one() -> T | Exception:
        barrier.wait()
        try:
            return act()
        except Exception as error:
            return error

    with ThreadPoolExecutor(times) as pool:
        return [each.result() for each in [pool.submit(one) for _ in range(times)]]


def _programs() -> Path:
    """Debian keeps a server's programs in a folder for each version, which is in nobody's PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent

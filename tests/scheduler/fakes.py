"""An engine in memory and a router that only remembers; both go through what the real ones go through."""

from __future__ import annotations

import queue
import re
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from core import clock
from core.errors import Unavailable
from core.ids import AppId, new_id
from router import Backend, RequestLog
from scheduler.runtime import (
    Capacity,
    Container,
    ContainerOrder,
    Executed,
    Image,
    OutputLine,
    StartFailed,
    Terminal,
    Volume,
    VolumeGone,
    VolumeInUse,
)

# A web process for a real container: plain Perl, which every Debian base has. GET /status/N answers with status N.
SERVE = (
    "exec perl -MIO::Socket::INET -e '$|=1; $SIG{PIPE}=q(IGNORE);"
    "$s=IO::Socket::INET->new(LocalAddr=>q(0.0.0.0),LocalPort=>$ENV{PORT},Listen=>64,ReuseAddr=>1) or die;"
    'print "listening\\n"; while($c=$s->accept){$r=<$c>; next if !defined $r; while(<$c>=~/\\S/){}'
    '($m,$p)=split q( ),$r; print "$m $p\\n"; $n=$p=~m{^/status/(\\d+)}?$1:200; $b="$ENV{RELEASE_VERSION} $ENV{WORD}";'
    'print $c "HTTP/1.1 $n X\\r\\nContent-Length: ".length($b)."\\r\\nConnection: close\\r\\n\\r\\n$b"; close $c}\''
)
IDLE = "echo idle; exec sleep 1000"
BYE = "echo bye; exit 3"


class MemoryVolumes:
    """Volumes are names; `owners` remembers to whom each was given, `used` says which a container still has."""

    def __init__(self, used: Callable[[], Iterable[str]] = tuple) -> None:
        self.found: dict[str, Volume] = {}
        self.owners: dict[str, str] = {}
        self.free: int | None = None
        self.used = used

    def make(self, name: str, app_id: AppId, image: Image) -> None:
        self.found[name], self.owners[name] = Volume(name, app_id), image.runs_as

    def all(self, app_id: AppId | None = None) -> list[Volume]:
        return [one for one in self.found.values() if app_id in (None, one.app_id)]

    def sizes(self) -> dict[str, int]:
        return dict.fromkeys(self.found, 0)

    def remove(self, name: str) -> None:
        if name in self.used():
            raise VolumeInUse("An instance that is ending still uses the volume.")
        self.found.pop(name, None)

    def free_bytes(self) -> int | None:
        return self.free


class MemoryRuntime:
    """Containers are records; one that serves holds a real socket on its own loopback address (subnet 127.x)."""

    def __init__(self) -> None:
        self.volumes = MemoryVolumes(self._mounted)
        self.orders: dict[str, ContainerOrder] = {}
        self.found: dict[str, Container] = {}
        self.sockets: dict[str, socket.socket] = {}
        self.signals: list[tuple[str, str]] = []
        self.ends: queue.Queue[AppId | None] = queue.Queue()
        self.free_mb: int | None = 1000
        self.answers: dict[str, int] = {}
        self.executed = 0
        self.looks: list[AppId | None] = []

    def prepare(self) -> None:
        pass

    def capacity(self) -> Capacity:
        return Capacity(4096, 2.0)

    def image(self, image_id: str, image_ref: str) -> Image:
        if not image_id.startswith("sha256:"):
            raise StartFailed(f"no image {image_id}")
        return Image(image_id, "")

    def start(self, order: ContainerOrder) -> str:
        if gone := [one for one in order.mounts if one.volume not in self.volumes.found]:
            raise VolumeGone(f"The volume for {gone[0].path} is gone from this host.")
        container_id, command = new_id(), order.command or SERVE
        if "perl" in command:
            self.sockets[container_id] = socket.create_server((order.address, int(order.env["PORT"])))
        container = Container(
            container_id, order.instance_id, order.app_id, order.version, order.process, "running", order.address
        )
        self.orders[container_id], self.found[container_id] = order, container
        exits = re.search(r"exit (\d+)", command)
        if exits:
            self.end(container_id, int(exits[1]))
        return container_id

    def open(self, order: ContainerOrder) -> MemoryAttachment:
        return MemoryAttachment(self.start(order), self)

    def resize(self, container_id: str, terminal: Terminal) -> None:
        self.signals.append((container_id, f"{terminal.columns}x{terminal.lines}"))

    def execute(self, container_id: str, argv: Sequence[str], timeout_s: float) -> Executed:
        """Knows `echo` and `exit`; what sleeps does not end in time. `answers` says what it knows of other commands, of
        one container (`ID COMMAND`) or of all."""
        self.executed += 1
        container, line = self.found.get(container_id), " ".join(argv)
        if container is None or container.state != "running":
            return Executed(126, "it does not run")
        if "sleep" in line:
            return Executed(None)
        for key in (f"{container_id} {line}", line):
            if key in self.answers:
                return Executed(self.answers[key])
        exits = re.search(r"exit (\d+)", line)
        said = "".join(f"{word}\n" for word in re.findall(r"echo (\w+)", line))
        return Executed(int(exits[1]) if exits else 0 if said else 127, said)

    def _mounted(self) -> set[str]:
        return {one.volume for container_id in self.found for one in self.orders[container_id].mounts}

    def end(self, container_id: str, code: int) -> None:
        """Let a container end, as if by itself."""
        ended = replace(self.found[container_id], state="exited", exit_code=code)
        self.found[container_id] = ended
        if container_id in self.sockets:
            self.sockets.pop(container_id).close()
        self.ends.put(ended.app_id)

    def lose(self, container_id: str) -> None:
        """Let a container vanish while nobody hears the engine's events."""
        del self.found[container_id]
        self.sockets.pop(container_id).close()

    def look(self, container_id: str) -> Container | None:
        return self.found.get(container_id)

    def containers(self, app_id: AppId | None = None) -> list[Container]:
        self.looks.append(app_id)
        return [one for one in list(self.found.values()) if app_id in (None, one.app_id)]

    def signal(self, container_id: str, name: str) -> None:
        self.signals.append((container_id, name))
        if container_id in self.found and self.found[container_id].running:
            self.end(container_id, 143 if name == "SIGTERM" else 137)

    def pause(self, container_id: str) -> None:
        self._turn(container_id, "running", "paused")

    def resume(self, container_id: str) -> None:
        self._turn(container_id, "paused", "running")

    def _turn(self, container_id: str, before: str, state: str) -> None:
        if container_id in self.found and self.found[container_id].state == before:
            self.found[container_id] = replace(self.found[container_id], state=state)

    def memory_mb(self, container_id: str) -> int | None:
        return 10 if container_id in self.found else None

    def free_memory_mb(self) -> int | None:
        return self.free_mb

    def remove(self, container_id: str) -> None:
        self.signal(container_id, "SIGKILL")
        self.found.pop(container_id, None)

    def output(
        self, container_id: str, tail: int | None, after: OutputLine | None = None, follow: bool = False
    ) -> MemoryStream:
        words = re.findall(r"echo (\w+)", self.orders[container_id].command or "")
        lines = [OutputLine(clock.now(), str(number), word) for number, word in enumerate(words)]
        return MemoryStream([line for line in lines if after is None or line.stamp > after.stamp])

    def listening(self, container_id: str) -> frozenset[tuple[str, int]]:
        held = self.sockets.get(container_id)
        return frozenset({held.getsockname()}) if held else frozenset()

    def endings(self) -> MemoryEndings:
        return MemoryEndings(self.ends)


class MemoryStream:
    def __init__(self, lines: Sequence[OutputLine]) -> None:
        self.lines = lines

    def __iter__(self) -> Iterator[OutputLine]:
        return iter(self.lines)

    def close(self) -> None:
        pass


class MemoryAttachment:
    """Echoes its input; the container ends with it."""

    def __init__(self, container_id: str, runtime: MemoryRuntime) -> None:
        self.container_id = container_id
        self._runtime = runtime
        self._pieces: queue.Queue[bytes] = queue.Queue()

    def read(self) -> tuple[int, bytes] | None:
        piece = self._pieces.get()
        return (1, piece) if piece else None

    def write(self, data: bytes) -> None:
        self._pieces.put(data)

    def end_input(self) -> None:
        self._runtime.end(self.container_id, 0)
        self._pieces.put(b"")

    def close(self) -> None:
        self._pieces.put(b"")


class MemoryEndings:
    def __init__(self, ends: queue.Queue[AppId | None]) -> None:
        self.ends = ends

    def __iter__(self) -> Iterator[AppId]:
        while (app_id := self.ends.get()) is not None:
            yield app_id

    def close(self) -> None:
        self.ends.put(None)


class StubbornRuntime(MemoryRuntime):
    """Its containers ignore SIGTERM."""

    def signal(self, container_id: str, name: str) -> None:
        if name == "SIGTERM":
            self.signals.append((container_id, name))
        else:
            super().signal(container_id, name)


class AbsentRuntime(MemoryRuntime):
    """An engine that does not answer."""

    def containers(self, app_id: AppId | None = None) -> list[Container]:
        raise Unavailable("The Docker engine does not answer.")


class RememberingRouter:
    """Keeps what it was told; `busy` holds the generations that still have requests in flight."""

    def __init__(self) -> None:
        self.wanted: dict[AppId, tuple[str, tuple[Backend, ...]]] = {}
        self.applied: dict[AppId, tuple[str, tuple[Backend, ...]]] = {}
        self.history: list[tuple[str, tuple[str, ...]]] = []
        self.draining: dict[str, tuple[Backend, ...]] = {}
        self.busy: set[str] = set()
        self.away = threading.Event()
        self.holds: dict[AppId, datetime] = {}
        self.held: list[AppId] = []
        self.requests = self.notices = RequestLog(Path("/nowhere"), 0)
        self.spoken: list[str] = []

    def urls(self) -> dict[AppId, str]:
        return {app_id: f"http://{app_id}.localhost" for app_id in self.wanted}

    def hold(self, app_id: AppId, until: datetime) -> datetime:
        if self.away.is_set():
            raise Unavailable("The router does not answer.")
        self.held.append(app_id)
        self.holds[app_id] = until
        return until

    def release(self, app_id: AppId) -> None:
        self.holds.pop(app_id, None)

    def point(
        self, session: object, app_id: AppId, generation: str, backends: Sequence[Backend], protocol: str = ""
    ) -> None:
        if self.wanted.get(app_id, ("",))[0] != generation:
            self.release(app_id)
            self.spoken.append(protocol)
        self.wanted[app_id] = (generation, tuple(backends))

    def apply(self, app_id: AppId) -> None:
        if self.away.is_set():
            raise Unavailable("The router does not answer.")
        before, after = self.applied.get(app_id), self.wanted.get(app_id)
        if after is None or before == after:
            return
        if before is not None and before[0] != after[0]:
            self.draining[before[0]] = before[1]
        self.applied[app_id] = after
        self.history.append((after[0], tuple(backend.address for backend in after[1])))

    def in_flight(self, app_id: AppId, generation: str) -> int:
        return int(generation in self.busy)

    def retire(self, app_id: AppId, generation: str) -> None:
        self.draining.pop(generation, None)

    def listed_addresses(self) -> frozenset[str]:
        listed = [*self.draining.values(), *(backends for _, backends in self.applied.values())]
        return frozenset(backend.address for backends in listed for backend in backends)

    def reconcile(self) -> None:
        for app_id in self.wanted:
            self.apply(app_id)

    def url(self, app_id: AppId) -> str:
        return "http://sample.localhost:8080"

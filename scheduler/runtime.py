"""What the scheduler asks of whatever runs containers: one engine today, many hosts later.

A runtime holds no state and decides nothing. It raises `Unavailable` when it does not answer, and its own two
errors below. All it sees and touches are the containers that carry its platform's label.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.errors import Conflict, PortsideError, UserError
from core.ids import AppId


class StartFailed(UserError):
    """The engine could not start the container."""

    code = "start_failed"


class ImageGone(StartFailed):
    """The engine no longer has an image that it had."""


class VolumeGone(StartFailed):
    """A volume that the instance needs is not there. A new one is never put in its place: it would be empty."""


class VolumeInUse(Conflict):
    """A container still has the volume."""


class AddressTaken(PortsideError):
    """Something that is not in the records has this address."""


UNPRIVILEGED = "1000:1000"


@dataclass(frozen=True)
class Image:
    """An image that the engine has. `user` is what its containers run as; "" or root is replaced by 1000:1000.

    `launcher` is the program in it that runs a command line, "" for its shell.
    """

    id: str
    user: str
    launcher: str = ""

    @property
    def is_root(self) -> bool:
        return self.user.split(":")[0] in ("", "0", "root")

    @property
    def runs_as(self) -> str:
        return UNPRIVILEGED if self.is_root else self.user


@dataclass(frozen=True)
class VolumeMount:
    """A volume, by the engine's name, at a path of a container."""

    volume: str
    path: str


@dataclass(frozen=True)
class Volume:
    """A volume as the engine lists it."""

    name: str
    app_id: AppId


@dataclass(frozen=True)
class Terminal:
    """The size of a terminal, in characters."""

    columns: int
    lines: int


@dataclass(frozen=True)
class ContainerOrder:
    """A container to start. `env` never appears in an argument list, a label or a log.

    `once`: a one-off run, whose command line is begun by a shell that leaves Ctrl-C to what it runs. `terminal`: it has
    one, when it is opened and not started.
    """

    instance_id: str
    app_id: AppId
    app_name: str
    release_id: str
    version: int
    rollout: str
    fence: int
    process: str
    image: Image
    command: str | None
    env: Mapping[str, str]
    address: str
    memory_mb: int
    cpus: float
    pids: int
    mounts: tuple[VolumeMount, ...] = ()
    once: bool = False
    terminal: Terminal | None = None


@dataclass(frozen=True)
class Capacity:
    """The largest instance that a place could hold: the memory and CPUs of its biggest host."""

    memory_mb: int
    cpus: float


@dataclass(frozen=True)
class Container:
    """A container as the engine sees it. `exit_code` and `out_of_memory` are known once it has ended.

    One that is paused counts as running: it holds its memory and its address.
    """

    id: str
    instance_id: str
    app_id: AppId
    version: int
    process: str
    state: str
    address: str
    exit_code: int | None = None
    out_of_memory: bool = False

    @property
    def ended(self) -> bool:
        return self.state in ("exited", "dead", "removing")

    @property
    def running(self) -> bool:
        return not self.ended and self.state != "created"

    @property
    def paused(self) -> bool:
        return self.state == "paused"


@dataclass(frozen=True)
class Executed:
    """What a command inside a container came to. `code` None: it had not ended in time."""

    code: int | None
    output: str = ""


@dataclass(frozen=True)
class OutputLine:
    """A line that a container wrote. `stamp` is the engine's own text for `at`, exact to the nanosecond."""

    at: datetime
    stamp: str
    text: str


class Stream(Protocol):
    """Output or events as they come. `close` from another thread ends the iteration."""

    def __iter__(self) -> Iterator[OutputLine]: ...

    def close(self) -> None: ...


class Attachment(Protocol):
    """The input and output of a container. Reading, writing and closing may each be in a thread of its own."""

    container_id: str

    def read(self) -> tuple[int, bytes] | None:
        """The next output: 1 (or all that a terminal shows) or 2, and the bytes; None after the last."""

    def write(self, data: bytes) -> None:
        """To its input; what an ended container no longer reads is lost."""

    def end_input(self) -> None:
        """It reads the end of its input. Not for a terminal."""

    def close(self) -> None:
        """Let go; a read or write under way ends. The container goes on."""


class Endings(Protocol):
    """The apps of containers that have just ended, as it happens. `close` from another thread ends the iteration."""

    def __iter__(self) -> Iterator[AppId]: ...

    def close(self) -> None: ...


class VolumeStore(Protocol):
    """The named volumes of one place. Every call can be repeated without harm."""

    def make(self, name: str, app_id: AppId, image: Image) -> None:
        """Make it if it is missing, and give its root, nothing beneath it, to the user that `image` runs as."""

    def all(self, app_id: AppId | None = None) -> list[Volume]:
        """This platform's volumes (of one app)."""

    def sizes(self) -> Mapping[str, int]:
        """What each volume holds, in bytes, by its name; slow. Empty when that can't be told just now."""

    def remove(self, name: str) -> None:
        """Delete it with its data; gone already is fine. VolumeInUse."""

    def free_bytes(self) -> int | None:
        """The space that is left where volumes are kept; None when that can't be told."""


class Runtime(Protocol):
    """One place to run containers. Every call can be repeated without harm."""

    @property
    def volumes(self) -> VolumeStore:
        """Where the data of apps is kept that outlives their instances."""

    def prepare(self) -> None:
        """Make the network if it is missing. UserError when its subnet is in use by something else."""

    def capacity(self) -> Capacity:
        """What its biggest host has."""

    def image(self, image_id: str, image_ref: str) -> Image:
        """The image by its local id, or pulled by its reference. StartFailed when neither is to be had."""

    def start(self, order: ContainerOrder) -> str:
        """Create and start; the container's id. AddressTaken, StartFailed, VolumeGone; nothing is left behind then."""

    def open(self, order: ContainerOrder) -> Attachment:
        """As `start`, attached to it before its first byte; what goes through is logged nowhere."""

    def resize(self, container_id: str, terminal: Terminal) -> None:
        """Give its terminal another size; nothing happens if it is gone or has ended."""

    def execute(self, container_id: str, argv: Sequence[str], timeout_s: float) -> Executed:
        """Run a command in the container, as the app's user and with its environment, and kill it when the time is up.
        126 where it can't be run at all: the container is gone, has ended or is frozen; 127 for an unknown command."""

    def look(self, container_id: str) -> Container | None:
        """One container in full; None when it is gone."""

    def containers(self, app_id: AppId | None = None) -> list[Container]:
        """All of this platform's containers (of one app), in whatever state."""

    def signal(self, container_id: str, name: str) -> None:
        """Send a signal by its name; nothing happens if it is gone or has ended."""

    def pause(self, container_id: str) -> None:
        """Freeze it, memory and all; nothing happens if it is gone, has ended, or is frozen. A runtime that can't does
        nothing: whether it is `paused` is seen in `look` and `containers`."""

    def resume(self, container_id: str) -> None:
        """Let it go on from where it was frozen; nothing happens if it is gone or not frozen."""

    def memory_mb(self, container_id: str) -> int | None:
        """The memory that it holds, its file cache aside; None when that can't be told."""

    def free_memory_mb(self) -> int | None:
        """What could be given out without swapping, where containers run; None when that can't be told."""

    def remove(self, container_id: str) -> None:
        """Kill and remove, frozen or not; gone already is fine."""

    def output(
        self, container_id: str, tail: int | None, after: OutputLine | None = None, follow: bool = False
    ) -> Stream:
        """What it wrote: the last `tail` lines (None: all), later than `after`, until now or (`follow`) its end."""

    def listening(self, container_id: str) -> frozenset[tuple[str, int]]:
        """(address, port) of the TCP sockets that listen inside; empty when that can't be told."""

    def endings(self) -> Endings:
        """Containers' ends from now on."""

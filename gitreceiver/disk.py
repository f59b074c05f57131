"""Whether a push has room on the disk: a pure decision, and the words of a refusal. `room.py` measures and claims."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from builder import Took
from core.reports import Explained, Report
from gitreceiver.settings import MIB

REASON = "the server's disk is nearly full"  # as git shows it in brackets
MARGIN = 1.25
COMPARED = 5
_UPLOADED_OF_A_FIRST_BUILD = 2  # layers travel compressed: to about half, for those of Python and Node.js apps


@dataclass(frozen=True)
class Need:
    """What a push may still take, in bytes: its pack and its upload where Portside's home is, its build at the
    engine's."""

    source_bytes: int = 0
    build_bytes: int = 0
    upload_bytes: int = 0


@dataclass(frozen=True)
class Forecast:
    """A push's need, and of how many earlier builds it was learnt; 0 for an app that was never built."""

    need: Need
    builds: int


@dataclass(frozen=True)
class Disks:
    """The free bytes of both places. `is_one`: they are on the same file system, so what one takes the other lacks."""

    home: str
    home_free_bytes: int
    engine: str
    engine_free_bytes: int
    is_one: bool


@dataclass(frozen=True)
class Item:
    """One line of a bill."""

    what: str
    size_bytes: int


@dataclass(frozen=True)
class Shortage:
    """A file system where a push does not fit: what is free there, and what is to fit."""

    where: str
    free_bytes: int
    bill: tuple[Item, ...]

    @property
    def needed_bytes(self) -> int:
        return sum(item.size_bytes for item in self.bill)


@dataclass(frozen=True)
class NoRoom:
    """A push that does not fit. `builds`: of how many earlier ones its need was learnt; `running`: how many under way
    are reckoned with. `at_engine`: the engine's disk is short, where a gc frees images and caches; `freeable_bytes`:
    how much, where that is known."""

    shortages: tuple[Shortage, ...]
    builds: int
    running: int
    at_engine: bool = True
    freeable_bytes: int | None = None


class DiskNearlyFull(Explained):
    """There is no room for this push on the server's disk."""

    code = "disk_nearly_full"


def forecast(builds: Sequence[Took], pack_sizes: Sequence[int], first_build_bytes: int) -> Forecast:
    """The need of an app's next push: the most that the latest ones took, and a quarter more. Both newest first."""
    source_bytes = _most(pack_sizes)
    latest = builds[:COMPARED]
    if not latest:
        return Forecast(Need(source_bytes, first_build_bytes, first_build_bytes // _UPLOADED_OF_A_FIRST_BUILD), 0)
    build_bytes, upload_bytes = (
        _most([took.disk_bytes for took in latest]),
        _most([took.layers_bytes for took in latest]),
    )
    return Forecast(Need(source_bytes, build_bytes, upload_bytes), len(latest))


def _most(sizes: Sequence[int]) -> int:
    return int(max(sizes[:COMPARED], default=0) * MARGIN)


def judge_room(
    wanted: Forecast, running: Sequence[Need], disks: Disks, reserve_bytes: int, *, uploads_here: bool
) -> NoRoom | None:
    """None when the push fits beside the `running` ones and leaves the reserve; else what is short, and where.

    `uploads_here`: the registry keeps its files in Portside's home.
    """
    need = wanted.need
    at_home = [Item("source", need.source_bytes)]
    upload = [Item("upload to the registry", need.upload_bytes)] if uploads_here else []
    build = [Item("image layers and build cache", need.build_bytes)]
    others_at_home = sum(one.source_bytes + (one.upload_bytes if uploads_here else 0) for one in running)
    others_building = sum(one.build_bytes for one in running)
    if disks.is_one:
        bills = [
            (disks.home, disks.home_free_bytes, [*at_home, *build, *upload], others_at_home + others_building),
        ]
    else:
        bills = [
            (disks.home, disks.home_free_bytes, [*at_home, *upload], others_at_home),
            (disks.engine, disks.engine_free_bytes, build, others_building),
        ]
    shortages = [_shortage(*bill, reserve_bytes) for bill in bills]
    short = tuple(one for one in shortages if one.free_bytes < one.needed_bytes)
    at_engine = disks.is_one or any(one.where == disks.engine for one in short)
    return NoRoom(short, wanted.builds, len(running), at_engine) if short else None


def _shortage(where: str, free_bytes: int, items: Iterable[Item], others_bytes: int, reserve_bytes: int) -> Shortage:
    others = [Item("other builds under way", others_bytes)] if others_bytes else []
    return Shortage(where, free_bytes, (*items, *others, Item("reserve", reserve_bytes)))


def refusal(problem: NoRoom) -> DiskNearlyFull:
    """The words: what is free, the bill, the command that frees space."""
    found = "\n".join(f"{one.free_bytes // MIB:,} MB free where {one.where} is." for one in problem.shortages)
    told = Report(
        "There is no room for this push on the server's disk.",
        found=found,
        expected="\n".join([_learnt(problem), *(line for one in problem.shortages for line in _bill(one))]),
        todo=_todo(problem),
    )
    return DiskNearlyFull(told, problem=problem)


def _learnt(problem: NoRoom) -> str:
    if not problem.builds:
        return "Room for the first build of this app:"
    builds = f"the most that its last {problem.builds} builds took" if problem.builds > 1 else "what its one build took"
    return f"Room for {builds}, and a quarter more:"


def _bill(shortage: Shortage) -> list[str]:
    items = [*shortage.bill, Item("together", shortage.needed_bytes)]
    width = max(len(item.what) for item in items)
    sizes = [_mb(item.size_bytes) for item in items]
    return [f"  {item.what:<{width}}  {size:>{max(map(len, sizes))}}" for item, size in zip(items, sizes, strict=True)]


def _todo(problem: NoRoom) -> str:
    frees = f", which frees about {problem.freeable_bytes // MIB:,} MB" if problem.freeable_bytes else ""
    lines = [f"On the server: portside-server gc{frees}. Then push again."]
    if problem.freeable_bytes == 0:
        lines = ["Give the server more disk, or delete what else fills it (portside-server gc would free nothing now)."]
    if problem.running:
        lines.append("Or wait until the other builds have ended, and push again.")
    return "\n".join(lines)


def _mb(size_bytes: int) -> str:
    """Rounded up: what is needed never looks like less."""
    return f"{-(-size_bytes // MIB):,} MB"

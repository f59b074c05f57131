"""Everything that could grow, counted at one moment."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import docker
from sqlalchemy import func, select

from bench.bed import Bed
from bench.memory import MB, part_bytes, part_pids
from core.database import Base
from router.runtime_socket import ask
from tests.traces import LABEL

Reading = Mapping[str, float]
"""By the name of the thing: `memory gateway (MB)`, `rows instances`, …"""
_ENTRIES = re.compile(r"\(([^)]*)\).*entry_cnt=(\d+)")
_TIMEOUT_S = 10.0


class Meters:
    """Of one platform."""

    def __init__(self, bed: Bed) -> None:
        self._bed = bed
        self._home: Path = bed.platform.home
        self._socket = str(self._home / "run" / "router.sock")

    def read(self) -> Reading:
        """All of it, now."""
        return {
            **self._memory(),
            **self._descriptors(),
            **self.router(),
            **self._engine(),
            **self._rows(),
            **self._files(),
        }

    def _memory(self) -> Reading:
        """PSS of each part, in MB."""
        return {f"memory {name} (MB)": size / MB for name, size in part_bytes(self._home / "run").items()}

    def _descriptors(self) -> Reading:
        found: dict[str, float] = {}
        for name, pids in part_pids(self._home / "run").items():
            links = [link for pid in pids for link in _links(pid)]
            found[f"processes {name}"] = len(pids)
            found[f"descriptors {name}"] = len(links)
            found[f"sockets {name}"] = sum(link.startswith("socket:") for link in links)
        return found

    def router(self) -> Reading:
        """What HAProxy holds."""
        entries = {f"router entries {file}": float(count) for file, count in _ENTRIES.findall(self._ask("show map"))}
        servers = [line for line in self._ask("show servers state").splitlines()[2:] if line.strip()]
        slots = [name for name in self._ask("show backend").split() if name.startswith("slot_")]
        used = {line.split()[1] for line in servers}
        generations = re.search(r"used:(\d+)", self._ask("show table counts"))
        more = {"servers": len(servers), "slots": len(slots), "slots in use": len(used)}
        more |= {"counted generations": int(generations[1])} if generations else {}
        return entries | {f"router {name}": float(count) for name, count in more.items()}

    def _ask(self, command: str) -> str:
        return ask(self._socket, command, _TIMEOUT_S)

    def _engine(self) -> Reading:
        platform = self._bed.platform
        engine = docker.from_env()
        try:
            containers = engine.containers.list(
                all=True, ignore_removed=True, filters={"label": f"{LABEL}={platform.name}"}
            )
            networks = engine.networks.list(names=[f"^{platform.name}$"])
            tags = [tag for image in engine.api.images() for tag in image["RepoTags"] or ()]
            names = [tag for tag in tags if f":{platform.registry}/" in tag]
        finally:
            engine.close()
        return {"containers": len(containers), "networks": len(networks), "image names": len(names)}

    def _rows(self) -> Reading:
        with self._bed.parts.database.read() as session:
            tables = Base.metadata.sorted_tables
            return {f"rows {one.name}": session.scalar(select(func.count()).select_from(one)) or 0 for one in tables}

    def _files(self) -> Reading:
        found = Counter({folder.name: 0 for folder in self._home.iterdir() if folder.is_dir()})
        for path, _, files in os.walk(self._home):
            parts = Path(path).relative_to(self._home).parts
            found[parts[0] if parts else "(itself)"] += len(files)
        return {f"files {name}": float(count) for name, count in found.items()}


def _links(pid: int) -> Iterator[str]:
    """Where a process's descriptors lead; nothing of one that has ended."""
    with suppress(OSError):
        for each in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                yield os.readlink(each)

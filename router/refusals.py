"""What HAProxy refuses is told apart by whom it is for: the trouble of one app, or host, holds no other up."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from router.runtime_socket import Refused

log = logging.getLogger("portside.router")

S = TypeVar("S")
FILE = "router.refused"


class Refusals:
    """Those of one look at everything, or at one app."""

    def __init__(self) -> None:
        self.found: dict[str, Refused] = {}

    def each_alone(self, steps: Iterable[S], whose: Callable[[S], str], do: Callable[[S], object]) -> list[S]:
        """Do the steps in order, but none for somebody of whose an earlier one was refused: it may build on that.
        Gives those that were not done."""
        left: list[S] = []
        refused: set[str] = set()
        for step in steps:
            name = whose(step)
            if name in refused or _wildcard(name) in refused:
                left.append(step)
                continue
            try:
                do(step)
            except Refused as error:
                left.append(step)
                refused.add(name)
                self.found.setdefault(name, error)
        return left

    def raise_for(self, name: str) -> None:
        if name in self.found:
            raise self.found[name]

    def raise_first(self) -> None:
        for error in self.found.values():
            raise error


class Told:
    """The refusals of the last look at everything, in a file in `folder`: other processes want to know of them."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def read(self) -> dict[str, str]:
        """What was refused, in words, by the app or host (or slot) that it is for; nothing when power was lost before
        the file was on the disk."""
        with suppress(FileNotFoundError, ValueError):
            return dict(json.loads(self._path.read_text()))
        return {}

    def tell(self, refusals: Refusals) -> None:
        """Keep them; one that is new goes into the log too."""
        now, before = {name: error.message for name, error in refusals.found.items()}, self.read()
        if now == before:
            return
        for name, message in now.items():
            if before.get(name) != message:
                log.warning("%s is not served as the records say: %s", name, message)
        aside = self._path.with_suffix(".new")
        aside.write_text(json.dumps(now))
        os.replace(aside, self._path)


def _wildcard(host: str) -> str:
    """The name of the certificate that may be a host's besides its own."""
    return f"*.{host.partition('.')[2]}"

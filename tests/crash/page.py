"""Plays the crash matrix and writes `docs/crash-matrix.md`: `make crash-matrix`.

`python -m tests.crash.page "worker in build"` plays that cell alone (or several) and changes only it on the page;
without a name all are played; `--unseen` plays those that the page does not show yet.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.crash.matrix import CELLS, PARTS, Cell
from tests.crash.play import Stage
from tests.crash.steps import STEPS
from tests.traces import reap_the_dead

PAGE = Path(__file__).parents[2] / "docs" / "crash-matrix.md"
SEEN = Path(__file__).parent / "seen.json"
HEAD = """\
# What a crash leaves

Each part of Portside is killed (`kill -9`, all of its processes at once) at each step of a deploy, with a visitor who
asks the app all the while. This page is what came of it, written by `make crash-matrix`; how each step is reached is in
[`tests/crash/steps.py`](../tests/crash/steps.py), what must hold afterwards in
[`tests/crash/play.py`](../tests/crash/play.py). Every change is tested with the cells marked \\*.

In every cell that does not say **wrong**, all of this held:

- The app that was live answered every request. (With the router or the engine killed: again, within 60 s of its
  return.)
- The push, rollback or scaling was decided within 60 s of the part's return, and the client, where it lived on, was
  told so.
- The releases are numbered without a gap, no number was given twice, and the branch is where the record says.
- No container is left but those of the live release; no lease is held; no build goes on.
- The next push went live under the next number.

A cell says how it ended, and how many seconds after the kill that was decided (the part's way back included). An engine
is one of the tests' own, started again at once. `not received`: the client lost its connection before the push was
whole, so there is nothing to go on with; it is pushed again.
"""
LEAVES = (
    ("killed", "meanwhile", "afterwards"),
    ("---", "---", "---"),
    (
        "api",
        "pages, API and git over HTTP are away; a client that watches loses its connection",
        "what was accepted goes on; a push that was not whole is as if it had never been",
    ),
    (
        "worker",
        "nothing is built or started",
        "its lease runs out; another worker removes what the first had started and goes on from the records",
    ),
    (
        "redis",
        "messages and live log lines are lost",
        "the sweep finds in the records what is to be done; clients read the log from there",
    ),
    (
        "registry",
        "no image is stored",
        "an upload that was cut off begins again when it is back; after a minute without it the release fails",
    ),
    (
        "router",
        "no app answers",
        "it starts with the routes of the records, a switch that it was not told of included",
    ),
    (
        "dockerd",
        "nothing can be started; containers end when it returns, and with them the apps' answers",
        "every instance is started anew; a deploy under way goes on or fails",
    ),
    ("git client", "nobody watches", "what was received whole goes on"),
)
NOT_PLAYED = "-"


def page(seen: Mapping[str, str]) -> str:
    """The page; `seen` gives the text of a cell by its name."""
    head = "| killed | " + " | ".join(step.name for step in STEPS) + " |"
    rule = "|---" * (len(STEPS) + 1) + "|"
    rows = [_row(part, [cell for cell in CELLS if cell.part == part], seen) for part in PARTS]
    reasons = [f"- {cell}: {cell.left_out}." for cell in CELLS if cell.left_out]
    table = "\n".join([head, rule, *rows])
    leaves = "\n".join(f"| {' | '.join(row)} |" for row in LEAVES)
    return f"{HEAD}\n{table}\n\nLeft out ({NOT_PLAYED}):\n\n" + "\n".join(reasons) + f"\n\n## In short\n\n{leaves}\n"


def _row(part: str, cells: Sequence[Cell], seen: Mapping[str, str]) -> str:
    return f"| {part} | " + " | ".join(_text(cell, seen) for cell in cells) + " |"


def _text(cell: Cell, seen: Mapping[str, str]) -> str:
    if cell.left_out:
        return NOT_PLAYED
    return seen.get(str(cell), "not played yet") + (" \\*" if cell.quick else "")


def load() -> dict[str, str]:
    """What was seen when each cell was last played."""
    found: dict[str, str] = json.loads(SEEN.read_text()) if SEEN.exists() else {}
    return found


def _keep(name: str, text: str) -> None:
    known = {str(cell) for cell in CELLS}
    seen = {cell: told for cell, told in (load() | {name: text}).items() if cell in known}
    SEEN.write_text(json.dumps(seen, indent=2, sort_keys=True) + "\n")
    PAGE.write_text(page(seen))


def main(arguments: Sequence[str]) -> int:
    """Play what is asked for; the number of cells that were not as they must be."""
    reap_the_dead()
    played = [cell for cell in CELLS if not cell.left_out]
    unseen = set(map(str, played)) - load().keys()
    names = unseen if arguments == ["--unseen"] else set(arguments) or set(map(str, played))
    if unknown := names - set(map(str, played)):
        sys.exit(f"No such cell: {', '.join(sorted(unknown))}. A cell is called, for example, “{played[0]}”.")
    failed = 0
    with Stage() as stage:
        for cell in played:
            if str(cell) in names:
                failed += not _play(stage, cell)
    return failed


def _play(stage: Stage, cell: Cell) -> bool:
    begun = time.monotonic()
    try:
        seen = stage.play(cell)
    except AssertionError as error:
        traceback.print_exc()
        _keep(str(cell), f"**wrong**: {str(error).splitlines()[0][:80] if str(error) else 'see the run'}")
        return False
    _keep(str(cell), f"{seen.outcome}, {seen.decided_s:.0f} s")
    print(f"{cell}: {seen.outcome}, decided after {seen.decided_s:.1f} s; {time.monotonic() - begun:.0f} s in all")
    return True


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1:]) else 0)

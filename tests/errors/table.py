"""Writes `docs/errors.md` from the cases: `python -m tests.errors.table`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.errors.cases import STAGES, Case, load

PAGE = Path(__file__).parent.parent.parent / "docs" / "errors.md"
HEAD = """\
# What Portside says when an app does not build or start

Each of these is a tiny app in [`tests/fixtures/errors`](../tests/fixtures/errors), pushed through the real thing; the
text is asserted in full. This page is made from the same files: `python -m tests.errors.table`. {…} stands for what
Portside quotes from others, or for what depends on the server.
"""


def page(cases: Sequence[Case]) -> str:
    """The page: a table of all cases by stage, then each text."""
    parts = [HEAD]
    for stage, heading in STAGES.items():
        of_stage = [case for case in cases if case.stage == stage]
        parts += [f"## {heading}\n", _table(of_stage), *map(_section, of_stage)]
    return "\n".join(parts)


def _table(cases: Iterable[Case]) -> str:
    rows = [f"| [{case.what}](#{case.name}) | {_cell(case.told.splitlines()[0])} |" for case in cases]
    return "\n".join(["| what is wrong | what Portside says first |", "|---|---|", *rows]) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _section(case: Case) -> str:
    return f"### {case.name}\n\n{case.what}:\n\n```text\n{case.told}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(load()))

"""The crash matrix: every part killed at every step. docs/crash-matrix.md shows what came of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash import page
from tests.crash.matrix import CELLS, EXPECTED, LEFT_OUT, PARTS, QUICK, Cell
from tests.crash.play import Stage
from tests.crash.steps import STEPS

PLAYED = [cell for cell in CELLS if not cell.left_out]


@pytest.fixture(scope="module")
def stage(machine: None) -> Iterator[Stage]:
    with Stage() as stage:
        yield stage


@pytest.mark.platform
@pytest.mark.parametrize(
    "cell", [pytest.param(cell, id=str(cell), marks=[] if cell.quick else [pytest.mark.full]) for cell in PLAYED]
)
def test_all_is_well_after(stage: Stage, cell: Cell) -> None:
    stage.play(cell)


def test_the_tables_name_cells_of_the_matrix() -> None:
    places = {(part, step) for part in PARTS for step in STEPS}
    assert {*EXPECTED, *LEFT_OUT, *QUICK} <= places
    assert not QUICK & LEFT_OUT.keys()


def test_the_page_is_made_of_what_was_seen() -> None:
    assert page.PAGE.read_text() == page.page(page.load())

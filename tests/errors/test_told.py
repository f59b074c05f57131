"""Our own text for every kind of wrong app, in full."""

from __future__ import annotations

import pytest

from builder import problems
from tests.errors.cases import STAGES, Case, load, of_stage
from tests.errors.conftest import Tell, detection_tells, output_tells, receiving_tells
from tests.errors.table import PAGE, page

LEAST_CASES = 40
LEAST_LINES, MOST_LINES = 4, 18


def check(case: Case, text: str) -> None:
    assert case.matches(text), f"{case.name} is told so:\n{text}"


@pytest.mark.parametrize("case", of_stage("receive"), ids=lambda case: case.name)
def test_before_anything_is_received(case: Case) -> None:
    check(case, receiving_tells(case))


@pytest.mark.parametrize("case", of_stage("detect"), ids=lambda case: case.name)
def test_before_the_build(case: Case) -> None:
    check(case, detection_tells(case))


@pytest.mark.parametrize("case", of_stage("output"), ids=lambda case: case.name)
def test_from_what_buildkit_printed(case: Case) -> None:
    check(case, output_tells(case))


@pytest.mark.engine
@pytest.mark.parametrize("case", of_stage("build"), ids=lambda case: case.name)
def test_in_the_build(case: Case, build_tells: Tell) -> None:
    check(case, build_tells(case))


@pytest.mark.engine
@pytest.mark.parametrize("case", of_stage("boot"), ids=lambda case: case.name)
def test_when_the_app_starts(case: Case, boot_tells: Tell) -> None:
    check(case, boot_tells(case))


@pytest.mark.parametrize("case", load(), ids=lambda case: case.name)
def test_every_text_has_the_one_shape(case: Case) -> None:
    title, *rest = case.told.splitlines()
    assert title.endswith(".")
    assert [line[:10].rstrip() for line in rest if not line.startswith(" ")] == ["Found:", "Expected:", "To do:"]
    assert LEAST_LINES <= len(rest) + 1 <= MOST_LINES


def test_there_is_a_case_for_every_stage_and_many_in_all() -> None:
    assert {case.stage for case in load()} == set(STAGES)
    assert len(load()) >= LEAST_CASES


@pytest.mark.parametrize("kind", problems.Problem.__subclasses__(), ids=lambda kind: kind.__name__)
def test_every_problem_has_its_words(kind: type[problems.Problem]) -> None:
    assert hasattr(kind, "words") or kind.report is not problems.Problem.report


def test_the_page_is_made_of_these_cases() -> None:
    assert PAGE.read_text() == page(load()), "docs/errors.md is not of these cases: python -m tests.errors.table"

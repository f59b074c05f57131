"""Which stack a build gets, and that a choice is kept for each app."""

from __future__ import annotations

import pytest

from builder.choices import Choice, Choices
from builder.debian import DEFAULT, STACKS, stack_named
from builder.explain import explain
from core.errors import UserError
from core.ids import AppId, new_id

WEB = {"Procfile": "web: python app.py", "requirements.txt": ""}
DEBIAN_14 = stack_named("debian-14")


def test_without_a_pin_the_apps_own_stack_is_taken(memory_source) -> None:
    for stack in STACKS:
        plan = explain(memory_source(WEB), stack)
        assert plan.stack == stack
        assert plan.detected.details[0] == f"Using Python {stack.versions['Python']} (no .python-version found)"


@pytest.mark.parametrize(
    ("own", "pin", "taken"),
    [(DEFAULT, "3.14", DEBIAN_14), (DEFAULT, "3.14.1", DEBIAN_14), (DEBIAN_14, "3.13", DEFAULT)],
)
def test_a_pin_that_only_another_stack_has_takes_that_one_and_says_so(memory_source, own, pin, taken) -> None:
    plan = explain(memory_source(WEB | {".python-version": pin}), own)
    assert plan.stack == taken
    assert plan.detected.details[:2] == (
        f"Using Python {taken.versions['Python']}, as .python-version says",
        f"Building on {taken.name}: {own.name} has Python {own.versions['Python']}"
        f" (to keep: portside stack:set {taken.name})",
    )


def test_a_pin_that_the_own_stack_has_stays_there(memory_source) -> None:
    plan = explain(memory_source(WEB | {".python-version": "3.14"}), DEBIAN_14)
    assert (plan.stack, len([line for line in plan.detected.details if "Building on" in line])) == (DEBIAN_14, 0)


def test_a_choice_is_kept_for_its_app_alone(database) -> None:
    choices, shop, other = Choices(database), AppId(new_id()), AppId(new_id())
    choices.choose_stack(shop, "debian-14")
    assert (choices.of(shop), choices.of(other)) == (Choice("debian-14"), Choice("debian-13"))
    assert choices.all() == {shop: Choice("debian-14")}
    choices.forget(shop)
    assert choices.of(shop) == Choice()


def test_a_stack_that_there_is_not_is_refused(database) -> None:
    with pytest.raises(UserError) as raised:
        Choices(database).choose_stack(AppId(new_id()), "heroku-24")
    assert str(raised.value) == (
        "There is no stack 'heroku-24'.\nChoose debian-13 or debian-14: portside stack:set debian-13"
    )

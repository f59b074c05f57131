"""How far `web` shrinks: the rules in all their forms, and the choice of who leaves, thrown at random formations."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import UserError
from scheduler import InstanceState, shrink, wishes
from scheduler.plan import Start
from scheduler.shrink import Room, Shrink
from scheduler.tables import InstanceRow
from tests.scheduler.test_plan import EVENTS, World, happen, instance

S = InstanceState


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("2", "2"), (" 50% ", "50%"), ("100", "100"), ("auto", "auto"), ("AUTO:1", "auto"), ("auto:2", "auto:2"),
        ("auto:50%", "auto:50%"), ("auto:1%", "auto:1%"), ("off", "off"), ("", "off"),
    ],
)  # fmt: skip
def test_a_rule_is_stored_in_one_form(text: str, stored: str) -> None:
    assert shrink.canonical(text) == stored
    assert shrink.canonical(stored) == stored


@pytest.mark.parametrize(
    "text", ["0", "0%", "101", "101%", "-1", "1.5", "auto2", "auto:", ":2", "half", "%", "٣", "2%%"]
)
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(UserError) as caught:
        shrink.canonical(text)
    assert caught.value.message == (
        f"{text!r} does not say how far web may shrink: give how many stay (1 to 100), a share (50%) or auto."
    )
    assert "portside ps:shrink web=50%" in caught.value.hint


def test_only_web_shrinks() -> None:
    with pytest.raises(UserError) as caught:
        wishes.shrink_rules({"worker": "1"})
    assert caught.value.message == "worker can't shrink: only web takes requests, which what is left goes on serving."
    assert '"overlap": false' in caught.value.hint
    assert wishes.shrink_rules({"web": "auto:1"}) == {"web": "auto"}
    assert wishes.shrink_rules({"web": ""}) == {"web": ""}


@pytest.mark.parametrize(
    ("text", "quantity", "least"),
    [
        ("50%", 4, 2),
        ("50%", 3, 2),
        ("50%", 1, 1),
        ("1%", 4, 1),
        ("2", 5, 2),
        ("7", 5, 7),
        ("100%", 3, 3),
        ("auto", 9, 1),
    ],
)
def test_a_share_is_rounded_up_and_one_always_stays(text: str, quantity: int, least: int) -> None:
    rule = shrink.read(text)
    assert rule is not None
    assert rule.least(quantity) == least


@pytest.mark.parametrize(
    ("room", "kept"),
    [
        (None, None),
        (Room(400, 400, 100), None),
        (Room(400, 399, 100), 3),
        (Room(400, 250, 100), 2),
        (Room(400, 0, 100), 2),
        (Room(400, -9, 0), 2),
    ],
)
def test_by_itself_it_shrinks_as_far_as_memory_asks_for_and_no_further_than_it_may(
    room: Room | None, kept: int | None
) -> None:
    found = shrink.decide([instance(number) for number in (1, 2, 3, 4)], 4, Shrink(2, False, True), room)
    assert (None if found is None else len(found.kept)) == kept


def test_those_that_serve_stay_and_of_them_the_lowest_numbers() -> None:
    rows = [
        instance(1, S.CRASHED),
        instance(2, unready=True),
        instance(3),
        instance(4, replace=True),
        instance(5),
        instance(6, S.STARTING),
        instance(7),
    ]
    found = shrink.decide(rows, 7, Shrink(2, False, False), None)
    assert found is not None
    assert found.kept == {3, 5}
    assert {row.number for row in found.leaving} == {2, 4, 6, 7}, "what has crashed is held, and left as it is"
    assert found.held == {1, 2, 4, 6, 7}


RULES = st.builds(Shrink, st.integers(1, 100), st.booleans(), st.booleans())
ROOMS = st.none() | st.builds(Room, st.integers(0, 900), st.integers(-50, 900), st.integers(0, 200))
PLACES = st.lists(
    st.tuples(st.integers(1, 9), st.sampled_from([S.STARTING, S.RUNNING, S.CRASHED]), st.booleans(), st.booleans()),
    max_size=14,
)


def serving(rows: list[InstanceRow]) -> set[int]:
    return {row.number for row in rows if row.state == S.RUNNING and not row.unready and not row.replace}


@settings(max_examples=150, deadline=None)
@given(PLACES, st.integers(0, 9), RULES, ROOMS)
def test_no_more_leave_than_the_rule_allows_and_asking_again_changes_nothing(
    places: list[tuple[int, InstanceState, bool, bool]], quantity: int, rule: Shrink, room: Room | None
) -> None:
    rows = [instance(number, state, unready=bad, replace=old) for number, state, bad, old in places]
    found = shrink.decide(rows, quantity, rule, room)
    if found is None:
        return
    within = {number for number in serving(rows) if number <= quantity}
    left = [row for row in rows if row not in found.leaving]
    assert found.kept | found.held == set(range(1, quantity + 1))
    assert not found.kept & found.held
    assert len(found.kept) >= rule.least(quantity)
    assert len(within & serving(left)) >= min(len(within), rule.least(quantity))
    assert {row.number for row in found.leaving} <= found.held
    again = shrink.decide(left, quantity, rule, room)
    assert again is not None
    assert (again.kept, again.leaving) == (found.kept, ())


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 9),
    st.integers(1, 9),
    st.builds(Room, *[st.integers(-50, 900)] * 2, st.integers(1, 200), st.integers(0, 900)),
)
def test_what_is_ending_anyway_is_reckoned_with_once(quantity: int, amount: int, room: Room) -> None:
    """As few leave as let the new set fit, never more than if nothing were ending; and what is ending is awaited."""
    rows, rule = [instance(number) for number in range(1, quantity + 1)], Shrink(amount, False, True)

    def leaving(given: Room) -> int:
        found = shrink.decide(rows, quantity, rule, given)
        return 0 if found is None else len(found.leaving)

    most, now, alone = quantity - min(quantity, amount), leaving(room), leaving(replace(room, ending_mb=0))
    have_mb = room.free_mb + room.ending_mb
    assert now <= alone <= most
    assert now == most or room.needed_mb <= have_mb + now * room.each_mb, "it fits"
    assert now == 0 or room.needed_mb > have_mb + (now - 1) * room.each_mb, "with one less it would not"
    assert room.waits == (room.ending_mb > 0 and room.needed_mb > room.free_mb)
    assert now == alone or room.waits


def make_room(world: World, rule: Shrink) -> None:
    """As `Shrinking` records it."""
    live = [row for row in world.rows if row.state in (S.STARTING, S.RUNNING, S.CRASHED)]
    found = shrink.decide(live, world.wanted, rule, None)
    if found is None:
        return
    world.held = frozenset(f"web.{number}" for number in found.held)
    for row in found.leaving:
        row.state, row.drain_by = S.RETIRED, world.now


STORIES = st.lists(st.one_of(st.just("shrink"), st.just("over"), EVENTS.filter(bool)), max_size=8)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), STORIES, st.integers(1, 100), st.booleans())
def test_whatever_happens_meanwhile_what_serves_stays_and_the_rest_comes_back(
    wanted: int, stories: list[str | list[tuple[str, int]]], amount: int, is_percent: bool
) -> None:
    world, rule = World(wanted), Shrink(amount, is_percent, False)
    for _ in range(3):
        world.turn()
    for story in stories:
        served = serving(world.rows)
        if story == "shrink":
            make_room(world, rule)
            assert len(serving(world.rows)) >= min(len(served), rule.least(world.wanted))
        elif story == "over":  # the switch, a failure, or the end of a dead worker's lease
            world.held = frozenset()
        else:
            for event in story:
                happen(world, event)
        needed = {row.number for row in world.serving() if row.number <= world.wanted}
        filled = world.turn()
        assert needed <= {row.number for row in world.serving()}, "no turn takes away what serves"
        assert not [step for step in filled if isinstance(step, Start) and f"web.{step.slot.number}" in world.held]
    world.held = frozenset()
    world.settle()
    assert world.turn() == []
    assert sorted(row.number for row in world.serving()) == list(range(1, world.wanted + 1))


def ending(number: int, state: InstanceState, **deadlines: datetime) -> InstanceRow:
    return InstanceRow(id=f"i{number}", process_type="web", number=number, version=3, state=state, **deadlines)


def test_who_waits_is_told_for_what_and_how_long_at_most() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    drains = ending(1, InstanceState.RETIRED, drain_by=now + timedelta(seconds=12.3))
    stops = ending(2, InstanceState.STOPPING, kill_by=now + timedelta(seconds=7))
    waits = "It waits for what left earlier and has not ended yet: "
    assert shrink.waits_for([stops], now, 30) == f"{waits}web.2 of v3; 7 s at most."
    assert shrink.waits_for([drains, stops], now, 30) == f"{waits}web.1 of v3, web.2 of v3; 43 s at most."
    late = [ending(number, InstanceState.STOPPING, kill_by=now) for number in range(1, 7)]
    assert shrink.waits_for(late, now, 30).endswith("web.4 of v3 and 2 more; 1 s at most.")

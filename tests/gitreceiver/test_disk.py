"""Whether a push has room: what is predicted, what is reckoned together, and that nothing but fits is let in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from builder import Took
from gitreceiver.disk import Disks, Forecast, Item, Need, NoRoom, forecast, judge_room

MB = 1 << 20
RESERVE = 1024 * MB
sizes = st.integers(0, 10**12)
needs = st.builds(Need, sizes, sizes, sizes)
disks = st.builds(Disks, st.just("/srv"), sizes, st.just("/var/lib/docker"), sizes, st.booleans())


def judged(
    need: Need, *running: Need, home: int, engine: int | None = None, uploads_here: bool = True
) -> NoRoom | None:
    free_bytes = home if engine is None else engine
    place = Disks("/srv", home * MB, "/var/lib/docker", free_bytes * MB, is_one=engine is None)
    return judge_room(Forecast(need, 3), running, place, RESERVE, uploads_here=uploads_here)


def test_an_app_that_was_never_built_is_taken_to_need_a_first_build() -> None:
    assert forecast([], [], 300 * MB) == Forecast(Need(0, 300 * MB, 150 * MB), 0)


def test_the_next_build_is_taken_to_need_the_most_of_the_last_five_and_a_quarter_more() -> None:
    builds = [Took(disk, layers) for disk, layers in ((40, 8), (80, 4), (60, 4), (0, 0), (20, 4), (4000, 4000))]
    assert forecast(builds, [4, 12, 8, 4, 4, 900], 300) == Forecast(Need(15, 100, 10), 5)


def test_on_one_disk_all_is_reckoned_together_with_one_reserve() -> None:
    need = Need(10 * MB, 200 * MB, 100 * MB)
    assert judged(need, home=1334) is None
    short = judged(need, home=1333)
    assert short is not None
    (shortage,) = short.shortages
    assert shortage.bill == (
        Item("source", 10 * MB),
        Item("image layers and build cache", 200 * MB),
        Item("upload to the registry", 100 * MB),
        Item("reserve", RESERVE),
    )


def test_two_disks_keep_a_reserve_each_and_only_the_short_one_is_told() -> None:
    need = Need(10 * MB, 200 * MB, 100 * MB)
    assert judged(need, home=1134, engine=1224) is None
    short = judged(need, home=1134, engine=1223)
    assert short is not None
    assert [one.where for one in short.shortages] == ["/var/lib/docker"]


def test_builds_under_way_count() -> None:
    need = Need(0, 200 * MB, 100 * MB)
    assert judged(need, need, home=1624) is None
    short = judged(need, need, home=1623)
    assert short is not None
    assert Item("other builds under way", 300 * MB) in short.shortages[0].bill


def test_an_upload_to_a_registry_elsewhere_takes_nothing_here() -> None:
    assert judged(Need(0, 0, 500 * MB), home=1024, uploads_here=False) is None


@given(needs, st.lists(needs, max_size=4), disks, sizes, st.booleans())
def test_what_is_let_in_fits_whole_beside_the_others_and_what_is_refused_does_not(
    need: Need, running: list[Need], place: Disks, reserve_bytes: int, uploads_here: bool
) -> None:
    everyone = [need, *running]
    home = sum(one.source_bytes + (one.upload_bytes if uploads_here else 0) for one in everyone) + reserve_bytes
    engine = sum(one.build_bytes for one in everyone) + (0 if place.is_one else reserve_bytes)
    fits = (
        home + engine <= place.home_free_bytes
        if place.is_one
        else home <= place.home_free_bytes and engine <= place.engine_free_bytes
    )
    refused = judge_room(Forecast(need, 1), running, place, reserve_bytes, uploads_here=uploads_here)
    assert (refused is None) == fits


@given(needs, st.lists(needs, max_size=4), disks, sizes)
def test_every_shortage_is_one_and_its_bill_adds_up(
    need: Need, running: list[Need], place: Disks, reserve_bytes: int
) -> None:
    refused = judge_room(Forecast(need, 1), running, place, reserve_bytes, uploads_here=True)
    for shortage in refused.shortages if refused else ():
        assert shortage.free_bytes < shortage.needed_bytes == sum(item.size_bytes for item in shortage.bill)


@given(needs, needs, disks, sizes)
def test_more_builds_under_way_never_make_room(need: Need, other: Need, place: Disks, reserve_bytes: int) -> None:
    alone = judge_room(Forecast(need, 1), [], place, reserve_bytes, uploads_here=True)
    beside = judge_room(Forecast(need, 1), [other], place, reserve_bytes, uploads_here=True)
    assert alone is None or beside is not None


@given(st.lists(st.builds(Took, sizes, sizes), max_size=9), st.lists(sizes, max_size=9), sizes)
def test_a_forecast_is_never_below_any_of_the_last_five(builds: list[Took], packs: list[int], first: int) -> None:
    need = forecast(builds, packs, first).need
    assert all(need.build_bytes >= took.disk_bytes and need.upload_bytes >= took.layers_bytes for took in builds[:5])
    assert all(need.source_bytes >= pack for pack in packs[:5])


def test_what_a_gc_frees_at_the_engine_helps_no_other_disk() -> None:
    need = Need(10 * MB, 200 * MB, 100 * MB)
    at_home, at_engine = judged(need, home=9, engine=9999), judged(need, home=9999, engine=9)
    on_one = judged(need, home=9)
    assert [one.at_engine for one in (at_home, at_engine, on_one) if one] == [False, True, True]

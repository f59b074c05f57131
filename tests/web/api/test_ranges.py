"""Ranges, purely: what clients send, and that following Next-Range gives each item once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.api.ranges import DEFAULT_MOST, Wish, page, parse

KEYS = {"version": lambda item: item, "id": lambda item: f"id-{item:06}"}


@pytest.mark.parametrize(
    ("header", "wish"),
    [
        (None, Wish()),
        ("", Wish()),
        ("version ..; order=desc,max=1", Wish("version", descending=True, most=1)),
        ("version ..; max=15, order=desc", Wish("version", descending=True, most=15)),
        ("id ..; max=1000;", Wish("id", most=1000)),
        ("id ..; max=1000", Wish("id", most=1000)),
        ("id ..; ;", Wish("id")),
        ("domain ..; ;", Wish("domain")),
        ("version ]3..; max=2", Wish("version", "3", after_start=True, most=2)),
        ("version [3..7]", Wish("version", "3", "7")),
        ("version 3..7[;max=4", Wish("version", "3", "7", before_end=True, most=4)),
        ("name a..;order=DESC ; max = 3", Wish("name", "a", descending=True, most=3)),
        ("id ..; max=999999", Wish("id", most=1000)),
        ("id ..; max=0", Wish("id", most=1)),
        ("id ..; max=-4", Wish("id")),
        ("bytes=0-5", Wish()),
        ("nonsense; max=7", Wish(most=7)),
    ],
)
def test_a_header_is_read_as_clients_mean_it(header: str | None, wish: Wish) -> None:
    assert parse(header) == wish


@given(st.text())
def test_no_header_is_too_strange(header: str) -> None:
    wish = parse(header)
    assert 1 <= wish.most <= 1000
    assert list(page([3, 1, 2], KEYS, wish).items) in [
        list(part) for part in ([1, 2, 3], [3, 2, 1], [1], [2], [3], [1, 2], [2, 3], [3, 2], [2, 1], [])
    ]


@given(
    items=st.sets(st.integers(0, 5000), max_size=60),
    most=st.integers(1, 25),
    attribute=st.sampled_from(["version", "id", "unknown"]),
    descending=st.booleans(),
)
def test_following_next_range_gives_every_item_once_in_order(
    items: set[int], most: int, attribute: str, descending: bool
) -> None:
    header: str | None = f"{attribute} ..; max={most}" + ("; order=desc" if descending else "")
    seen: list[int] = []
    while header is not None:
        part = page(list(items), KEYS, parse(header))
        assert len(part.items) <= most
        seen += part.items
        header = part.next_range
    assert seen == sorted(items, reverse=descending)


@given(
    items=st.sets(st.integers(0, 200), max_size=40),
    first=st.integers(0, 200),
    last=st.integers(0, 200),
    after=st.booleans(),
    before=st.booleans(),
    descending=st.booleans(),
)
def test_bounds_hold_in_either_order(
    items: set[int], first: int, last: int, after: bool, before: bool, descending: bool
) -> None:
    header = f"version {']' if after else ''}{first}..{last}{'[' if before else ''}"
    part = page(list(items), KEYS, parse(header + ("; order=desc" if descending else "")))
    low, high = (last, first) if descending else (first, last)
    inside = {item for item in items if low <= item <= high}
    inside -= {first} if after else set()
    inside -= {last} if before else set()
    assert list(part.items) == sorted(inside, reverse=descending)


@given(items=st.sets(st.integers(0, 200), min_size=5, max_size=40), most=st.integers(1, 4))
def test_an_end_is_kept_from_page_to_page(items: set[int], most: int) -> None:
    header: str | None = f"version 20..150; max={most}"
    seen: list[int] = []
    while header is not None:
        part = page(list(items), KEYS, parse(header))
        seen += part.items
        header = part.next_range
    assert seen == sorted(item for item in items if 20 <= item <= 150)


def test_a_complete_list_has_no_next_range_and_says_what_it_holds() -> None:
    part = page([2, 1], KEYS, Wish())
    assert (part.content_range, part.next_range) == ("version 1..2", None)


def test_an_exactly_full_page_is_complete() -> None:
    assert page([1, 2], KEYS, Wish(most=2)).next_range is None


def test_a_cut_list_says_how_to_go_on() -> None:
    part = page([1, 2, 3], KEYS, parse("version ..; order=desc,max=2"))
    assert (part.content_range, part.next_range) == ("version 3..2", "version ]2..; order=desc, max=2")


def test_an_empty_list_has_no_content_range() -> None:
    assert page([], KEYS, Wish()).content_range is None


def test_without_a_header_the_first_two_hundred_come() -> None:
    assert len(page(range(500), KEYS, parse(None)).items) == DEFAULT_MOST

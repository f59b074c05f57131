"""What a build takes on the disk, and how much cache a gc leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.disk import Gauge, Layers, Took, caches_to_keep_bytes, new_layers_bytes

BASE = Layers(("a", "b"), (100, 0, 50, 0))
sizes = st.integers(0, 10**12)


def test_only_layers_above_the_known_ones_are_new() -> None:
    assert new_layers_bytes(Layers(("a", "b", "c", "d"), (100, 0, 50, 0, 7, 0, 5)), [BASE]) == 12


def test_an_image_that_is_known_has_nothing_new() -> None:
    assert new_layers_bytes(BASE, [Layers(("x",), (9,)), BASE]) == 0


def test_without_a_known_image_all_is_new() -> None:
    assert new_layers_bytes(BASE, []) == 150


def test_layers_that_follow_a_different_one_are_new_even_with_the_same_digest() -> None:
    assert new_layers_bytes(Layers(("a", "x", "b"), (100, 1, 50)), [BASE]) == 51


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 50)), max_size=12), st.integers(0, 12))
def test_the_size_of_new_layers_is_never_told_too_small(steps: list[tuple[bool, int]], shared: int) -> None:
    layers = [size for has_layer, size in steps if has_layer]
    history = tuple(size if has_layer else 0 for has_layer, size in steps)
    image = Layers(tuple(str(number) for number in range(len(layers))), history)
    known = Layers(image.digests[:shared], ())
    assert new_layers_bytes(image, [known]) >= sum(layers[shared:])


def test_a_gauge_remembers_the_lowest(monkeypatch: pytest.MonkeyPatch) -> None:
    free = iter([1000, 900, 400, 950])
    told: Any = lambda _: type("Usage", (), {"free": next(free)})()  # noqa: E731
    monkeypatch.setattr("builder.disk.shutil.disk_usage", told)
    gauge = Gauge(Path("/var/lib/docker"))
    asked = gauge.looking(lambda: None)
    assert [asked() for _ in range(3)] == [None] * 3
    assert gauge.took(200) == Took(600, 200)
    assert gauge.took(900) == Took(600, 600), "what was there before took nothing"


def test_an_engine_elsewhere_is_not_measured_and_the_layers_must_do() -> None:
    gauge = Gauge(None)
    gauge.look()
    assert gauge.took(200) == Took(200, 200)


def test_caches_stay_within_their_quota_while_the_disk_has_room() -> None:
    assert caches_to_keep_bytes(30, 20, free_bytes=500, wanted_free_bytes=100) == 20


def test_caches_shrink_for_a_disk_that_is_nearly_full_and_no_further() -> None:
    assert caches_to_keep_bytes(15, 20, free_bytes=92, wanted_free_bytes=100) == 7
    assert caches_to_keep_bytes(15, 20, free_bytes=0, wanted_free_bytes=100) == 0


@given(sizes, sizes, sizes, sizes)
def test_a_gc_leaves_no_more_than_the_quota_and_frees_what_is_wanted_if_caches_can(
    caches: int, quota: int, free: int, wanted: int
) -> None:
    kept = caches_to_keep_bytes(caches, quota, free, wanted)
    assert 0 <= kept <= quota
    assert kept == 0 or free + caches - kept >= min(wanted, free + caches)

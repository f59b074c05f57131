"""Parts of lists by the Platform API's ranges, purely.

A client sends `Range: <attribute> [start]..[end]; order=desc, max=N`; `]` before the start or `[` after the end leaves
that item itself out. The answer says `Content-Range: <attribute> first..last` and, when there is more, has status 206
and a `Next-Range` to be sent back as it is. What can't be read is ignored, since clients in use send much of that.
https://devcenter.heroku.com/articles/platform-api-reference#ranges
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

DEFAULT_MOST = 200
MOST = 1000

T = TypeVar("T")
Key = str | int
Keys = Mapping[str, Callable[[T], Key]]
"""The attributes by which a list can be asked for: each gives an item's value, unique in the list."""

_SPEC = re.compile(r"^\s*(?P<attribute>\w+)\s+(?P<open>[\[\]]?)(?P<start>.*?)\.\.(?P<end>.*?)(?P<close>[\[\]]?)\s*$")
_OPTION = re.compile(r"^\s*(\w+)\s*=\s*(\w+)\s*$")


@dataclass(frozen=True)
class Wish:
    """What a Range header asks for. Empty `start` or `end`: from the first, to the last, in the order asked for."""

    attribute: str = ""
    start: str = ""
    end: str = ""
    after_start: bool = False
    before_end: bool = False
    descending: bool = False
    most: int = DEFAULT_MOST

    @property
    def is_bounded(self) -> bool:
        return bool(self.start or self.end)


@dataclass(frozen=True)
class Page(Generic[T]):
    """A part of a list; `next_range` is None at its end."""

    items: Sequence[T]
    content_range: str | None
    next_range: str | None


def parse(header: str | None) -> Wish:
    """The wish in a Range header; never fails."""
    spec, _, options = (header or "").partition(";")
    given = {found[1]: found[2] for part in re.split("[;,]", options) if (found := _OPTION.match(part))}
    most = given.get("max", "")
    wish = Wish(
        descending=given.get("order", "").lower() == "desc",
        most=min(max(int(most), 1), MOST) if most.isdecimal() and len(most) < 10 else DEFAULT_MOST,
    )
    found = _SPEC.match(spec)
    if found is None:
        return wish
    return Wish(
        attribute=found["attribute"],
        start=found["start"].strip(),
        end=found["end"].strip(),
        after_start=found["open"] == "]",
        before_end=found["close"] == "[",
        descending=wish.descending,
        most=wish.most,
    )


def page(items: Sequence[T], keys: Keys[T], wish: Wish) -> Page[T]:
    """The part of `items` that is wished for; an unknown attribute counts as the first of `keys`, without bounds."""
    attribute = wish.attribute if wish.attribute in keys else next(iter(keys))
    key = keys[attribute]
    chosen = sorted(items, key=key, reverse=wish.descending)
    if attribute == wish.attribute and wish.is_bounded:
        chosen = [item for item in chosen if _is_within(key(item), wish)]
    part = chosen[: wish.most]
    content_range = f"{attribute} {key(part[0])}..{key(part[-1])}" if part else None
    if len(chosen) <= wish.most:
        return Page(part, content_range, None)
    end = f"{wish.end}{'[' if wish.before_end else ''}" if attribute == wish.attribute else ""
    order = "order=desc, " if wish.descending else ""
    return Page(part, content_range, f"{attribute} ]{key(part[-1])}..{end}; {order}max={wish.most}")


def _is_within(value: Key, wish: Wish) -> bool:
    from_start = _compare(value, wish.start, wish.descending)
    to_end = _compare(value, wish.end, wish.descending)
    begun = from_start is None or (from_start > 0 if wish.after_start else from_start >= 0)
    ended = to_end is not None and (to_end >= 0 if wish.before_end else to_end > 0)
    return begun and not ended


def _compare(value: Key, bound: str, descending: bool) -> int | None:
    """-1, 0 or 1 as `value` comes before, at or after `bound`; None for a bound that is none."""
    if not bound or (isinstance(value, int) and not re.fullmatch("[0-9]{1,18}", bound)):
        return None
    limit = int(bound) if isinstance(value, int) else bound
    order = (value > limit) - (value < limit)  # type: ignore[operator]
    return -order if descending else order

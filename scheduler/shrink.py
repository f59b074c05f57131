"""How far `web` may shrink while a new set of instances starts, where two full sets take too much memory. Pure.

`2` or `50%` says how many old instances stay at least, and the rest makes room at each deploy; `auto`, `auto:2` or
`auto:50%`: only as many leave as memory asks for. See docs/decisions/0013.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.errors import UserError
from scheduler.states import InstanceState
from scheduler.tables import InstanceRow

OFF = "off"
EXAMPLE = "For example: portside ps:shrink web=50%, or web=auto for only as far as memory asks for, or web=off."
_RULE = re.compile(r"(auto)?(?:(?(1):)([1-9][0-9]{0,2})(%)?)?")
_MOST = 100
_NAMED = 4
_S = InstanceState
_STANDING = {_S.RUNNING: 1, _S.STARTING: 2, _S.CRASHED: 3}


@dataclass(frozen=True)
class Shrink:
    """At least `amount` of the old instances, or that share of them, go on serving."""

    amount: int
    is_percent: bool
    when_scarce: bool

    def least(self, quantity: int) -> int:
        """How many of `quantity` stay: one at least, whatever the share."""
        share = math.ceil(quantity * self.amount / 100) if self.is_percent else self.amount
        return max(1, share)


@dataclass(frozen=True)
class Room:
    """What the new set is reckoned to need, what the host has left, and what each old `web` instance would give.

    `ending_mb`: what those hold that left earlier and have not ended yet.
    """

    needed_mb: int
    free_mb: int
    each_mb: int
    ending_mb: int = 0

    @property
    def missing(self) -> int:
        """How many instances have to leave for the new set to fit."""
        return max(0, -(-(self.needed_mb - self.free_mb - self.ending_mb) // max(1, self.each_mb)))

    @property
    def waits(self) -> bool:
        """Whether the new set fits only once those have ended that left earlier."""
        return self.ending_mb > 0 and self.needed_mb > self.free_mb


@dataclass(frozen=True)
class Shrinkage:
    """Which places are kept and which are held until the switch, and the instances that leave."""

    kept: frozenset[int]
    held: frozenset[int]
    leaving: tuple[InstanceRow, ...]


def canonical(text: str) -> str:
    """A rule in the one form that is stored: `auto:1` becomes `auto`. UserError for what is none."""
    rule = read(text)
    if rule is None:
        return OFF
    number = f"{rule.amount}%" if rule.is_percent else str(rule.amount)
    if not rule.when_scarce:
        return number
    return "auto" if number == "1" else f"auto:{number}"


def read(text: str) -> Shrink | None:
    """A rule; None for `off` and nothing. UserError for what is none."""
    said = text.strip().lower()
    if said in ("", OFF):
        return None
    found = _RULE.fullmatch(said)
    if found is None or (found[2] and int(found[2]) > _MOST):
        raise UserError(
            f"{text!r} does not say how far web may shrink: give how many stay (1 to {_MOST}), a share (50%) or auto.",
            EXAMPLE,
        )
    return Shrink(int(found[2] or 1), found[3] is not None, found[1] is not None)


def in_force(own: str, said: str) -> str:
    """What was set for the app goes before what its app.json says."""
    return own or said or OFF


def decide(rows: Iterable[InstanceRow], quantity: int, rule: Shrink, room: Room | None) -> Shrinkage | None:
    """What leaves of the live release's `web` instances `rows`; None when nothing has to.

    Those that serve are kept first, so no more of them leave than the rule allows, whatever state the rest is in.
    `room` is asked for only by a rule `when_scarce`, and nothing leaves while it can't be told.
    """
    keep = rule.least(quantity)
    if rule.when_scarce:
        keep = max(keep, quantity - (room.missing if room else 0))
    if keep >= quantity:
        return None
    places = {number: [row for row in rows if row.number == number] for number in range(1, quantity + 1)}
    order = sorted(places, key=lambda number: (min(map(_rank, places[number]), default=9), number))
    kept = frozenset(order[:keep])
    held = frozenset(order[keep:])
    leaving = [row for number in sorted(held) for row in places[number] if row.state in (_S.STARTING, _S.RUNNING)]
    return Shrinkage(kept, held, tuple(leaving))


def waits_for(rows: Sequence[InstanceRow], now: datetime, grace_s: float) -> str:
    """What is said of instances that left earlier and still end, by deadlines of their own."""
    grace = timedelta(seconds=grace_s)
    ends = [row.kill_by if row.state == _S.STOPPING else row.drain_by and row.drain_by + grace for row in rows]
    most_s = max((math.ceil((end - now).total_seconds()) for end in ends if end is not None), default=0)
    names = ", ".join(f"{row.process_type}.{row.number} of v{row.version}" for row in rows[:_NAMED])
    more = f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else ""
    return f"It waits for what left earlier and has not ended yet: {names}{more}; {max(1, most_s)} s at most."


def _rank(row: InstanceRow) -> int:
    """The lower, the more it is worth keeping."""
    serves = row.state == _S.RUNNING and not row.unready and not row.replace
    return 0 if serves else _STANDING.get(InstanceState(row.state), 9)

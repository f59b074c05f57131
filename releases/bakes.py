"""Bake windows: a release that has just gone live is compared with the one before it, and taken back if it is worse.

The trial is recorded before the switch, with the former release's numbers: they are hard to come by after it. From then
on everything follows from records: which release is live, since when, what has come after it. So whoever looks next
goes on, whatever died meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from sqlalchemy import delete, select, update

from core import clock
from core.database import Database
from core.edge import contained
from core.errors import Unavailable, UserError
from core.ids import AppId, UserId
from core.states import LifeCycle
from releases.bake_policy import BakePolicy, Numbers, judge, summary
from releases.history import History
from releases.tables import AppRow, BakePolicyRow, BakeRow, ReleaseRow
from releases.types import Release, ReleaseKind, ReleaseState


class BakeState(StrEnum):
    OPEN = "open"  # waits for its switch, or is on trial
    PASSED = "passed"
    WORSE = "worse"  # it is being rolled back
    ROLLED_BACK = "rolled back"
    KEPT = "kept"  # it is worse, and could not be rolled back
    ENDED = "ended"  # nothing was decided: it failed, or people did something else first


_S = BakeState
BAKE = LifeCycle(
    {
        _S.OPEN: frozenset({_S.PASSED, _S.WORSE, _S.ENDED}),
        _S.WORSE: frozenset({_S.ROLLED_BACK, _S.KEPT, _S.ENDED}),
        _S.PASSED: frozenset(),
        _S.ROLLED_BACK: frozenset(),
        _S.KEPT: frozenset(),
        _S.ENDED: frozenset(),
    }
)


class Counted(Protocol):
    """What the router has counted of a generation."""

    @property
    def requests(self) -> int: ...
    @property
    def errors(self) -> int: ...
    @property
    def p95_ms(self) -> float | None: ...


class Traffic(Protocol):
    """Who counts an app's answers: `router.Router.traffic`. Raises Unavailable when the router does not answer."""

    def count(self, app_id: AppId, on: bool) -> None: ...

    def seen(self, app_id: AppId) -> Counted | None: ...


@dataclass(frozen=True)
class Bake:
    """The trial of a release. `until` is None before its switch is seen."""

    release_id: str
    app_id: AppId
    state: BakeState
    policy: BakePolicy
    before_id: str
    before: Numbers
    now: Numbers
    words: str
    until: datetime | None


@dataclass(frozen=True)
class Automatic:
    """Who rolls back: whoever made the release that is taken back."""

    user_id: UserId
    email: str


RollBack = Callable[[AppId, str, Automatic, str], Release]
"""Asks for a rollback of an app to a release's id, for a reason in words. Raises UserError, Unavailable."""


class NoTraffic:
    """Counts nothing."""

    def count(self, app_id: AppId, on: bool) -> None:
        """There is nothing to count."""

    def seen(self, app_id: AppId) -> None:
        return None


class Bakes:
    """Keeps the policies and the trials."""

    def __init__(self, database: Database, history: History, traffic: Traffic) -> None:
        self._database = database
        self._history = history
        self._traffic = traffic

    def policy(self, app_id: AppId) -> BakePolicy | None:
        with self._database.read() as session:
            row = session.get(BakePolicyRow, app_id)
            return None if row is None else _policy(row)

    def set(self, app_id: AppId, policy: BakePolicy) -> None:
        """From the next release on; the answers of the one that is live are counted from now. UserError."""
        policy.check()
        with self._database.write() as session:
            session.merge(BakePolicyRow(app_id=app_id, **asdict(policy)))
        self._traffic.count(app_id, True)

    def unset(self, app_id: AppId) -> None:
        """No more trials; one that is under way ends."""
        self._end_all(app_id, "bake windows were switched off")
        with self._database.write() as session:
            session.execute(delete(BakePolicyRow).where(BakePolicyRow.app_id == app_id))
        self._traffic.count(app_id, False)

    def forget_app(self, app_id: AppId) -> None:
        with self._database.write() as session:
            session.execute(delete(BakePolicyRow).where(BakePolicyRow.app_id == app_id))
            session.execute(delete(BakeRow).where(BakeRow.app_id == app_id))

    def of(self, release_ids: Collection[str]) -> dict[str, Bake]:
        """The trials of these releases, those that had one."""
        with self._database.read() as session:
            found = session.scalars(select(BakeRow).where(BakeRow.id.in_(release_ids)))
            return {row.id: _bake(row) for row in found}

    def newest(self, app_id: AppId) -> Bake | None:
        """The trial of the newest release that had one."""
        query = select(BakeRow).join(ReleaseRow, ReleaseRow.id == BakeRow.id).where(BakeRow.app_id == app_id)
        with self._database.read() as session:
            row = session.scalars(query.order_by(ReleaseRow.version.desc()).limit(1)).first()
            return None if row is None else _bake(row)

    def before_switch(self, release: Release, asked: BakePolicy | None = None) -> Bake | None:
        """Record the trial of a release that is about to go live, if it is to have one: the app's, or what it asks for.

        A rollback has none. While the release that is live is on trial itself, its number is not what others are
        measured by: then it is the one before it.
        """
        policy = self.policy(release.app_id) or asked
        self._traffic.count(release.app_id, policy is not None)
        with self._database.read() as session:
            live_id = session.scalar(select(AppRow.current_release_id).where(AppRow.id == release.app_id))
        if policy is None or live_id is None or live_id == release.id or release.kind is ReleaseKind.ROLLBACK:
            return None
        live = self.of([live_id]).get(live_id)
        if live is not None and live.state is BakeState.OPEN:
            before_id, before = live.before_id, live.before
        else:
            before_id, before = live_id, self._numbers(release.app_id) or Numbers()
        row = BakeRow(id=release.id, app_id=release.app_id, state=BakeState.OPEN, **asdict(policy))
        row.before_id, row.before, row.now, row.words = before_id, json.dumps(asdict(before)), "{}", ""
        with self._database.write() as session:
            if session.get(BakeRow, release.id) is None:
                session.add(row)
        return self.of([release.id])[release.id]

    def may_go_back_to(self, app_id: AppId) -> frozenset[str]:
        """The ids of the releases that the app's trials would bring back."""
        mine = (BakeRow.app_id == app_id, BakeRow.state.in_((BakeState.OPEN, BakeState.WORSE)))
        with self._database.read() as session:
            return frozenset(session.scalars(select(BakeRow.before_id).where(*mine)))

    def under_way(self) -> list[Bake]:
        """The trials that are to be looked at."""
        begun = (BakeRow.state.in_((BakeState.OPEN, BakeState.WORSE)), AppRow.destroyed_at.is_(None))
        query = select(BakeRow).join(AppRow, AppRow.id == BakeRow.app_id).where(*begun)
        with self._database.read() as session:
            return [_bake(row) for row in session.scalars(query)]

    def look(self, roll_back: RollBack) -> None:
        """Look at every trial under way. One at a time: the caller holds a lease."""
        for bake in self.under_way():
            with contained(f"bake window of app {bake.app_id}"):
                self._look_at(bake, roll_back)

    def _look_at(self, bake: Bake, roll_back: RollBack) -> None:
        release = self._history.get(bake.release_id)
        [newest] = self._history.newest(bake.app_id, 1)
        if bake.state is BakeState.WORSE:
            self._take_back(bake, release, newest, roll_back)
        elif release.state is ReleaseState.FAILED:
            self._move(bake, BakeState.ENDED, "the release failed")
        elif release.state is ReleaseState.LIVE and not release.current:
            self._move(bake, BakeState.ENDED, "another release went live")
        elif release.state is ReleaseState.LIVE and newest.is_decided:  # else people are doing something already
            self._measure(bake, release, newest, roll_back)

    def _measure(self, bake: Bake, release: Release, newest: Release, roll_back: RollBack) -> None:
        until = bake.until or release.updated_at + timedelta(minutes=bake.policy.minutes)
        now = self._numbers(bake.app_id) or bake.now
        worse = judge(bake.policy, bake.before, now)
        with self._database.write() as session:
            values = {"now": json.dumps(asdict(now)), "until": until}
            session.execute(update(BakeRow).where(BakeRow.id == bake.release_id).values(**values))
        if worse:
            self._move(bake, BakeState.WORSE, worse)
            self._take_back(self.of([bake.release_id])[bake.release_id], release, newest, roll_back)
        elif clock.now() >= until:
            self._move(bake, BakeState.PASSED, summary(bake.policy, now))

    def _take_back(self, bake: Bake, release: Release, newest: Release, roll_back: RollBack) -> None:
        """See to the rollback: ask for it, unless somebody did who died after it; then await what becomes of it."""
        why = f"{release.name} was worse: {bake.words}"
        is_ours = newest.kind is ReleaseKind.ROLLBACK and f"{release.name} was worse: " in newest.description
        if not newest.is_decided:
            return
        if not release.current:
            self._move(bake, BakeState.ROLLED_BACK if is_ours else BakeState.ENDED, bake.words)
        elif is_ours:
            self._move(bake, BakeState.KEPT, f"{bake.words}. The rollback to the one before failed: {newest.reason}")
        else:
            try:
                roll_back(bake.app_id, bake.before_id, Automatic(release.user_id, release.user_email), why)
            except Unavailable:  # the registry, say: the next look asks again
                raise
            except UserError as error:
                self._move(bake, BakeState.KEPT, f"{bake.words}. It can't be rolled back: {error.message}")

    def _numbers(self, app_id: AppId) -> Numbers | None:
        """What is counted of the app's present generation; None when it is not counted, or the router is away."""
        try:
            seen = self._traffic.seen(app_id)
        except Unavailable:
            return None
        return None if seen is None else Numbers(seen.requests, seen.errors, seen.p95_ms)

    def _end_all(self, app_id: AppId, words: str) -> None:
        mine = (BakeRow.app_id == app_id, BakeRow.state.in_(sorted(BAKE.before(BakeState.ENDED))))
        with self._database.write() as session:
            session.execute(update(BakeRow).where(*mine).values(state=BakeState.ENDED, words=words))

    def _move(self, bake: Bake, to: BakeState, words: str) -> None:
        with self._database.write() as session:
            BAKE.move(session, BakeRow, bake.release_id, to, words=words)


def _policy(row: BakePolicyRow | BakeRow) -> BakePolicy:
    return BakePolicy(row.minutes, row.errors_percent, row.p95_factor, row.least_requests)


def _bake(row: BakeRow) -> Bake:
    numbers = (Numbers(**json.loads(row.before)), Numbers(**json.loads(row.now)))
    state = BakeState(row.state)
    return Bake(row.id, AppId(row.app_id), state, _policy(row), row.before_id, *numbers, row.words, row.until)

"""Room on the disk for pushes: measured, judged by `disk.judge_room`, and claimed, so that two at once don't share it.

A claim counts until its push is over; a push that was never recorded (its client left, its process died) counts for
an hour at most.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import delete, select, update

from builder import Builder
from core import clock
from core.database import Database
from core.errors import Unavailable
from core.ids import AppId, new_id
from gitreceiver.disk import COMPARED, Disks, Forecast, Need, NoRoom, forecast, judge_room, refusal
from gitreceiver.settings import ReceiverSettings
from gitreceiver.tables import DiskClaimRow, PushRow
from gitreceiver.types import PushState

_UNRECORDED = timedelta(hours=1)


@dataclass(frozen=True)
class Claim:
    """What one push holds. `state`: of its push; None while it has no record."""

    need: Need
    state: PushState | None


def still_needed(claim: Claim) -> Need | None:
    """What a push will take from now on: free space has shrunk by what it took. None when it is over.

    A build is reckoned in full until it has ended, for how far it is can't be known.
    """
    match claim.state:
        case None:
            return claim.need
        case PushState.RECEIVED | PushState.BUILDING:
            return replace(claim.need, source_bytes=0)
        case PushState.RELEASING:
            return Need(upload_bytes=claim.need.upload_bytes)
        case _:
            return None


class Room:
    """The disks that pushes land on. Used by several processes at once."""

    def __init__(
        self,
        database: Database,
        builder: Builder,
        home: Path,
        settings: ReceiverSettings,
        *,
        uploads_here: bool = True,
        freeable_bytes: Callable[[], int | None] = lambda: None,
    ) -> None:
        """`home`: where packs are stored. `freeable_bytes`: what a gc would free, asked only for a refusal."""
        self._database = database
        self._builder = builder
        self._home = home
        self._settings = settings
        self._uploads_here = uploads_here
        self._freeable_bytes = freeable_bytes

    def claim(self, app_id: AppId, *, builds: bool = True) -> str:
        """Hold what the app's next push is predicted to take; the claim's id. Raises DiskNearlyFull.

        `builds`: it goes to a branch that deploys.
        """
        wanted = self._forecast(app_id)
        wanted = wanted if builds else Forecast(Need(wanted.need.source_bytes), wanted.builds)
        with self._alone():
            problem = self._judged(wanted)
            if problem is None:
                return self._record(app_id, wanted.need)
        freeable_bytes = None
        with suppress(Unavailable):
            freeable_bytes = self._freeable_bytes() if problem.at_engine else None
        raise refusal(replace(problem, freeable_bytes=freeable_bytes))

    def settle(self, claim_id: str, push_id: str | None, pack_bytes: int = 0) -> None:
        """Tie a claim to its push, whose pack had so many bytes; or give it up, when there is no push."""
        with self._database.write() as session:
            if push_id is None:
                session.execute(delete(DiskClaimRow).where(DiskClaimRow.id == claim_id))
                return
            session.execute(update(DiskClaimRow).where(DiskClaimRow.id == claim_id).values(push_id=push_id))
            session.execute(update(PushRow).where(PushRow.id == push_id).values(pack_bytes=pack_bytes))

    def forget_app(self, app_id: AppId) -> None:
        with self._database.write() as session:
            session.execute(delete(DiskClaimRow).where(DiskClaimRow.app_id == app_id))

    def _forecast(self, app_id: AppId) -> Forecast:
        sizes = select(PushRow.pack_bytes).where(PushRow.app_id == app_id, PushRow.pack_bytes.is_not(None))
        with self._database.read() as session:
            latest = session.scalars(sizes.order_by(PushRow.created_at.desc()).limit(COMPARED))
            packs = [size_bytes or 0 for size_bytes in latest]
        return forecast(self._builder.took(app_id, COMPARED), packs, self._settings.first_build_bytes)

    def _judged(self, wanted: Forecast) -> NoRoom | None:
        needs = [need for claim in self._claims() if (need := still_needed(claim)) is not None]
        reserve_bytes = self._settings.min_free_bytes
        return judge_room(wanted, needs, self._disks(), reserve_bytes, uploads_here=self._uploads_here)

    def _claims(self) -> Sequence[Claim]:
        query = select(DiskClaimRow, PushRow.state).outerjoin(PushRow, PushRow.id == DiskClaimRow.push_id)
        young = (DiskClaimRow.push_id.is_not(None)) | (DiskClaimRow.made_at > clock.now() - _UNRECORDED)
        with self._database.read() as session:
            return [
                Claim(Need(row.source_bytes, row.build_bytes, row.upload_bytes), _state(row, state))
                for row, state in session.execute(query.where(young))
            ]

    def _record(self, app_id: AppId, need: Need) -> str:
        claim_id = new_id()
        with self._database.write() as session:
            over = select(PushRow.id).where(PushRow.finished_at.is_not(None))
            session.execute(delete(DiskClaimRow).where(DiskClaimRow.push_id.in_(over)))
            old = (DiskClaimRow.push_id.is_(None)) & (DiskClaimRow.made_at < clock.now() - _UNRECORDED)
            session.execute(delete(DiskClaimRow).where(old))
            session.add(DiskClaimRow(id=claim_id, app_id=app_id, made_at=clock.now(), **need.__dict__))
        return claim_id

    def _disks(self) -> Disks:
        engine = self._home  # out of reach, or down: reckoned here, which errs on the side of a refusal
        with suppress(Unavailable):
            engine = self._builder.data_root or engine
        return Disks(
            home=str(self._home),
            home_free_bytes=shutil.disk_usage(self._home).free,
            engine=str(engine),
            engine_free_bytes=shutil.disk_usage(engine).free,
            is_one=os.stat(engine).st_dev == os.stat(self._home).st_dev,
        )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One claimer at a time on this machine; also on a full disk, where no lock file could be made."""
        self._home.mkdir(parents=True, exist_ok=True)
        folder = os.open(self._home, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)


def _state(row: DiskClaimRow, state: str | None) -> PushState | None:
    """A claim whose push was forgotten with its app counts as over."""
    if row.push_id is None:
        return None
    return PushState(state) if state else PushState.FAILED

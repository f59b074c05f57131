"""The table of builds, read and written."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, func, select, update

from builder.disk import Took
from builder.tables import BUILD_LIFE, BuildRow, BuildState, CacheRow
from builder.types import BuildRequest
from core import clock
from core.database import Database
from core.ids import AppId, new_id

_LONGEST_S = 24 * 3600.0


@dataclass(frozen=True)
class Cache:
    """`owner`: under whose name BuildKit keeps the cache mounts. `is_empty`: purged, and nothing was built since."""

    owner: str
    is_empty: bool


class Records:
    """Builds in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, request: BuildRequest, key: str, config_key: str, pack: str) -> BuildRow:
        """A new build in state `building`."""
        row = BuildRow(
            id=new_id(),
            app_id=request.app_id,
            key=key,
            config_key=config_key,
            pack=pack,
            commit=request.commit,
            state=BuildState.BUILDING,
            created_at=clock.now(),
        )
        with self._database.write() as session:
            session.add(row)
            session.flush()
            session.expunge(row)
        return row

    def succeeded(self, build_id: str, image_id: str, took: Took | None = None) -> None:
        self._finish(build_id, BuildState.SUCCEEDED, image_id=image_id, **_columns(took))

    def failed(self, build_id: str, reason: str, took: Took | None = None) -> None:
        self._finish(build_id, BuildState.FAILED, reason=reason, **_columns(took))

    def _finish(self, build_id: str, state: BuildState, **values: str | int) -> None:
        with self._database.write() as session:
            BUILD_LIFE.move(session, BuildRow, build_id, state, finished_at=clock.now(), **values)

    def moved(self, build_id: str, image_id: str) -> None:
        """The image came back from the registry under another id."""
        with self._database.write() as session:
            session.execute(update(BuildRow).where(BuildRow.id == build_id).values(image_id=image_id))

    def finished(self, app_id: AppId, key: str) -> BuildRow | None:
        """The latest build of this key that succeeded."""
        wanted = (BuildRow.app_id == app_id, BuildRow.key == key, BuildRow.state == BuildState.SUCCEEDED)
        with self._database.read() as session:
            row = session.scalars(select(BuildRow).where(*wanted).order_by(BuildRow.created_at.desc())).first()
            if row is not None:
                session.expunge(row)
            return row

    def latest_image(self, app_id: AppId) -> str | None:
        """The image of the app's latest build that succeeded, which the engine may have dropped since."""
        wanted = (BuildRow.app_id == app_id, BuildRow.state == BuildState.SUCCEEDED)
        with self._database.read() as session:
            newest = select(BuildRow.image_id).where(*wanted).order_by(BuildRow.created_at.desc())
            return session.scalars(newest).first()

    def took(self, app_id: AppId, most: int) -> list[Took]:
        """What the app's latest builds took on the disk, the newest first."""
        columns = select(BuildRow.disk_bytes, BuildRow.layers_bytes)
        measured = columns.where(BuildRow.app_id == app_id, BuildRow.disk_bytes.is_not(None))
        with self._database.read() as session:
            found = session.execute(measured.order_by(BuildRow.created_at.desc()).limit(most))
            return [Took(disk_bytes or 0, layers_bytes or 0) for disk_bytes, layers_bytes in found]

    def config_stamp(self, app_id: AppId, config_key: str) -> str:
        """The id of the app's first build with this build-time config; "" when there is no such config.

        It stands in the Dockerfile so that other config means other layers: BuildKit does not count a secret's value.
        Unlike a hash of the values, it tells nothing about them to who reads the image's history.
        """
        if not config_key:
            return ""
        wanted = (BuildRow.app_id == app_id, BuildRow.config_key == config_key)
        with self._database.read() as session:
            first = select(BuildRow.id).where(*wanted).order_by(BuildRow.created_at, BuildRow.id)
            return session.scalars(first).first() or ""

    def builds(self, app_id: AppId) -> list[str]:
        """The ids of an app's builds, newest first."""
        newest = select(BuildRow.id).where(BuildRow.app_id == app_id).order_by(BuildRow.created_at.desc())
        with self._database.read() as session:
            return list(session.scalars(newest))

    def known(self) -> frozenset[str]:
        """The ids of all builds."""
        with self._database.read() as session:
            return frozenset(session.scalars(select(BuildRow.id)))

    def wanted(self, most: int) -> frozenset[str]:
        """The ids of each app's newest `most` builds, and of those that may still be under way."""
        place = func.row_number().over(partition_by=BuildRow.app_id, order_by=BuildRow.created_at.desc())
        ranked = select(BuildRow.id, BuildRow.state, BuildRow.created_at, place.label("place")).subquery()
        running = (ranked.c.state == BuildState.BUILDING.value) & (ranked.c.created_at > clock.after(-_LONGEST_S))
        with self._database.read() as session:
            return frozenset(session.scalars(select(ranked.c.id).where((ranked.c.place <= most) | running)))

    def cache(self, app_id: AppId) -> Cache:
        """The caches that the app's next build uses."""
        with self._database.read() as session:
            row = session.get(CacheRow, app_id)
            if row is None:
                return Cache(app_id, is_empty=False)
            since = (BuildRow.app_id == app_id, BuildRow.created_at > row.purged_at)
            used = select(BuildRow.id).where(*since, BuildRow.state == BuildState.SUCCEEDED)
            return Cache(f"{app_id}.{row.generation}", is_empty=session.scalars(used).first() is None)

    def purge_cache(self, app_id: AppId) -> None:
        """Let the app's builds begin new caches. Nobody uses the old ones any more, so they go first when space does:
        BuildKit can't delete the mounts of one app."""
        with self._database.write() as session:
            row = session.get(CacheRow, app_id)
            if row is None:
                session.add(CacheRow(app_id=app_id, generation=1, purged_at=clock.now()))
            else:
                row.generation, row.purged_at = row.generation + 1, clock.now()

    def forget(self, app_id: AppId) -> None:
        with self._database.write() as session:
            session.execute(delete(CacheRow).where(CacheRow.app_id == app_id))
            session.execute(delete(BuildRow).where(BuildRow.app_id == app_id))


def _columns(took: Took | None) -> dict[str, int]:
    return {} if took is None else {"disk_bytes": took.disk_bytes, "layers_bytes": took.layers_bytes}

"""The router's records: reads and writes inside a session that the caller holds. Nothing here talks to HAProxy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, func, insert, select, text, true
from sqlalchemy.orm import Session

from core import clock
from core.errors import Conflict
from core.ids import AppId
from router import holds, proxies
from router.hosts import platform_host
from router.plan import RouteTable, Scope, Server
from router.tables import BackendRow, DomainRow, RouteRow, SlotRow, SlotState, slot_name
from router.types import Backend, Protocol

_USED_FROM_ZERO = text("""
    WITH RECURSIVE search(used, block) AS (
        SELECT 0, CAST(:block AS INTEGER)
        UNION ALL
        SELECT used + CASE WHEN block = (
            SELECT count(*) FROM router_slots WHERE number >= used AND number < used + block
        ) THEN block ELSE 0 END, block / 2
        FROM search WHERE block > 0
    )
    SELECT max(used) FROM search
""")
"""How many numbers from 0 on are used without a gap: as many blocks as are full, each half as long as the last."""


def route(session: Session, app_id: AppId) -> RouteRow:
    """The app's row, made on first use."""
    row = session.get(RouteRow, app_id)
    if row is None:
        row = RouteRow(app_id=app_id, label=None, generation=None, created_at=clock.now())
        session.add(row)
        session.flush()
    return row


def point(session: Session, app_id: AppId, generation: str, backends: Sequence[Backend]) -> None:
    """Make exactly `backends` the app's route. Another generation's slot, if any, begins to drain, and a hold ends."""
    row = route(session, app_id)
    if row.generation != generation:
        row.generation, row.hold_until = generation, None
    mine: SlotRow | None = None
    for slot in slots_of(session, app_id):
        if slot.state == SlotState.RETIRED:
            continue
        if slot.generation == generation:
            mine = slot
        elif slot.state == SlotState.CURRENT:
            slot.state = SlotState.DRAINING
    if mine is not None:
        mine.state = SlotState.CURRENT
        _fill(session, mine.number, backends)
    elif backends:
        number = _take_slot(session, app_id, generation)
        each = {backend.instance_id: _values(number, backend) for backend in backends}
        session.execute(insert(BackendRow), list(each.values()))
    session.flush()


def _take_slot(session: Session, app_id: AppId, generation: str) -> int:
    """Take the free slot with the lowest number; gives that."""
    speaks = proxies.mode(session, app_id).protocol
    number = _lowest_free(session)
    slot = {"app_id": app_id, "generation": generation, "state": SlotState.CURRENT, "protocol": speaks}
    session.execute(insert(SlotRow), {"number": number, **slot})
    return number


def _lowest_free(session: Session) -> int:
    """The lowest number that no slot has. To read ten thousand numbers would take longer than all else of a switch,
    and the database counts a range in no time: where fewer are used than there are, one is free."""
    most = highest_slot(session) + 1
    return int(session.connection().scalar(_USED_FROM_ZERO, {"block": (1 << most.bit_length()) // 2}) or 0)


def _fill(session: Session, slot: int, backends: Sequence[Backend]) -> None:
    wanted = {backend.instance_id: backend for backend in backends}
    for row in session.scalars(select(BackendRow).where(BackendRow.slot == slot)):
        backend = wanted.pop(row.instance_id, None)
        if backend is None:
            session.delete(row)
        else:
            row.address, row.port = backend.address, backend.port
    session.add_all(BackendRow(**_values(slot, backend)) for backend in wanted.values())


def _values(slot: int, backend: Backend) -> dict[str, str | int]:
    return {"slot": slot, "instance_id": backend.instance_id, "address": backend.address, "port": backend.port}


def slots_of(session: Session, app_id: AppId, generation: str | None = None) -> list[SlotRow]:
    """The slots that the app holds, of one generation or of all."""
    query = select(SlotRow).where(SlotRow.app_id == app_id).order_by(SlotRow.number)
    return list(session.scalars(query if generation is None else query.where(SlotRow.generation == generation)))


def is_counted(session: Session, app_id: AppId) -> bool:
    """Whether the app's answers are counted."""
    return bool(session.scalar(select(RouteRow.counted).where(RouteRow.app_id == app_id)))


def counted_generation(session: Session, app_id: AppId) -> str | None:
    """The app's present generation, if it is counted and has a slot."""
    current = (slot.generation for slot in slots_of(session, app_id) if slot.state == SlotState.CURRENT)
    return next(current, None) if is_counted(session, app_id) else None


def retire(session: Session, app_id: AppId, generation: str) -> None:
    """Mark the generation's draining slots as to be emptied. The current generation stays."""
    for slot in slots_of(session, app_id, generation):
        if slot.state == SlotState.DRAINING:
            slot.state = SlotState.RETIRED


def forget(session: Session, app_id: AppId) -> None:
    """Drop the app's route and hosts; its slots are to be emptied."""
    session.execute(delete(DomainRow).where(DomainRow.app_id == app_id))
    session.execute(delete(RouteRow).where(RouteRow.app_id == app_id))
    for slot in slots_of(session, app_id):
        slot.state = SlotState.RETIRED


def free(session: Session, emptied: Iterable[str]) -> None:
    """Give back those retired slots that HAProxy holds no server in any more."""
    names = set(emptied)
    for slot in session.scalars(select(SlotRow).where(SlotRow.state == SlotState.RETIRED)):
        if slot.name in names:
            session.execute(delete(BackendRow).where(BackendRow.slot == slot.number))
            session.delete(slot)


def addresses(session: Session) -> frozenset[str]:
    """Every address in any slot, the draining and the retired included."""
    return frozenset(session.scalars(select(BackendRow.address).distinct()))


def highest_slot(session: Session) -> int:
    """The highest slot number in use; -1 when there is none."""
    highest = session.scalar(select(func.max(SlotRow.number)))
    return -1 if highest is None else highest


def used_slots(session: Session) -> int:
    """How many slots are not free."""
    return session.scalar(select(func.count()).select_from(SlotRow)) or 0


def read(session: Session, domain: str, app_id: AppId | None = None) -> tuple[RouteTable, Scope, frozenset[str]]:
    """The table that HAProxy should have, what it covers, and the retired slots in it; for one app or for all.

    Columns, not rows: objects for ten thousand apps would take ten times as long.
    """
    columns = (RouteRow.app_id, RouteRow.label, RouteRow.counted, RouteRow.hold_until)
    routes = session.execute(select(*columns).where(_of(RouteRow.app_id == app_id, app_id))).all()
    customs = session.execute(select(DomainRow.host, DomainRow.app_id).where(_of(DomainRow.app_id == app_id, app_id)))
    slots = _slots(session, app_id)
    numbers = [slot.number for slot in slots]
    h2c = {slot.number for slot in slots if slot.protocol == Protocol.H2C}
    members: dict[int, dict[str, Server]] = {number: {} for number in numbers}
    servers = select(BackendRow.slot, BackendRow.instance_id, BackendRow.address, BackendRow.port)
    for slot, name, address, port in session.execute(servers.where(_of(BackendRow.slot.in_(numbers), app_id))):
        members[slot][name] = Server(name, address, port, h2c=slot in h2c)

    hosts = {custom.host: custom.app_id for custom in customs}
    hosts |= {platform_host(row.label, domain): row.app_id for row in routes if row.label}
    counted = {row.app_id for row in routes if row.counted}
    table = RouteTable(
        hosts=hosts,
        targets={s.app_id: s.name for s in slots if s.state == SlotState.CURRENT and members[s.number]},
        slots={s.name: members[s.number] for s in slots if s.state != SlotState.RETIRED},
        counted={s.name: s.generation for s in slots if s.state != SlotState.RETIRED and s.app_id in counted},
        holds={app_id: holds.entry(until) for app_id, _, counts, until in routes if counts or holds.is_on(until)},
    )
    apps = frozenset({app_id} if app_id else {row.app_id for row in routes})
    scope = Scope(frozenset(hosts), apps, frozenset(map(slot_name, numbers)))
    return table, scope, frozenset(s.name for s in slots if s.state == SlotState.RETIRED)


class _Slot(NamedTuple):
    """A slot in use, as its row tells."""

    number: int
    name: str
    app_id: str
    generation: str
    state: str
    protocol: str


def _slots(session: Session, app_id: AppId | None) -> list[_Slot]:
    columns = (SlotRow.number, SlotRow.app_id, SlotRow.generation, SlotRow.state, SlotRow.protocol)
    found = session.execute(select(*columns).where(_of(SlotRow.app_id == app_id, app_id)))
    return [_Slot(number, slot_name(number), *rest) for number, *rest in found]


def _of(condition: ColumnElement[bool], app_id: AppId | None) -> ColumnElement[bool]:
    return true() if app_id is None else condition


def rename(session: Session, app_id: AppId, label: str, domain: str) -> str | None:
    """Give the app its label; gives the one before it. Raises Conflict when the label's host is somebody's."""
    holder = session.scalar(select(RouteRow).where(RouteRow.label == label))
    if holder is not None and holder.app_id != app_id:
        raise Conflict(f"The host {platform_host(label, domain)} belongs to another app.", "Choose another name.")
    row = route(session, app_id)
    before, row.label = row.label, label
    return before if before != label else None


def labels(session: Session) -> dict[AppId, str]:
    """The label of every named app."""
    rows = session.execute(select(RouteRow.app_id, RouteRow.label).where(RouteRow.label.is_not(None)))
    return {AppId(app_id): str(label) for app_id, label in rows}


def label_of(session: Session, app_id: AppId) -> str | None:
    """The app's label, if it has one."""
    return session.scalar(select(RouteRow.label).where(RouteRow.app_id == app_id))

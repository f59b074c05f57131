"""Addresses: each belongs to one instance, by a record, until no router lists it any more.

Left to itself the engine gives a removed container's address to the next one, and a route that is a moment old would
then lead to another app.
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Collection, Sequence

from sqlalchemy import CompoundSelect, delete, select
from sqlalchemy.orm import Session

from core.database import in_parts
from core.errors import Unavailable, UserError
from router import Router
from scheduler.states import RUN, InstanceState
from scheduler.tables import AddressRow, InstanceRow, RunRow


def pick(subnet: str, taken: Collection[str], count: int, start: int) -> list[str]:
    """`count` addresses of `subnet` that are not `taken`, counted upwards from `start` and around.

    The first address is the network's own, the second its gateway, the last its broadcast address: none of these is
    given. Raises UserError when the subnet is used up.
    """
    network = ipaddress.ip_network(subnet)
    usable = network.num_addresses - 3
    found: list[str] = []
    for step in range(usable):
        if len(found) == count:
            break
        address = str(network[2 + (start + step) % usable])
        if address not in taken:
            found.append(address)
    if len(found) < count:
        raise UserError(
            f"The subnet {subnet} has no {count} free addresses for new instances.",
            "Scale something down, or give PORTSIDE_SCHEDULER_SUBNET a larger range.",
        )
    return found


def listed_by(router: Router) -> frozenset[str]:
    """What the router lists; nothing when it does not answer. (An address is freed only when it does, and does not
    list it: this only guards against records that were restored from an old backup.)"""
    try:
        return router.listed_addresses()
    except Unavailable:
        return frozenset()


def lease(session: Session, subnet: str, instance_ids: Sequence[str], listed: Collection[str]) -> dict[str, str]:
    """An address for each instance, recorded; none that is leased or `listed` by the router.

    Starts at a random place, so that an address just freed is the last to be used again.
    """
    taken = set(session.scalars(select(AddressRow.address))) | set(listed)
    start = random.randrange(2**16)  # noqa: S311 - spreads, protects nothing
    picked = dict(zip(instance_ids, pick(subnet, taken, len(instance_ids), start), strict=True))
    session.add_all(AddressRow(address=address, instance_id=owner) for owner, address in picked.items())
    return picked


def swap(session: Session, subnet: str, instance_id: str, listed: Collection[str]) -> str:
    """Another address for an instance whose own turned out to be taken; the old one stays out of use for now."""
    address = lease(session, subnet, [instance_id], listed)[instance_id]
    row = session.get_one(InstanceRow, instance_id)
    row.address = address
    return address


def free_unlisted(session: Session, listed: Collection[str]) -> None:
    """End the leases of instances that are over, where the router no longer lists the address."""
    alive = _alive()
    over = session.scalars(select(AddressRow.address).where(AddressRow.instance_id.not_in(alive)))
    free = [address for address in over if address not in listed]
    for some in in_parts(free):
        session.execute(delete(AddressRow).where(AddressRow.address.in_(some)))


def _alive() -> CompoundSelect[str]:
    """The ids of all that may have a container with an address: instances and one-off runs."""
    instances = select(InstanceRow.id).where(InstanceRow.state != InstanceState.STOPPED)
    return instances.union_all(select(RunRow.id).where(RunRow.state.not_in(sorted(RUN.final))))


def any_over(session: Session) -> bool:
    """Whether there is anything for `free_unlisted` to do."""
    alive = _alive()
    return session.scalar(select(AddressRow.address).where(AddressRow.instance_id.not_in(alive)).limit(1)) is not None

"""Portside's own bridge in the engine, and whether its addresses are free on this machine."""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from docker.errors import APIError
from docker.types import IPAMConfig, IPAMPool

from core.errors import UserError
from scheduler.settings import SchedulerSettings

ROUTES = Path("/proc/net/route")
DEVICES = Path("/sys/class/net")
_BRIDGE = "br-"  # and the first twelve digits of its network's id: the engine's own way to name one
_NO_ICC = {"com.docker.network.bridge.enable_icc": "false"}


def make(api: Any, settings: SchedulerSettings, labels: dict[str, str]) -> None:
    """Make the bridge; none of its instances may speak to another. Raises UserError when its addresses are taken.

    An engine that lost its data has left the bridge of before on the machine: then the new network stands on that.
    """
    routes = ROUTES.read_text()
    left = left_behind(settings.subnet, routes, [one["Id"] for one in api.networks()], _is_empty)
    if left is None:
        _check_free(settings.subnet, routes)
    try:
        api.create_network(
            settings.network,
            driver="bridge",
            options=_NO_ICC | ({"com.docker.network.bridge.name": left} if left else {}),
            ipam=IPAMConfig(pool_configs=[IPAMPool(subnet=settings.subnet)]),
            check_duplicate=True,
            labels=labels,
        )
    except APIError as error:
        if error.status_code == 409:  # another process has just made it
            return
        raise UserError(
            f"The Docker network {settings.network} can't have {settings.subnet}: {error.explanation}",
            "Set PORTSIDE_SCHEDULER_SUBNET to a private range that is free on this machine.",
        ) from error


def left_behind(subnet: str, routes: str, known_ids: Collection[str], is_empty: Callable[[str], bool]) -> str | None:
    """The bridge of exactly that subnet which is no network of the engine's any more and has nothing on it."""
    wanted = ipaddress.ip_network(subnet)
    overlapping = [(device, other) for device, other in _routes(routes) if other.overlaps(wanted)]
    if len(overlapping) != 1:
        return None
    [(device, other)] = overlapping
    known = any(known_id.startswith(device.removeprefix(_BRIDGE)) for known_id in known_ids)
    is_left = device.startswith(_BRIDGE) and other == wanted and not known and is_empty(device)
    return device if is_left else None


def _is_empty(device: str) -> bool:
    """Whether a bridge has no interface of a container on it."""
    ports = DEVICES / device / "brif"
    return ports.is_dir() and not any(ports.iterdir())


def _check_free(subnet: str, routes: str) -> None:
    """Raise UserError when the machine sends that subnet, or a part of it, somewhere already.

    The engine does not look: with two interfaces of one range nothing would reach the instances.
    """
    wanted = ipaddress.ip_network(subnet)
    taken = next(((device, other) for device, other in _routes(routes) if other.overlaps(wanted)), None)
    if taken is None:
        return
    device, other = taken
    todo = "Set PORTSIDE_SCHEDULER_SUBNET to a private range that is free on this machine."
    if device.startswith(_BRIDGE):
        todo += f" If a Docker Engine that is gone has left {device} behind: ip link delete {device}"
    raise UserError(f"Instances can't have {subnet}: this machine sends {other} to {device} already.", todo)


def _routes(table: str) -> Iterator[tuple[str, ipaddress.IPv4Network]]:
    """(device, network) of each route but the default ones, from the form of proc(5), /proc/net/route."""
    for line in table.splitlines()[1:]:
        device, destination, _, _, _, _, _, mask, *_ = line.split()
        network = ipaddress.IPv4Network((_address(destination), _address(mask)))
        if network.prefixlen:
            yield device, network


def _address(text: str) -> str:
    return socket.inet_ntoa(struct.pack("=L", int(text, 16)))

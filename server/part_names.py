"""What the routers among the parts are called. It imports nothing: every part reads it before it is what it is."""

from __future__ import annotations

ROUTER = "router"


def is_router(name: str) -> bool:
    """Whether the part is a HAProxy; the first is called as the only one is."""
    return name.partition("-")[0] == ROUTER


def router_number(name: str) -> int:
    return int(name.partition("-")[2] or 1)


def router_name(number: int) -> str:
    return ROUTER if number == 1 else f"{ROUTER}-{number}"

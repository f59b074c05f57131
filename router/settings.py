"""The router's settings: section `router`, so `PORTSIDE_ROUTER_HTTP_PORT` and so on."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from core.errors import UserError

_HTTP_PORT, _HTTPS_PORT = 80, 443
MOST_INSTANCES = 8


@dataclass(frozen=True)
class RouterSettings:
    """`http_port` at the addresses of `bind` (with a comma between two; IPv4 and IPv6 are apart, so all of both are
    `0.0.0.0,::`) is where people come in, and `https_port` (0: none) where they do so over TLS.

    `instances`: how many HAProxies share these ports, the kernel giving each its part of new connections.
    `spare_slots`: how many free slots (HAProxy backends) a fresh configuration holds; more are made by a seamless
    reload when fewer than a quarter of them are left. `maxconn`: connections at once; lowered by itself where the
    file limit is too small for it. `threads`: of HAProxy. `old_worker_s`: how long HAProxy's former worker may keep
    long connections (WebSockets) after such a reload. `connect_timeout_s` is short because instances are a bridge
    away: it is what a request to one that just vanished waits before it goes to the next.

    `hold_most_s`: the longest that an app's requests are held while its release phase runs. `hold_requests`: how many
    of one app; the rest are refused.
    `request_log_kb`: how much of an app's newest request lines is kept on the disk, twice at most; 0 keeps none.
    `log_query_values`: whether they show the values in a query, too (`?page=2`, else `?page=…`).

    The rest are times in seconds. Heroku gives an app 30 s for its first byte and 55 s between later ones
    (https://devcenter.heroku.com/articles/request-timeout); HAProxy 2.6 has one timeout for both, so it is the longer.
    """

    instances: int = 1
    http_port: int = 8080
    https_port: int = 8443
    bind: str = "0.0.0.0"  # noqa: S104 - people reach their apps from outside
    spare_slots: int = 64
    maxconn: int = 4000
    hold_most_s: float = 60.0
    hold_requests: int = 200
    threads: int = 2
    request_log_kb: int = 256
    log_query_values: bool = False
    connect_timeout_s: float = 1.0
    request_timeout_s: float = 10.0
    silence_timeout_s: float = 55.0
    keep_alive_s: float = 10.0
    tunnel_timeout_s: float = 3600.0
    old_worker_s: float = 600.0
    control_timeout_s: float = 5.0
    reload_timeout_s: float = 20.0

    def __post_init__(self) -> None:
        for address in self.addresses:
            try:
                if "%" in address:
                    raise ValueError("an address with a zone")
                ipaddress.ip_address(address)
            except ValueError as error:
                raise UserError(
                    f"The router is to listen on {address!r}, which is not an IP address.",
                    "Set PORTSIDE_ROUTER_BIND to an address of this machine, to 0.0.0.0 for all IPv4, or to 0.0.0.0,::"
                    " for all.",
                ) from error
        if not 1 <= self.instances <= MOST_INSTANCES:
            raise UserError(
                f"There are to be {self.instances} routers; it must be 1 to {MOST_INSTANCES}.",
                "Set PORTSIDE_ROUTER_INSTANCES.",
            )
        if self.spare_slots < 1:
            raise UserError(
                f"spare_slots is {self.spare_slots}; it must be 1 or more.", "Set PORTSIDE_ROUTER_SPARE_SLOTS."
            )

    @property
    def addresses(self) -> tuple[str, ...]:
        """Those of `bind`."""
        return tuple(address.strip() for address in self.bind.split(","))

    @property
    def ipv6(self) -> bool:
        """Whether people may come by IPv6."""
        return any(":" in address for address in self.addresses)

    def binds(self, port: int) -> tuple[str, ...]:
        """What HAProxy listens on. Never IPv4 on an IPv6 socket: a client's address is to be what it is."""
        return tuple(f"[{each}]:{port} v6only" if ":" in each else f"{each}:{port}" for each in self.addresses)

    @property
    def https_suffix(self) -> str:
        """What stands behind a host in an https:// address."""
        return "" if self.https_port == _HTTPS_PORT else f":{self.https_port}"

    def http_url(self, host: str) -> str:
        return f"http://{host}" if self.http_port == _HTTP_PORT else f"http://{host}:{self.http_port}"

    def https_url(self, host: str) -> str:
        return f"https://{host}{self.https_suffix}"

"""The settings of receiving: section `receiver` (`PORTSIDE_RECEIVER_*`)."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True)
class ReceiverSettings:
    """Limits of a push and of its build, and where the SSH gateway listens.

    `max_pack_mb`: the largest pack taken, in MiB. `min_free_mb`: what a push must leave free on every disk, in MiB:
    one that is predicted to leave less is refused before it is read. `first_build_mb`: what the first build of an app
    is taken to need, in MiB; later ones are predicted from those before.
    `keepalive_s`: silence after which git's keepalive goes out (5 s, as git's own `receive.keepAlive`).
    `idle_s`: silence of the client in the middle of its pack after which the push is given up.
    `parallel_builds`: builds that run at once; `build_timeout_s`: how long one may take.
    `ssh_keepalive_s`: how often a silent SSH client is asked for a sign of life; three misses end the connection.
    """

    max_pack_mb: int = 500
    min_free_mb: int = 1024
    first_build_mb: int = 300
    keepalive_s: float = 5.0
    idle_s: float = 120.0
    parallel_builds: int = 2
    build_timeout_s: float = 1800.0
    ssh_host: str = "0.0.0.0"  # noqa: S104  (people push from other machines; key authentication only)
    ssh_port: int = 2222
    ssh_login_grace_s: float = 30.0
    ssh_keepalive_s: float = 15.0
    ssh_max_connections: int = 100
    ssh_max_sessions: int = 4

    @property
    def max_pack_bytes(self) -> int:
        return self.max_pack_mb * MIB

    @property
    def min_free_bytes(self) -> int:
        return self.min_free_mb * MIB

    @property
    def first_build_bytes(self) -> int:
        return self.first_build_mb * MIB

"""Settings of the section `scheduler`: `PORTSIDE_SCHEDULER_*` or `[scheduler]` in portside.toml."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SchedulerSettings:
    """Where instances run, what each may use, and how long things may take.

    `platform` is the label value that tells this platform's containers from another's on the same engine.
    `docker_host` empty: what the `docker` command would use. The limits hold for each instance; `cpus` is a share of
    one second per second. `grace_s` is the time from SIGTERM to SIGKILL and `drain_s` the longest wait for requests
    still running on an old release (both 30 s, as Heroku's shutdown). `settle_s` is how long after a switch an idle
    backend may still be given a request that was on its way.

    A switch waits `router_wait_s` at most for a router that does not answer.

    A volume is only mounted while `volume_free_mb` are free where the engine keeps volumes. `change_timeout_s` is the
    longest that a change of storage may wait for its turn.

    The drained web instances of the release before are kept frozen for `warm_s`, for a rollback that takes no time; 0:
    never. All of them together may hold at most the part `warm_share` of the memory that would be free without them.
    One that is woken and not healthy within `wake_s` is given up for a new one.

    At most `starts_per_cpu` containers of instances, times the CPUs of the engine's host, are started at once.

    A crashed instance is replaced at once if it had run for `steady_s`; otherwise after `backoff_first_s`, twice that
    the next time, and so on up to `backoff_most_s`.

    `run_host` and `run_port`: where clients of attached one-off runs connect. An app has `run_most` runs
    at once. A run ends after `run_limit_s` at most
    (24 h, as Heroku's), one with a terminal also after `run_idle_s` without a byte; `run_open_s` is how long its
    client may take to connect, `run_seen_s` how long the process that carries its bytes may be silent.
    A cron moment that was missed is made up for within `cron_late_s`.
    """

    network: str = "portside"
    subnet: str = "10.87.0.0/16"
    platform: str = "portside"
    docker_host: str = ""
    memory_mb: int = 512
    cpus: float = 1.0
    pids: int = 256
    grace_s: float = 30.0
    drain_s: float = 30.0
    settle_s: float = 1.0
    uptime_s: float = 3.0
    boot_timeout_s: float = 60.0
    loop_s: float = 10.0
    router_wait_s: float = 20.0
    pending_s: float = 0.25
    steady_s: float = 60.0
    backoff_first_s: float = 1.0
    backoff_most_s: float = 300.0
    start_timeout_s: float = 120.0
    kept_s: float = 3600.0
    warm_s: float = 600.0
    warm_share: float = 0.25
    wake_s: float = 5.0
    parallel: int = 8
    starts_per_cpu: float = 4.0
    volume_free_mb: int = 1024
    change_timeout_s: float = 3600.0
    run_host: str = "0.0.0.0"  # noqa: S104  (people run from other machines; TLS, and a secret good for one run)
    run_port: int = 2223
    run_most: int = 50
    run_limit_s: int = 86_400
    run_idle_s: float = 3600.0
    run_open_s: float = 30.0
    run_seen_s: float = 15.0
    cron_late_s: float = 3600.0

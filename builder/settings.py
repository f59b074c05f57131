"""Settings of the builder: section `builder`."""

from __future__ import annotations

from dataclasses import dataclass

from builder.limits import Limits, default_memory_mb


@dataclass(frozen=True)
class BuilderSettings:
    """`registry_url`: `host:port` of an OCI registry (plain HTTP on loopback, else HTTPS), or a whole http(s) URL.

    `docker`: a client with BuildKit; `docker_host`: as DOCKER_HOST, empty for the client's default. `base_image`:
    what language images start from. `build_timeout_s` bounds every build, `registry_answer_s` the wait for each
    answer of the registry. `kept_builds`: how many of an app's latest builds keep their image in the engine even when
    no release does. `cache_quota_mb`: what all build caches together may take after a `portside-server gc`, in MB
    (10^6 bytes); they take less where the engine's disk would else have less than `wanted_free_mb` free.
    `build_memory_mb`: what each step of a build may use, in MiB; 0 for half of the machine's memory.
    `build_cpu_shares`: the weight of builds beside an app's instance, which has 1,024. `official_images`: where pins
    of a language that no stack has, or that shall not come from Debian, are taken from, each as `python 3.12 =
    python:3.12-slim` (builder/official.py).
    """

    registry_url: str = "127.0.0.1:5050"
    docker: str = "/usr/bin/docker"
    docker_host: str = ""
    base_image: str = "portside/base:debian-13"
    build_timeout_s: float = 1800
    push_timeout_s: float = 900
    registry_answer_s: float = 20
    kept_builds: int = 5
    cache_quota_mb: int = 20_000
    wanted_free_mb: int = 3_000
    build_memory_mb: int = 0
    build_cpu_shares: int = 512
    official_images: tuple[str, ...] = ()

    @property
    def registry_is_here(self) -> bool:
        """Whether the registry is our own, on this machine."""
        host = self.registry_url.removeprefix("http://").partition(":")[0]
        return host in ("127.0.0.1", "localhost")

    @property
    def limits(self) -> Limits:
        return Limits(self.build_memory_mb or default_memory_mb(), self.build_cpu_shares)

"""Settings of the builder: section `builder`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BuilderSettings:
    """`registry_url`: `host:port` of an OCI registry (plain HTTP on loopback, else HTTPS), or a whole http(s) URL.

    `docker`: a client with BuildKit; `docker_host`: as DOCKER_HOST, empty for the client's default. `base_image`: what
    language images start from. `build_timeout_s` bounds every build. `kept_builds`: how many of an app's latest
    builds keep their image in the engine even when no release does. `cache_quota_mb`: what all build caches together
    may take after a `portside-server gc`, in MB (10^6 bytes).
    """

    registry_url: str = "127.0.0.1:5050"
    docker: str = "/usr/bin/docker"
    docker_host: str = ""
    base_image: str = "portside/base:debian-13"
    build_timeout_s: float = 1800
    push_timeout_s: float = 900
    kept_builds: int = 5
    cache_quota_mb: int = 20_000

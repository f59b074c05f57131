"""The settings that every part shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from core.settings import Source, read

DEFAULT_HOME = Path("~/.portside")


@dataclass(frozen=True)
class PlatformSettings:
    """`home`: all state; `domain`: the base of app host names; `database_url`: empty for SQLite in the home.

    `lease_ttl_s`: how long a dead worker's lease holds its work back; `sweep_s`: how often abandoned work is looked
    for. Their sum stays under the 30 s in which any process's death must be made good.
    """

    home: Path = DEFAULT_HOME
    domain: str = "localhost"
    database_url: str = ""
    lease_ttl_s: float = 12.0
    sweep_s: float = 5.0
    log_level: str = "INFO"

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.home / 'portside.db'}"

    @property
    def redis_socket(self) -> Path:
        return self.home / "run" / "redis.sock"

    @property
    def redis_url(self) -> str:
        return f"unix://{self.redis_socket}"

    @property
    def broker_url(self) -> str:
        return f"redis+socket://{self.redis_socket}"

    @property
    def key_file(self) -> Path:
        """What config values are sealed with."""
        return self.home / "secret.key"

    @property
    def web_key_file(self) -> Path:
        """What cookies and stream addresses are signed with."""
        return self.home / "web.key"


def load(environ: Mapping[str, str]) -> tuple[PlatformSettings, Source]:
    """The shared settings, and the source from which each package reads its own section."""
    home = Path(environ.get("PORTSIDE_HOME") or DEFAULT_HOME).expanduser().resolve()
    source = Source.of({**environ, "PORTSIDE_HOME": str(home)}, home)
    return read(PlatformSettings, "", source), source

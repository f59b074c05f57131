"""What supervisor starts: `python -m server.run_part NAME`. It records which process it is and becomes the part.

`exec` keeps the process, so the record written here stays true. Imports are kept small on purpose: redis and the
registry need nothing of ours.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from server import procfs

HOME = "PORTSIDE_HOME"


def main() -> None:
    """Become the part that the command line names, with the environment that `up` wrote."""
    name, home = sys.argv[1], Path(os.environ[HOME])
    environ = _environment(home)
    procfs.write_record(home / "run" / f"{name}.process")
    _PARTS[name](home, environ)


def _environment(home: Path) -> dict[str, str]:
    """What `up` wrote for the parts, with what every part of ours is given besides."""
    written: dict[str, str] = json.loads((home / "run" / "environment.json").read_text())
    return {
        **written,
        HOME: str(home),
        "PYTHONUNBUFFERED": "1",
        "PYTHONSAFEPATH": "1",  # the home has folders named as packages of ours
        "MALLOC_ARENA_MAX": "2",  # glibc keeps an arena per thread otherwise, most of it idle memory
    }


def _become(argv: list[str], environ: Mapping[str, str]) -> None:
    os.execvpe(argv[0], argv, dict(environ))  # noqa: S606  (an argv list; this is how a part becomes its program)


def _redis(home: Path, environ: Mapping[str, str]) -> None:
    _become(["redis-server", str(home / "run" / "redis.conf")], environ)


def _registry(home: Path, environ: Mapping[str, str]) -> None:
    plain = {name: value for name, value in environ.items() if not name.startswith(("PORTSIDE_", "REGISTRY_"))}
    _become(["docker-registry", "serve", str(home / "run" / "registry.yml")], plain)


def _router(home: Path, environ: Mapping[str, str]) -> None:
    from server.platform import compose

    router = compose(environ).router
    router.write_config()
    _become(router.command(), environ)


def _python(module: str, *arguments: str) -> Callable[[Path, Mapping[str, str]], None]:
    def become(home: Path, environ: Mapping[str, str]) -> None:
        _become([sys.executable, "-m", module, *arguments], environ)

    return become


def _api(home: Path, environ: Mapping[str, str]) -> None:
    _become([sys.executable, "-m", "gunicorn", "--config", str(home / "run" / "gunicorn.conf.py")], environ)


_PARTS: dict[str, Callable[[Path, Mapping[str, str]], None]] = {
    "redis": _redis,
    "registry": _registry,
    "router": _router,
    "api": _api,
    "gateway": _python("server.gateway"),
    "worker": _python("server.worker"),
}

if __name__ == "__main__":
    main()

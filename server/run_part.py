"""What supervisor starts: `python -m server.run_part NAME`, or the same in a fork of our supervisord.

The process records which one it is, takes the environment that `up` wrote, and is the part from then on. `exec`, for
the parts that are not Python, keeps the process, so the record stays true.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from server import procfs
from server.part_names import is_router, router_number

HOME = "PORTSIDE_HOME"
_PR_SET_NAME = 15  # prctl(2)
Environment = Mapping[str, str]


def live(name: str) -> None:
    """Be the part `name` of the platform in `PORTSIDE_HOME`, until its end."""
    home = Path(os.environ[HOME])
    procfs.write_record(home / "run" / f"{name}.process")
    environ = _environment(home)
    os.environ.clear()
    os.environ.update(environ)
    _name_process(f"portside-{name}")
    if is_router(name):
        _router(environ, router_number(name))
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


def _name_process(name: str) -> None:
    """The short name in ps and top; the command line of a fork is its parent's."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def _become(argv: list[str], environ: Environment) -> None:
    os.execvpe(argv[0], argv, dict(environ))  # noqa: S606  (an argv list; this is how a part becomes its program)


def _redis(home: Path, environ: Environment) -> None:
    _become(["redis-server", str(home / "run" / "redis.conf")], environ)


def _registry(home: Path, environ: Environment) -> None:
    plain = {name: value for name, value in environ.items() if not name.startswith(("PORTSIDE_", "REGISTRY_"))}
    lean = {"GOGC": "25"}  # it may collect garbage four times as often, and hold less of it: it has little to do
    _become(["docker-registry", "serve", str(home / "run" / "registry.yml")], {**plain, **lean})


def _router(environ: Environment, number: int) -> None:
    from server.platform import compose

    router = compose(environ).router
    router.processes.write_config(number)
    _become(router.processes.command(number), {**environ, **router.processes.environment()})


def _api(home: Path, environ: Environment) -> None:
    from gunicorn.app import wsgiapp

    sys.argv = ["gunicorn", "--config", str(home / "run" / "gunicorn.conf.py")]
    wsgiapp.run()


def _gateway(home: Path, environ: Environment) -> None:
    from server import gateway

    gateway.main()


def _worker(home: Path, environ: Environment) -> None:
    from server import worker

    worker.main()


_PARTS: dict[str, Callable[[Path, Environment], None]] = {
    "redis": _redis,
    "registry": _registry,
    "api": _api,
    "gateway": _gateway,
    "worker": _worker,
}

if __name__ == "__main__":
    live(sys.argv[1])

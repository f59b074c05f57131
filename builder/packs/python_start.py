"""How a Python app is started and which static files it collects, told from its source; guessed never.

gunicorn needs no `--bind`: it listens on 0.0.0.0:$PORT when PORT is set
(https://docs.gunicorn.org/en/stable/settings.html#bind).
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass

from builder.types import Source

_NAME = re.compile(r"^\s*([A-Za-z0-9][\w.-]*)")
_STATIC_ROOT = re.compile(r"^\s*STATIC_ROOT\s*=", re.MULTILINE)
_SETTINGS = re.compile(r"(^|/)settings([^/]*|/[^/]+)\.py$")
_MADE = re.compile(r"^(\w+)(?:\s*:\s*\w+)?\s*=\s*(Flask|FastAPI)\(", re.MULTILINE)
_MODULES = ("app.py", "main.py", "wsgi.py", "asgi.py")


@dataclass(frozen=True)
class Start:
    """`command`: the web process, None when it can't be known. `static_settings`: the Django settings file that has a
    STATIC_ROOT, None when there is nothing to collect.
    """

    command: str | None
    static_settings: str | None


def start(source: Source, requirement_files: Iterable[str]) -> Start:
    """The start of the app; certain, or not told at all."""
    packages = installed(source, requirement_files)
    if "django" in packages and "manage.py" in source.paths():
        return Start(_django(source, packages), _static_settings(source))
    return Start(_flask_or_fastapi(source, packages), None)


def installed(source: Source, requirement_files: Iterable[str]) -> frozenset[str]:
    """The normalised names of the packages that the app's requirement or lock files name."""
    names: set[str] = set()
    for path in requirement_files:
        text = (source.read(path) or b"").decode(errors="replace")
        try:
            names.update(_names(path, text))
        except (tomllib.TOMLDecodeError, json.JSONDecodeError, AttributeError, TypeError, KeyError):
            continue  # the installer says in its own words what is wrong with the file
    return frozenset(re.sub(r"[-_.]+", "-", name).lower() for name in names)


def _names(path: str, text: str) -> list[str]:
    if path.endswith("Pipfile.lock"):
        return list(json.loads(text).get("default", {}))
    if path.endswith(".lock"):
        return [str(package["name"]) for package in tomllib.loads(text).get("package", [])]
    if path.endswith(".toml"):
        lines = tomllib.loads(text).get("project", {}).get("dependencies", [])
    else:
        lines = text.splitlines()
    return [match[1] for match in map(_NAME.match, lines) if match]


def _django(source: Source, packages: frozenset[str]) -> str | None:
    """gunicorn with the one `NAME/wsgi.py` beside manage.py."""
    modules = [path for path in source.paths() if path.count("/") == 1 and path.endswith("/wsgi.py")]
    return f"gunicorn {modules[0].partition('/')[0]}.wsgi" if len(modules) == 1 and "gunicorn" in packages else None


def _static_settings(source: Source) -> str | None:
    settings = (path for path in source.paths() if _SETTINGS.search(path))
    return next((p for p in settings if _STATIC_ROOT.search((source.read(p) or b"").decode(errors="replace"))), None)


def _flask_or_fastapi(source: Source, packages: frozenset[str]) -> str | None:
    """The one module at the root that makes the one application, if its server is installed too."""
    made = [
        (path.removesuffix(".py"), name, kind)
        for path in _MODULES
        for name, kind in _MADE.findall((source.read(path) or b"").decode(errors="replace"))
    ]
    if len(made) != 1:
        return None
    module, name, kind = made[0]
    if kind == "Flask" and "gunicorn" in packages:
        return f"gunicorn {module}:{name}"
    if kind == "FastAPI" and "uvicorn" in packages:
        return f"uvicorn {module}:{name} --host 0.0.0.0 --port $PORT"
    return None

"""The files that the parts read, rendered from a site: the only place that knows their formats."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from core.errors import UserError
from server.parts import Part
from server.site import Site

FILES = {
    "supervisord.conf": "supervisord.conf.j2",
    "redis.conf": "redis.conf.j2",
    "registry.yml": "registry.yml.j2",
    "gunicorn.conf.py": "gunicorn.conf.py.j2",
}
_TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, **values: object) -> str:
    """One of our templates with `values`; a value that is missing is an error."""
    environment = Environment(  # noqa: S701  (configuration files, not pages: HTML escapes would break them)
        loader=FileSystemLoader(_TEMPLATES), undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
    environment.filters["argv"] = supervisor_argv
    environment.filters["quoted"] = supervisor_value
    return environment.get_template(template).render(**values)


def supervisor_argv(argv: tuple[str, ...]) -> str:
    """`argv` as supervisor reads a command: words as in a shell, `%` doubled (its files are %-templates)."""
    return shlex.join(argv).replace("%", "%%")


def supervisor_value(value: object) -> str:
    """A value as supervisor reads it in `environment=`; it knows no escape for a double quote."""
    text = str(value)
    if '"' in text or "\n" in text:
        raise UserError(f"{text!r} holds a quote or a line break.", "Choose a path without them for PORTSIDE_HOME.")
    return '"' + text.replace("%", "%%") + '"'


def write_all(site: Site, parts: tuple[Part, ...]) -> None:
    """Make the home's folders and write every file, each at once or not at all; only its owner may read any."""
    for folder in (site.home, site.run, site.log, site.home / "redis", site.home / "registry"):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, template in FILES.items():
        if name == "registry.yml" and site.registry is None:
            continue
        _write(site.run / name, render(template, site=site, parts=parts))
    _write(site.environment_file, site.environment_text)


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    os.replace(temporary, path)

"""Settings: `PORTSIDE_*` in the environment, else `portside.toml` in the home, else the default.

Every package describes its own settings as a frozen dataclass; `read` fills one. Field `http_port` of the section
`router` is `PORTSIDE_ROUTER_HTTP_PORT` in the environment and `http_port` under `[router]` in the file; the fields of
the section "" have no prefix but `PORTSIDE_` and stand at the top of the file.
"""

from __future__ import annotations

import dataclasses
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from core.errors import UserError

T = TypeVar("T")
_WORDS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}


@dataclasses.dataclass(frozen=True)
class Source:
    """Where settings are read from: the process's environment and a parsed `portside.toml`."""

    environ: Mapping[str, str]
    file: Mapping[str, Any]

    @classmethod
    def of(cls, environ: Mapping[str, str], home: Path) -> Source:
        """The environment together with `home/portside.toml`, when there is one."""
        path = home / "portside.toml"
        try:
            return cls(environ, tomllib.loads(path.read_text()))
        except FileNotFoundError:
            return cls(environ, {})
        except OSError as error:
            raise UserError(f"{path} can't be read: {error.strerror}.", "Set PORTSIDE_HOME to your own.") from error
        except tomllib.TOMLDecodeError as error:
            raise UserError(f"{path} is not valid TOML: {error}", "Mend that line and try again.") from error


def read(cls: type[T], section: str, source: Source) -> T:
    """An instance of the settings dataclass `cls`; raises UserError for a value of the wrong type."""
    table = source.file.get(section, {}) if section else source.file
    values: dict[str, Any] = {}
    kinds = get_type_hints(cls)
    for field in dataclasses.fields(cls):  # type: ignore[arg-type]
        name = "_".join(part for part in ("PORTSIDE", section, field.name) if part).upper()
        if name in source.environ:
            values[field.name] = _convert(name, source.environ[name], kinds[field.name])
        elif field.name in table:
            where = f"{section + '.' if section else ''}{field.name} in portside.toml"
            values[field.name] = _convert(where, table[field.name], kinds[field.name])
    return cls(**values)


def _convert(name: str, value: Any, kind: Any) -> Any:
    try:
        if kind is bool:
            return value if isinstance(value, bool) else _WORDS[str(value).lower()]
        if kind in (int, float, str):
            return kind(value)
        if kind is Path:
            return Path(os.path.expanduser(str(value)))
        if kind == tuple[str, ...]:
            items = value.split(",") if isinstance(value, str) else value
            return tuple(item.strip() for item in items if item.strip())
    except (ValueError, KeyError) as error:
        wanted = "true or false" if kind is bool else f"of type {kind.__name__}"
        raise UserError(f"{name} is {value!r}; it must be {wanted}.", f"Set {name} to a right value.") from error
    raise TypeError(f"{name}: no conversion to {kind}")

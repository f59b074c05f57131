"""Packs: one per kind of app. A pack is a detector plus the template of a Dockerfile that a person can read and keep.

Packs are modules; `ALL` lists them in the order in which they are asked.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined

from builder.packs import buildpack, dockerfile, go, java, node, php, python, ruby, rust, static
from builder.types import Detected, Source


class Pack(Protocol):
    """What a pack module holds.

    `template`: the file name of its Dockerfile template, None when the app brings its own Dockerfile. `language_image`:
    the file name of the template of the image it starts from. `build_config`: prefixes of the config variables that
    the build may see. `files`: the files that it looks for at the root, to tell people what was expected.
    `needs_procfile`: whether only a Procfile can say how the app is started.
    """

    name: str
    template: str | None
    language_image: str | None
    build_config: tuple[str, ...]
    files: tuple[str, ...]
    needs_procfile: bool

    def detect(self, source: Source) -> Detected | None:
        """What it found, or None when this is not its kind of app; raises BuildFailed for one it can't build."""
        ...

    def environment(self, config: Mapping[str, str]) -> Mapping[str, str]:
        """The variables that its build sees, given those of the app's config that `build_config` names."""
        ...

    def headline(self, step: str) -> str | None:
        """What people are told when a step of its Dockerfile begins: "" for nothing, None for the step as it is."""
        ...


ALL: tuple[Pack, ...] = (dockerfile, python, php, ruby, go, rust, java, static, node)

# Packs whose apps may have assets: when package.json has a build script, `ASSETS` builds them first, in stages of its
# own that end with `ASSETS_STAGE`, and the pack's template takes the app's files from there (`app_files`).
TAKE_ASSETS: tuple[Pack, ...] = (python, php, ruby, go, rust, static)
ASSETS = node
ASSETS_STAGE = "assets"

# With the pack that is never found out: it runs the buildpacks that somebody named.
EVERY: tuple[Pack, ...] = (*ALL, buildpack)

# Packs whose language image is made when a machine is set up; another's is made for the first app that needs it.
AT_SET_UP: tuple[Pack, ...] = (python, node)


def template_text(file_name: str) -> str:
    """The text of a template, as it stands in the file."""
    environment = _environment()
    assert environment.loader is not None
    return environment.loader.get_source(environment, file_name)[0]


def render(file_name: str, values: Mapping[str, object]) -> str:
    """A template filled in; a value that is missing is an error."""
    return _environment().get_template(file_name).render(**values)


def as_arguments(text: str) -> str:
    """The lines of a file as arguments of printf in a RUN, one a line: BuildKit without a frontend has no heredoc."""
    quoted = ("'" + line.replace("'", "'\\''") + "'" for line in text.rstrip("\n").split("\n"))
    return "\n".join(f"    {line} \\" for line in quoted)


@functools.cache
def _environment() -> Environment:
    environment = Environment(  # noqa: S701 - a Dockerfile is not HTML
        loader=PackageLoader("builder", "packs"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["as_arguments"] = as_arguments
    return environment

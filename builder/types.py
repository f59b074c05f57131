"""What goes into a build and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from core.ids import AppId
from core.reports import Explained

FILE_MODE = 0o100644
EXECUTABLE_MODE = 0o100755
SYMLINK_MODE = 0o120000


class BuildFailed(Explained):
    """The app could not be built. `problem` says why as data (`builder/problems.py`), where it is known."""

    code = "build_failed"


@dataclass(frozen=True)
class Entry:
    """One file of a source tree. `mode` is git's; the content of a link (0o120000) is its target."""

    path: str
    mode: int
    size_bytes: int
    read: Callable[[], bytes]


class Source(Protocol):
    """A git tree, read from the object store. Submodules are left out."""

    @property
    def tree_id(self) -> str:
        """The id of the git tree: two sources with the same one hold the same files."""
        ...

    def entries(self) -> Iterator[Entry]:
        """Every file, one after another, contents unread."""
        ...

    def read(self, path: str) -> bytes | None:
        """One file's content, or None when there is no such file."""
        ...

    def paths(self) -> tuple[str, ...]:
        """The paths of all files; cheap, no content is read."""
        ...


@dataclass(frozen=True)
class BuildRequest:
    """One build to do.

    `config` holds all config variables of the app; only the names that the pack declares reach the build, as a
    BuildKit secret. `rebuild` builds even what was built before. `deadline_s` is in seconds from now.
    """

    app_id: AppId
    app_name: str
    commit: str
    source: Source
    config: Mapping[str, str]
    rebuild: bool
    deadline_s: float


@dataclass(frozen=True)
class Resting:
    """What rests while the release phase runs: instances of the types in `stop`; requests, for `hold_s` at most."""

    stop: tuple[str, ...] = ()
    hold_s: float = 0.0


NOTHING_RESTS = Resting()


@dataclass(frozen=True)
class Trial:
    """The bake window that a release of this source is to have. A bound that is None is not looked at."""

    minutes: int = 10
    errors_percent: float | None = None
    p95_factor: float | None = None
    least_requests: int = 50


@dataclass(frozen=True)
class BuiltImage:
    """A finished image. `processes` is (type, command) in the Procfile's order; command None: the image's own.

    `reused`: it was there already. `cold`: nothing of the app's could be in a cache. `healthchecks` and
    `overlap`, `quantities`, `sizes`, `cron` and `shrink`: see `Manifest`.
    """

    build_id: str
    image_id: str
    processes: tuple[tuple[str, str | None], ...]
    port: int
    healthchecks: Mapping[str, str]
    pack: str
    reused: bool
    stack: str = ""
    cold: bool = False
    overlap: Mapping[str, bool] = field(default_factory=dict)
    resting: Resting = NOTHING_RESTS
    trial: Trial | None = None
    quantities: Mapping[str, int] = field(default_factory=dict)
    sizes: Mapping[str, str] = field(default_factory=dict)
    cron: str = "[]"
    shrink: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Wanted:
    """The version of a language that a source asks for.

    `text` is what `file` says, `version` the number in it; `file` is "" when nothing is asked for. `prefix` and
    `suffix` are what stands around the number in that file. `expected_file`: where people may say it. `at_least`: a
    later one will do.
    """

    language: str
    expected_file: str
    file: str = ""
    text: str = ""
    version: str = ""
    prefix: str = ""
    suffix: str = ""
    at_least: bool = False


@dataclass(frozen=True)
class Buildpack:
    """A classic buildpack, named as somebody named it: `ref` of the git repository at `url` ("" for its HEAD), or the
    folder `path` of the app. `commit`: what `ref` means today, once that was asked."""

    name: str
    url: str = ""
    ref: str = ""
    path: str = ""
    commit: str = ""


@dataclass(frozen=True)
class OwnDockerfile:
    """An app's own Dockerfile at `path`, built up to the stage `target` ("": the last) with `args` for its ARGs.

    `secrets`: config variables that its RUNs can mount as BuildKit secrets, each under its own name.
    """

    path: str
    target: str = ""
    args: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Detected:
    """What a pack found out about a source before anything is built.

    `details` are lines to show. `values` fill the pack's template. `needs` are the files that its Dockerfile copies
    by name, which therefore must not be left out by .dockerignore. `processes`: what runs when there is no Procfile,
    where the source makes it certain; `procfile_example`: a line that could say it where it is not. `wanted` decides
    the stack; its line comes first. `buildpacks` are those that build it, where they are classic ones; `own` is the
    Dockerfile that the app brings.
    """

    headline: str
    details: tuple[str, ...] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    processes: tuple[tuple[str, str], ...] = ()
    wanted: Wanted | None = None
    procfile_example: str = "web: gunicorn app:app"
    buildpacks: tuple[Buildpack, ...] = ()
    own: OwnDockerfile | None = None

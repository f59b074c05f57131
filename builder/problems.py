"""Everything that can be wrong with an app before it runs, as data. `problems_text.py` puts it into words."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


@dataclass(frozen=True)
class Problem:
    """The base of them all."""


# -- What is in the repository --


@dataclass(frozen=True)
class EmptyTree(Problem):
    """The commit holds no file."""

    expected: tuple[str, ...]


@dataclass(frozen=True)
class NothingDetected(Problem):
    """No pack knows the app. `found` is what lies at the root; `near` (a file, what it may be meant to be)."""

    found: tuple[str, ...]
    expected: tuple[str, ...]
    near: tuple[str, str] | None


@dataclass(frozen=True)
class NoProcfile(Problem):
    """Only a Procfile could say how to start the app. `near`: a file that may be meant to be one."""

    near: str | None
    example: str = "web: gunicorn app:app"


@dataclass(frozen=True)
class NeededFileIgnored(Problem):
    """An ignore file leaves out a file that the pack's recipe copies."""

    ignore_file: str
    path: str


@dataclass(frozen=True)
class BadIgnorePattern(Problem):
    """A line of an ignore file that Docker would refuse too."""

    ignore_file: str
    line: int
    text: str


@dataclass(frozen=True)
class LinkLoop(Problem):
    """A symbolic link that leads back to itself."""

    path: str


@dataclass(frozen=True)
class LinkBroken(Problem):
    """A symbolic link to something that is not in the commit; `target` as the link says it."""

    path: str
    target: str


# -- The manifest: Procfile and app.json --


class Wrong(Enum):
    """What a line of the Procfile, or a value of app.json, has wrong. `name` and `other` fill its text."""

    NOT_A_PROCESS = auto()
    NO_COMMAND = auto()
    BAD_TYPE = auto()
    TYPE_TWICE = auto()
    TYPE_MISSPELT = auto()
    UNKNOWN_KEY = auto()
    KEY_TWICE = auto()
    WRONG_KIND = auto()
    NOT_ONE_OF = auto()
    BAD_PATH = auto()
    BAD_SCHEDULE = auto()
    MISSING_KEY = auto()


@dataclass(frozen=True)
class Mistake:
    """One mistake at a place, both counted from 1; `column` 0: not known."""

    file: str
    line: int
    column: int
    wrong: Wrong
    name: str
    other: str = ""


@dataclass(frozen=True)
class ManifestMistakes(Problem):
    """All mistakes of the Procfile and app.json, in their order."""

    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True)
class EmptyProcfile(Problem):
    """A Procfile without a single process."""


@dataclass(frozen=True)
class NotText(Problem):
    """A file that is not UTF-8. `looks_like` names another encoding if its first bytes do."""

    file: str
    line: int
    column: int
    byte: int
    looks_like: str


@dataclass(frozen=True)
class BadSyntax(Problem):
    """A file that is not valid `language`; `advice` is what mends the commonest cause, "" when it is not known."""

    file: str
    language: str
    line: int
    column: int
    reason: str
    advice: str = ""


@dataclass(frozen=True)
class NotAnObject(Problem):
    """An app.json whose value is not an object."""

    kind: str


# -- Python --


@dataclass(frozen=True)
class VersionUnavailable(Problem):
    """A version that this server does not have. `line` is what the file should say."""

    language: str
    file: str
    wanted: str
    has: str
    line: str


@dataclass(frozen=True)
class RequirementsMissing(Problem):
    """A requirements file that another one names is not in the commit. `submodule`: the one it should come from."""

    path: str
    named_in: str
    submodule: str | None = None


@dataclass(frozen=True)
class NoProjectTable(Problem):
    """A pyproject.toml that lists no dependencies, and nothing else does."""


@dataclass(frozen=True)
class LockFilesClash(Problem):
    """Lock files of several tools."""

    language: str
    found: tuple[str, ...]


# -- What BuildKit says --


@dataclass(frozen=True)
class StepFailed(Problem):
    """A RUN that ended with an exit code."""

    step: str
    exit_code: int
    last_line: str


@dataclass(frozen=True)
class StepKilled(Problem):
    """A RUN that was killed, which in a build means: for its memory. `memory_mb` is the limit, 0: not known."""

    step: str
    memory_mb: int = 0


@dataclass(frozen=True)
class StepCommandMissing(Problem):
    """A RUN whose program is not in the image."""

    step: str
    program: str


@dataclass(frozen=True)
class StepNotExecutable(Problem):
    """A RUN whose program is there and may not be run."""

    step: str
    program: str


@dataclass(frozen=True)
class DependencyNotFound(Problem):
    """A package, or a version of it, that the package index does not have."""

    package: str
    said: str


@dataclass(frozen=True)
class CompilerMissing(Problem):
    """A dependency that must be compiled where there is no compiler."""

    step: str
    tool: str


@dataclass(frozen=True)
class NoNetwork(Problem):
    """Something in the build could not reach the network."""

    step: str
    said: str


@dataclass(frozen=True)
class CopyMissing(Problem):
    """A COPY or ADD of what is not in the context. `ignored_by` and `submodule` say why, when one is the reason."""

    step: str
    path: str
    ignored_by: str = ""
    submodule: str = ""
    near: str = ""


@dataclass(frozen=True)
class DockerfileSyntax(Problem):
    """A Dockerfile that BuildKit can't read. `line` 0: not told. `text` is that line."""

    reason: str
    line: int = 0
    text: str = ""
    meant: str = ""


@dataclass(frozen=True)
class ImageMissing(Problem):
    """A base image that its registry does not have, or not for us."""

    image: str


@dataclass(frozen=True)
class ImageUnreachable(Problem):
    """A base image whose registry does not answer."""

    image: str
    said: str


@dataclass(frozen=True)
class DiskFull(Problem):
    """No space was left on the server's disk."""

    step: str


@dataclass(frozen=True)
class NoStartCommand(Problem):
    """An image without CMD and ENTRYPOINT, and no Procfile."""


@dataclass(frozen=True)
class BuildRefused(Problem):
    """BuildKit gave a reason that none of the others covers."""

    reason: str

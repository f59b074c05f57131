"""Why a build failed, told from BuildKit's plain output, and from the source where BuildKit can't know.

The forms are BuildKit's of 0.8 (engine 20.10) and later ones; `tests/fixtures/errors/` holds one of each.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import replace
from textwrap import shorten

from builder import problems as p
from builder.compiler_failures import problem_in as compiler_problem
from builder.dockerignore import Ignore
from builder.java_failures import problem_in as java_problem
from builder.near import is_slip_of
from builder.problems import (
    BuildpackFailed,
    BuildpackFileMissing,
    BuildpackNotExecutable,
    BuildpackNotFetched,
    BuildpackRefused,
    Problem,
)
from builder.problems.sites import BuildLeftNoSite
from builder.progress import Progress
from builder.submodules import submodule_of
from builder.types import Source

LONGEST_STEP = 160
KILLED = 137  # 128 + SIGKILL
INSTRUCTIONS = (
    *("ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK"),
    *("LABEL", "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"),
)
_LONE = re.compile(
    r"failed to solve(?: with frontend [\w.-]+)?: |failed to create LLB definition: |failed to load cache key: |"
    r"failed to read dockerfile: |rpc error: .*? desc = "
)
_SYNTAX = re.compile(r"dockerfile parse error(?: on)? line (\d+): (.*)")
_UNREADABLE = re.compile(
    r"the [Dd]ockerfile cannot be empty|file with no instructions|no build stage in current context|"
    r"base name \(.*\) should not be blank|Unknown flag|Invalid containerPort"
)
_MISSING = re.compile(r'"(/[^"]*)"(?:: | )not found')
_FOLDER_MISSING = re.compile(r"failed to walk \S*?/buildkit-mount\d+/(\S+): lstat \S+: no such file or directory")
_PLAINER = {
    "file with no instructions": "no instruction at all",
    "the Dockerfile cannot be empty": "no instruction at all",
    "no build stage in current context": "another instruction where the first FROM should be",
}
_LAST_WORDS = 10
_IMAGE = re.compile(r'"https?://(?P<host>[^/"]+)/v2/(?P<name>[^"]+)/manifests/(?P<tag>[^"]+)"')
_IMAGE_REFUSED = re.compile(
    r"pull access denied|repository does not exist|manifest unknown|insufficient_scope|"
    r"^(?P<ref>[\w.:-]+(?:/[\w.:-]+)+): not found$|unexpected status code .*40[134]"
)
_DEPENDENCY = (
    re.compile(r"Because (?:only )?([\w.\[\]-]+) was not found in the package registry"),
    re.compile(r"Because there (?:is|are) no versions? of ([\w.\[\]=<>~!*+-]+)"),
    re.compile(r"No matching distribution found for (\S+)"),
    re.compile(r"No matching version found for (\S+?)\.?(?:\s|$)"),
    re.compile(r"404 (?:Not Found - GET \S+ - Not found\s.*?'|.*?')(\S+?)' is not in (?:this|the npm) registry"),
)
_COMPILERS = "gcc|g\\+\\+|cc|clang|cargo|rustc|pg_config|make"
_COMPILER = (
    re.compile(rf"[`'\"/ ]({_COMPILERS})[`'\"]?:? (?:.*not found|.*No such file|failed)"),
    re.compile(rf"No such file or directory: '({_COMPILERS})'"),
    re.compile(rf"\b({_COMPILERS}) executable not found"),
)
_NETWORK = re.compile(
    r"Temporary failure in name resolution|[Dd]ns error|Could not resolve|EAI_AGAIN|ENOTFOUND|"
    r"UnknownHostException|Unknown host|Failed to fetch|error sending request|Network is unreachable|no such host"
)
_NO_PROGRAM = (
    re.compile(r"^(?:/bin/)?sh: (?:line )?\d+: ([^:]+): not found$"),
    re.compile(r"bash: (?:line \d+: )?([^:]+): command not found$"),
    re.compile(r'exec: \\?"([^"\\]+)\\?": (?:executable file not found|stat .*: no such file)'),
)
_NOT_EXECUTABLE = (
    re.compile(r"^(?:/bin/)?sh: (?:line )?\d+: ([^:]+): Permission denied$"),
    re.compile(r"bash: (?:line \d+: )?([^:]+): Permission denied$"),
    re.compile(r'exec: \\?"([^"\\]+)\\?": permission denied'),
)
_NODE = re.compile(r"(\S+) asks for Node\.js (.*), which npm has not\. It has: ([\d, ]*?(\d+))(?:\s|$)")
_NO_SITE = re.compile(r"^The build script left no (\S+)\. It left: (.*)\.$")
_DISK = "no space left on device"
_HEROKUS_LAST = re.compile(r"^!\s+Push (failed|rejected)")
_BUILDPACK = re.compile(  # what Portside's scripts say last (packs/buildpack_scripts)
    r"^portside: (?P<name>\S+): (?:it could not be (?P<fetched>fetched)|"
    r"(?P<file>bin/\w+) is (?P<wrong>missing|not executable)|(?P<script>bin/\w+) ended with exit code (?P<code>\d+))$"
)


def problem_of(progress: Progress) -> Problem:
    """What BuildKit's output says went wrong."""
    reason = _LONE.sub("", progress.failure) or "docker build ended without saying why"
    step = shorten(progress.failed_step, LONGEST_STEP, placeholder=" …")
    if _DISK in reason.lower():
        return p.DiskFull(step or "docker build")
    if progress.exit_code is not None:
        return _failed_run(step, progress.exit_code, [line.strip() for line in progress.tail if line.strip()])
    if found := _SYNTAX.search(reason):
        return p.DockerfileSyntax(found[2], int(found[1]))
    if found := _MISSING.search(reason):
        return p.CopyMissing(step, found[1].removeprefix("/source").removeprefix("/"))
    if found := _FOLDER_MISSING.search(reason):
        return p.CopyMissing(step, _copied(step, found[1]))
    if _UNREADABLE.search(reason):
        return p.DockerfileSyntax(_PLAINER.get(reason, reason))
    return _image_problem(reason) or p.BuildRefused(reason)


def _copied(step: str, missing: str) -> str:
    """What the step names, of which BuildKit tells only the first folder that is missing."""
    words = (word.removeprefix("./").removeprefix("/") for word in step.split()[1:-1])
    return next((word for word in words if word.startswith(missing)), missing).removeprefix("source/")


def _image_problem(reason: str) -> Problem | None:
    found, refused = _IMAGE.search(reason), _IMAGE_REFUSED.search(reason)
    if found is None and refused is None:
        return None
    image = refused["ref"] if refused and refused["ref"] else reason.partition(": ")[0]
    if found is not None:
        official = found["host"].endswith("docker.io")
        name = found["name"].removeprefix("library/") if official else f"{found['host']}/{found['name']}"
        image = f"{name}:{found['tag']}"
    if refused:
        return p.ImageMissing(image.removeprefix("docker.io/").removeprefix("library/"))
    return p.ImageUnreachable(image, reason.rpartition(": ")[2])


def _failed_run(step: str, exit_code: int, tail: list[str]) -> Problem:
    if exit_code == KILLED:
        return p.StepKilled(step)
    output, last = " ".join(tail), tail[-1] if tail else ""
    if _DISK in output.lower():
        return p.DiskFull(step or "docker build")
    if found := _BUILDPACK.match(last):
        return _of_buildpack(found, tail[:-1])
    if found := _NODE.search(output):
        return p.VersionUnavailable("Node.js", found[1], found[2], f"one of {found[3]}", f"{found[4]}.x")
    if found := _NO_SITE.match(last):
        return BuildLeftNoSite(found[1], tuple(found[2].split()))
    if problem := java_problem(tail) or compiler_problem(step, exit_code, tail):
        return problem
    if package := _first(_DEPENDENCY, output):
        said = next((line for line in tail if package in line), last)
        return p.DependencyNotFound(package, said.removeprefix("╰─▶ "))
    if tool := _first(_COMPILER, output):
        return p.CompilerMissing(step, tool)
    if _NETWORK.search(output):
        return p.NoNetwork(step, next(line for line in [*reversed(tail), output] if _NETWORK.search(line)))
    if program := _first(_NO_PROGRAM, last):
        return p.StepCommandMissing(step, program)
    if program := _first(_NOT_EXECUTABLE, last):
        return p.StepNotExecutable(step, program.removeprefix("./"))
    return p.StepFailed(step, exit_code, _loudest(tail) or "no output")


def _of_buildpack(found: re.Match[str], said: list[str]) -> Problem:
    name, said = found["name"], [line for line in said if not _HEROKUS_LAST.search(line)]
    if found["fetched"]:
        return BuildpackNotFetched(name, said[-1] if said else "no output")
    if found["wrong"] == "missing":
        return BuildpackFileMissing(name, found["file"])
    if found["wrong"]:
        return BuildpackNotExecutable(name, found["file"], is_ours=False)
    if found["script"] == "bin/detect":
        return BuildpackRefused(name, int(found["code"]), said[-1] if said else "")
    return BuildpackFailed(name, found["script"], int(found["code"]), _loudest(said) or "no output")


def _loudest(tail: list[str]) -> str:
    """The last line that speaks of an error, or else the last line."""
    said = [line for line in tail[-_LAST_WORDS:] if re.search(r"error|fatal|failed", line, re.IGNORECASE)]
    return (said or tail or [""])[-1]


def _first(patterns: tuple[re.Pattern[str], ...], text: str) -> str | None:
    found = (pattern.search(text) for pattern in patterns)
    return next((match[1] for match in found if match), None)


def with_source(problem: object, source: Source, ignore: Ignore, dockerfile: str = "Dockerfile") -> Problem | None:
    """The same problem with what the source adds to it; None when it adds nothing. `dockerfile`: where the app's is."""
    if isinstance(problem, p.CopyMissing):
        return _why_missing(problem, source, ignore, f"{dockerfile}.dockerignore")
    if isinstance(problem, p.DockerfileSyntax) and problem.line:
        lines = (source.read(dockerfile) or b"").decode(errors="replace").splitlines()
        text = lines[problem.line - 1].strip() if problem.line <= len(lines) else ""
        word = text.partition(" ")[0].upper()
        meant = next((one for one in INSTRUCTIONS if is_slip_of(word, one)), "") if word not in INSTRUCTIONS else ""
        return replace(problem, text=shorten(text, LONGEST_STEP, placeholder=" …"), meant=meant)
    return None


def _why_missing(problem: p.CopyMissing, source: Source, ignore: Ignore, own_ignore: str) -> Problem:
    path, paths = problem.path.rstrip("/"), source.paths()
    if any(one == path or one.startswith(f"{path}/") for one in paths) and ignore.excludes(path):
        name = own_ignore if own_ignore in paths else ".dockerignore"
        return replace(problem, ignored_by=name)
    submodule = submodule_of(path, source)
    if submodule:
        return replace(problem, submodule=submodule)
    folders = {one.rpartition("/")[0] for one in paths if "/" in one}
    near = difflib.get_close_matches(path, [*paths, *sorted(folders)], n=1, cutoff=0.8)
    same = [one for one in paths if one.lower() == path.lower()]
    return replace(problem, near=(same or near or [""])[0])

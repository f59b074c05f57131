"""The Python pack: requirements.txt, pyproject.toml, or the lock file of uv, Poetry or Pipenv, installed by uv."""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from builder.packs.python_start import start
from builder.problems import BadSyntax, LockFilesClash, NoProjectTable, RequirementsMissing, failed
from builder.submodules import submodule_of
from builder.types import Detected, Source, Wanted

name = "python"
template: str | None = "python.Dockerfile.j2"
language_image: str | None = "python.image.j2"
build_config: tuple[str, ...] = ("PIP_", "UV_", "POETRY_", "PIPENV_", "DJANGO_", "SECRET_KEY", "DISABLE_COLLECTSTATIC")
files: tuple[str, ...] = ("requirements.txt", "pyproject.toml", "Pipfile.lock")
needs_procfile = True

LOCK_FILES = ("uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock")
_ELSEWHERE = re.compile(
    r"^(-e|--editable|\.|/|file:|[\w.-]+(\[[^\]]*\])?\s*@\s*(file:|\.))|\.(whl|tar\.gz|zip)(\s|;|$)"
)
_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")
_INCLUDE = re.compile(r"^(?:-r|-c|--requirement|--constraint)[ =]*(\S+)")


def detect(source: Source) -> Detected | None:
    """An app with requirements.txt, Pipfile.lock, or a pyproject.toml that says what to install."""
    paths = source.paths()
    if not set(files) & set(paths):
        return None
    locks = tuple(file for file in LOCK_FILES if file in paths)
    if len(locks) > 1:
        raise failed(LockFilesClash("Python", locks))
    wanted = _wanted(source)
    installer = _installer(source)
    begin = start(source, installer.needs)
    details = list(installer.details)
    if begin.static_settings:
        details.append(f"Collecting static files ({begin.static_settings} sets STATIC_ROOT)")
    values = {**installer.values, "collects_static": begin.static_settings is not None}
    processes = (("web", begin.command),) if begin.command else ()
    return Detected("Python app detected", tuple(details), values, installer.needs, processes, wanted)


def _installer(source: Source) -> Detected:
    paths = source.paths()
    if "uv.lock" in paths and "pyproject.toml" in paths:
        return _from_lock(source)
    if "poetry.lock" in paths and "pyproject.toml" in paths:
        return _from_poetry(source)
    if "Pipfile.lock" in paths:
        return _from_pipenv(source)
    return _from_requirements(source) if "requirements.txt" in paths else _from_project(source)


def environment(config: Mapping[str, str]) -> Mapping[str, str]:
    """pip's names for package indexes also under uv's, so that either works."""
    also = {
        uv: config[pip]
        for pip, uv in (("PIP_INDEX_URL", "UV_DEFAULT_INDEX"), ("PIP_EXTRA_INDEX_URL", "UV_INDEX"))
        if pip in config and uv not in config
    }
    return {**config, **also}


def headline(step: str) -> str | None:
    """The recipe's steps in words."""
    if "collectstatic" in step:
        return "Collecting static files"
    if step.startswith("RUN"):
        return "Installing the app" if "--no-deps" in step else "Installing dependencies"
    return "Adding the app's files" if step.endswith("source/ ./") else ""


def _wanted(source: Source) -> Wanted:
    for file_name, prefix in ((".python-version", ""), ("runtime.txt", "python-")):
        content = source.read(file_name)
        if content is None:
            continue
        lines = (line.strip() for line in content.decode("utf-8-sig", errors="replace").splitlines())
        text = next((line for line in lines if line and not line.startswith("#")), "")
        version = text.removeprefix("python-").removeprefix("cpython-")
        return Wanted("Python", ".python-version", file_name, text, version, prefix)
    return Wanted("Python", ".python-version")


def _from_requirements(source: Source) -> Detected:
    needed, elsewhere = requirement_files(source, "requirements.txt")
    values = {"installer": "requirements", "files": needed, "source_first": elsewhere, "is_package": False}
    return Detected("", ("Installing from requirements.txt",), values, needed)


def _from_lock(source: Source) -> Detected:
    project = _project(source)
    uv = project.get("tool", {}).get("uv", {})
    local = "workspace" in uv or any(
        isinstance(place, dict) and {"path", "workspace"} & place.keys() for place in uv.get("sources", {}).values()
    )
    is_package = "build-system" in project or bool(uv.get("package"))
    needed = ("pyproject.toml", "uv.lock")
    values = {"installer": "uv", "files": needed, "source_first": local, "is_package": is_package}
    return Detected("", ("Installing from uv.lock",), values, needed)


def _from_poetry(source: Source) -> Detected:
    """Poetry installs the app itself too when it is a package; without a folder of its name it can't be one."""
    poetry = _project(source).get("tool", {}).get("poetry", {})
    app_name = str(poetry.get("name") or _project(source).get("project", {}).get("name", "")).replace("-", "_")
    is_there = any(path in (f"{app_name}/__init__.py", f"src/{app_name}/__init__.py") for path in source.paths())
    text = (source.read("poetry.lock") or b"").decode(errors="replace")
    values = {
        "installer": "poetry",
        "files": ("pyproject.toml", "poetry.lock"),
        "source_first": bool(re.search(r'^type = "(directory|file)"$', text, re.MULTILINE)),
        "is_package": poetry.get("package-mode", True) is not False and (is_there or "packages" in poetry),
    }
    return Detected("", ("Installing from poetry.lock",), values, ("pyproject.toml", "poetry.lock"))


def _from_pipenv(source: Source) -> Detected:
    text = (source.read("Pipfile.lock") or b"").decode(errors="replace")
    local = re.search(r'"(path|file)": "(?!https?:)', text) is not None
    needed = tuple(file for file in ("Pipfile", "Pipfile.lock") if file in source.paths())
    values = {"installer": "pipenv", "files": needed, "source_first": local, "is_package": False}
    return Detected("", ("Installing from Pipfile.lock",), values, needed)


def _from_project(source: Source) -> Detected:
    project = _project(source)
    table = project.get("project")
    if table is None:
        raise failed(NoProjectTable())
    source_first = "dependencies" in table.get("dynamic", [])
    values = {
        "installer": "pyproject",
        "files": ("pyproject.toml",),
        "source_first": source_first,
        "is_package": "build-system" in project or source_first,
    }
    return Detected("", ("Installing from pyproject.toml",), values, ("pyproject.toml",))


def _project(source: Source) -> dict[str, Any]:
    try:
        return tomllib.loads((source.read("pyproject.toml") or b"").decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        place = _PLACE.search(str(error))
        line, column = (int(place[1]), int(place[2])) if place else (0, 0)
        reason, advice = _PLACE.sub("", str(error)), "" if place else "Mend it"
        raise failed(BadSyntax("pyproject.toml", "TOML", line, column, reason, advice)) from error


def requirement_files(source: Source, first: str) -> tuple[tuple[str, ...], bool]:
    """The requirement files that `first` leads to, and whether any names something in the app's own source.

    With a local package (`-e .`, `./vendor/x.whl`) the whole source must be there before anything is installed.
    """
    found: list[str] = []
    waiting, elsewhere = [first], False
    named_in = {first: first}
    while waiting:
        path = waiting.pop(0)
        content = source.read(path)
        if content is None:
            raise failed(RequirementsMissing(path, named_in[path], submodule_of(path, source)))
        found.append(path)
        for line in content.decode("utf-8-sig", errors="replace").splitlines():
            include = _INCLUDE.match(line.strip())
            if include and "://" not in include[1]:
                waiting.append(posixpath.normpath(posixpath.join(posixpath.dirname(path), include[1])))
                named_in.setdefault(waiting[-1], path)
            elsewhere = elsewhere or bool(_ELSEWHERE.search(line.strip()) and "://" not in line)
        waiting = [path for path in dict.fromkeys(waiting) if path not in found]
    return tuple(found), elsewhere

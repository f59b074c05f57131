"""The Go pack: modules from the lock or vendor/, every program of the app built into /app/bin."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from builder.debian import STACKS
from builder.packs.go_modules import Modules, read_modules
from builder.packs.go_programs import program_name, programs, why_c
from builder.packs.programs import example, processes
from builder.problems import NoProgram, failed
from builder.types import Detected, Source, Wanted

name = "go"
template: str | None = "go.Dockerfile.j2"
language_image: str | None = "go.image.j2"
build_config: tuple[str, ...] = (
    *("GOPROXY", "GONOPROXY", "GOPRIVATE", "GOSUMDB", "GONOSUMDB", "GONOSUMCHECK", "GOINSECURE", "GOVCS", "GOAUTH"),
    *("GOFLAGS", "GOEXPERIMENT", "GOAMD64", "GOARM64", "CGO_"),
)
files: tuple[str, ...] = ("go.mod", "go.work")
needs_procfile = True

SMALLER = "'-ldflags=-s -w'"  # without symbols and debug information


def detect(source: Source) -> Detected | None:
    """An app with a go.mod, or a go.work that names modules, at the root."""
    modules = read_modules(source)
    if modules is None:
        return None
    built = programs(source, modules)
    if not built:
        raise failed(NoProgram("Go", modules.main[0].file, "a `package main` at the root or below cmd/"))
    names = tuple(dict.fromkeys(program.name for program in built))
    needs_c = why_c(source, modules)
    values = {
        "files": modules.files,
        "downloads": bool(modules.remote) and not modules.vendored,
        "packages": [shlex.quote(f"./{program.folder}") for program in built],
        "cgo": int(bool(needs_c)),
    }
    return Detected(
        "Go app detected",
        (*_dependencies(modules), f"Building {', '.join(names)}", *([f"With cgo, for {needs_c}"] if needs_c else [])),
        values,
        modules.files if values["downloads"] else (),
        processes(source, names, program_name(modules.main[0].folder, modules.main[0])),
        _wanted(modules),
        example(names),
    )


def environment(config: Mapping[str, str]) -> Mapping[str, str]:
    """The variables as they are; GOFLAGS come after the recipe's own, so that they win."""
    own = {"GOFLAGS": f"{SMALLER} {config['GOFLAGS']}"} if "GOFLAGS" in config else {}
    return {**config, **own}


def headline(step: str) -> str | None:
    """The recipe's steps in words."""
    if step.startswith("RUN go "):
        return "Downloading modules" if "mod download" in step else "Compiling"
    return ""


def _dependencies(modules: Modules) -> tuple[str, ...]:
    if modules.vendored:
        return ("Dependencies from vendor/",)
    return ("Dependencies as go.sum has them",) if modules.remote else ()


def _wanted(modules: Modules) -> Wanted:
    """The Go that go.mod asks for: Heroku's comment, else `toolchain` where a stack has it, else the `go` line.

    The `go` line is what Go insists on; `toolchain` is what it would rather have (https://go.dev/doc/toolchain).
    """
    pinned = next(((it.file, it.pinned) for it in modules.main if it.pinned), None)
    lines = [(it.file, it.go) for it in modules.main if it.go]
    lines += [("go.work", modules.work_go)] if modules.work_go else []
    rather = [(it.file, it.toolchain) for it in modules.main if it.toolchain]
    wishes = [_at_least(*it) for it in ([pinned] if pinned else rather)]
    musts = [_at_least(*it) for it in lines]
    met = [it for it in wishes if pinned or any(stack.version_for(it) for stack in STACKS)]
    return max((*met, *musts), key=_number, default=Wanted("Go", "go line in go.mod"))


def _at_least(file: str, version: str) -> Wanted:
    return Wanted("Go", "go.mod", file, f"go {version}", version, "go ", at_least=True)


def _number(wanted: Wanted) -> tuple[int, ...]:
    return tuple(int(part) for part in wanted.version.split(".") if part.isdigit())

"""Why a build of Go or Rust failed, told from what `go` and `cargo` print (Go 1.24, Cargo 1.85 and later)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from builder import problems as p
from builder.problems import Problem

_GO_MISTAKE = re.compile(r"^(?:\./)?(\S+\.go:\d+:\d+: .+)$")
_RUST_MISTAKE = re.compile(r"^error(?:\[E\d+\])?: (.+)$")
_RUST_PLACE = re.compile(r"^--> (\S+:\d+:\d+)$")
_LIBRARY = re.compile(r"ld: (cannot find -l[\w.+-]+)")
_GO_SUM = re.compile(r"missing go\.sum entry for (?:module providing package )?(\S+)")
_GO_MOD = re.compile(r"(no required module provides package \S+?);|(updates to go\.mod needed)")
_VENDOR = re.compile(r"go: (inconsistent vendoring) in ")
_CARGO_LOCK = re.compile(r"lock file \S+ (?:needs to be updated but|because) --locked was passed")
_NOT_FOUND = (
    re.compile(r"^go: (?:.*: )?(\S+@\S+): (?:reading|invalid version|unrecognized import path)"),
    re.compile(r"^error: no matching package named `([^`]+)` found"),
    re.compile(r"^error: failed to select a version for the requirement `([\w-]+)"),
)
_TOO_OLD = (
    re.compile(r"module (?P<who>\S+) requires (?P<tool>go) >= (?P<version>[\d.]+) \(running go (?P<has>[\d.]+)"),
    re.compile(r"^(?P<who>\S+) requires (?P<tool>rustc) (?P<version>[\d.]+)$"),
)
_UNREACHED = re.compile(r"no such host|i/o timeout|connection refused|Could not resolve|Failed to connect")


def problem_in(step: str, exit_code: int, lines: Sequence[str]) -> Problem | None:
    """What is wrong, given the last lines of a step's output; None when neither go nor cargo says it."""
    return _of_a_lock(lines) or _of_a_dependency(lines) or _of_the_code(step, exit_code, lines)


def _of_a_lock(lines: Sequence[str]) -> Problem | None:
    for line in lines:
        if found := _GO_SUM.search(line):
            return p.LockOutdated("go.sum", f"no entry for {found[1]}", "go mod tidy")
        if found := _GO_MOD.search(line):
            return p.LockOutdated("go.mod", found[1] or found[2], "go mod tidy")
        if found := _VENDOR.search(line):
            return p.LockOutdated("vendor/modules.txt", found[1], "go mod vendor")
        if _CARGO_LOCK.search(line):
            said = "a Cargo.toml that needs other versions than those in Cargo.lock"
            return p.LockOutdated("Cargo.lock", said, "cargo update --workspace")
    return None


def _of_a_dependency(lines: Sequence[str]) -> Problem | None:
    for line in lines:
        too_old = next((found for pattern in _TOO_OLD if (found := pattern.search(line))), None)
        if too_old is not None:
            return _too_old(too_old)
        if "build constraints exclude all Go files" in line:
            return p.CNeeded(_excluded(line), line.rpartition(": ")[2])
        missing = next((found for pattern in _NOT_FOUND if (found := pattern.search(line))), None)
        if missing is not None and not _UNREACHED.search(" ".join(lines)):
            return p.DependencyNotFound(missing[1], line)
    return None


def _too_old(found: re.Match[str]) -> Problem:
    if found["tool"] == "go":
        return p.ToolTooOld("Go", found["who"], found["version"], f"go {found['version']}", "go.mod")
    line = f'rust-version = "{found["version"]}"'
    return p.ToolTooOld("Rust", found["who"], found["version"], line, "Cargo.toml")


def _excluded(line: str) -> str:
    """The package whose files are all left out: as it is imported, else by where it lies."""
    found = re.search(r"imports (\S+): ", line)
    return found[1] if found else line.rpartition("/")[2]


def _of_the_code(step: str, exit_code: int, lines: Sequence[str]) -> Problem | None:
    """The first mistake that a compiler names with its place; else the first that Cargo speaks of."""
    said, first = "", ""
    for line in lines:
        if found := _GO_MISTAKE.match(line) or _LIBRARY.search(line):
            return p.StepFailed(step, exit_code, found[1])
        if found := _RUST_MISTAKE.match(line):
            said = found[1]
            first = first or said
        elif line.startswith("warning"):
            said = ""
        elif said and (found := _RUST_PLACE.match(line)):
            return p.StepFailed(step, exit_code, f"{found[1]}: {said}")
    is_cargos = first and "cargo build" in step and not _UNREACHED.search(" ".join(lines))
    return p.StepFailed(step, exit_code, first) if is_cargos else None

"""The Rust pack: crates as Cargo.lock or vendor/ has them, every program of the app built into /app/bin."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from builder.packs.cargo import MANIFEST, Package, read_packages, read_toml, table
from builder.packs.programs import example, processes
from builder.problems import LockMissing, NoProgram, VersionUnavailable, failed
from builder.types import Detected, Source, Wanted

name = "rust"
template: str | None = "rust.Dockerfile.j2"
language_image: str | None = "rust.image.j2"
build_config: tuple[str, ...] = ("CARGO_", "RUSTFLAGS", "SQLX_OFFLINE")
files: tuple[str, ...] = (MANIFEST,)
needs_procfile = True

LOCK = "Cargo.lock"
EXPECTED = "rust-toolchain.toml"
# (file, what stands around the channel in it).
_TOOLCHAIN_FILES = ((EXPECTED, 'channel = "', '"'), ("rust-toolchain", "", ""))
# (what a crate loads at run time, what it is linked with), by crate.
_NATIVE = {
    "openssl-sys": ("libssl3t64", "libssl-dev"),
    "pq-sys": ("libpq5", "libpq-dev"),
    "mysqlclient-sys": ("libmariadb3", "libmariadb-dev"),
    "libsqlite3-sys": ("libsqlite3-0", "libsqlite3-dev"),
}
_LOCKED = re.compile(r'^name = "([^"]+)"$', re.MULTILINE)
_REMOTE = re.compile(r"^source = ", re.MULTILINE)
_NUMBER = re.compile(r"^\d+(\.\d+)*$")


def detect(source: Source) -> Detected | None:
    """An app with a Cargo.toml at the root."""
    paths = source.paths()
    if MANIFEST not in paths:
        return None
    packages = read_packages(source)
    names = tuple(dict.fromkeys(program for package in packages for program in package.programs))
    if not names:
        raise failed(NoProgram("Rust", MANIFEST, "src/main.rs, a file in src/bin/, or a [[bin]] in Cargo.toml"))
    if LOCK not in paths:
        raise failed(LockMissing(MANIFEST, LOCK, "cargo generate-lockfile"))
    lock = (source.read(LOCK) or b"").decode(errors="replace")
    crates = set(_LOCKED.findall(lock))
    native = [] if "openssl-src" in crates else [both for crate, both in _NATIVE.items() if crate in crates]
    vendored = _vendored(source)
    values = {
        "programs": names,
        "vendored": vendored,
        "libraries": [library for library, _ in native],
        "headers": [header for _, header in native],
    }
    dependencies = f"Dependencies from {vendored}/" if vendored else f"Dependencies as {LOCK} has them"
    details = (*([dependencies] if _REMOTE.search(lock) else []), f"Building {', '.join(names)}")
    return Detected(
        "Rust app detected",
        details,
        values,
        (MANIFEST, LOCK),
        processes(source, names, _app_name(packages, names)),
        _wanted(source, packages),
        example(names),
    )


def environment(config: Mapping[str, str]) -> Mapping[str, str]:
    """Cargo's own variables, such as those with the token of a private registry, as they are."""
    return config


def headline(step: str) -> str | None:
    """The recipe's steps in words."""
    if step.startswith("RUN cargo build"):
        return "Compiling"
    if step.startswith("RUN apt-get"):
        return "Installing system packages"
    return ""


def _app_name(packages: tuple[Package, ...], names: tuple[str, ...]) -> str:
    """What a program is called that stands for the whole app: as `default-run` says, else as the only package."""
    told = {package.default_run for package in packages if package.default_run in names}
    return told.pop() if len(told) == 1 else packages[0].name if len(packages) == 1 else ""


def _wanted(source: Source, packages: tuple[Package, ...]) -> Wanted:
    """The Rust that the app asks for, or a later one: Rust 1.x builds what an older one built.

    In this order: the channel in rust-toolchain.toml or rust-toolchain, the highest `rust-version`.
    """
    for file, prefix, suffix in _TOOLCHAIN_FILES:
        channel = _channel(source, file)
        if not channel or channel == "stable":
            continue
        pinned = channel.partition("-")[0]
        if not _NUMBER.match(pinned):
            line = f"{prefix}stable{suffix}"
            raise failed(VersionUnavailable("Rust", file, channel, "of a release, no beta or nightly", line))
        return Wanted("Rust", EXPECTED, file, channel, pinned, prefix, suffix, at_least=True)
    said = [package for package in packages if _NUMBER.match(package.rust_version)]
    if not said:
        return Wanted("Rust", EXPECTED)
    highest = max(said, key=lambda it: [int(part) for part in it.rust_version.split(".")])
    version = highest.rust_version
    return Wanted("Rust", EXPECTED, highest.file, version, version, 'rust-version = "', '"', at_least=True)


def _channel(source: Source, file: str) -> str:
    """The channel in a toolchain file, of either form (https://rust-lang.github.io/rustup/overrides.html)."""
    text = (source.read(file) or b"").decode(errors="replace").strip()
    if "[toolchain]" in text:
        return str(table(read_toml(source, file), "toolchain").get("channel", ""))
    return text if file == "rust-toolchain" else ""


def _vendored(source: Source) -> str:
    """The folder of a `cargo vendor` that the app's own configuration names; "" for none."""
    for file in (".cargo/config.toml", ".cargo/config"):
        if source.read(file) is None:
            continue
        for it in table(read_toml(source, file), "source").values():
            folder = posixpath.normpath(str(it.get("directory", ""))) if isinstance(it, dict) else "."
            if re.match(r"^\w[\w./-]*$", folder):
                return folder
    return ""

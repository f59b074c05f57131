"""The Ruby pack: Bundler's locked gems; Rails and Rack apps get a default web process, Rails its assets."""

from __future__ import annotations

import re
from collections.abc import Mapping

from builder.problems import VersionUnavailable, failed
from builder.types import BuildFailed, Detected, Source

name = "ruby"
template: str | None = "ruby.Dockerfile.j2"
language_image: str | None = "ruby.image.j2"
build_config: tuple[str, ...] = ("BUNDLE_", "SECRET_KEY_BASE")
files: tuple[str, ...] = ("Gemfile", "config.ru")
needs_procfile = True

RUBY = "3.3"
_PATCH = "3.3.8"
_SECTION = re.compile(r"^([A-Z][A-Z ]*)$")
_SPEC = re.compile(r"^ {4}([\w.-]+) \(([^)]+)\)$")
_GEMFILE_RUBY = re.compile(r"^\s*ruby[ (]+((?:['\"][^'\"]+['\"][, ]*)+)", re.MULTILINE)
_REQUIREMENT = re.compile(r"^(~>|>=|<=|!=|>|<|=)?\s*(\d+(?:\.\d+)*)")
# (what a gem loads at run time, what it is compiled with), by gem.
_NATIVE = {
    "pg": ("libpq5", "libpq-dev"),
    "mysql2": ("libmariadb3", "libmariadb-dev"),
    "trilogy": ("libssl3t64", "libssl-dev"),
    "ruby-vips": ("libvips42t64", "libvips-dev"),
    "rmagick": ("libmagickwand-7.q16-10", "libmagickwand-dev"),
    "ffi": ("libffi8", "libffi-dev"),
    "sqlite3": ("libsqlite3-0", "libsqlite3-dev"),
}


def detect(source: Source) -> Detected | None:
    """An app with a Gemfile; config.ru alone is told what is missing."""
    paths = frozenset(source.paths())
    if not paths.intersection(files):
        return None
    lock = source.read("Gemfile.lock")
    if "Gemfile" not in paths or lock is None:
        missing = "Gemfile" if "Gemfile" not in paths else "Gemfile.lock"
        message = f"This looks like a Ruby app, but there is no {missing}."
        raise BuildFailed(message, "Make both: bundle init && bundle lock && git add Gemfile Gemfile.lock")
    sections = _sections(lock.decode("utf-8", errors="replace"))
    version = _version_line(source)
    _check_platform(sections)
    gems = {match[1]: match[2] for line in sections.get("GEM", []) if (match := _SPEC.match(line))}
    local = "PATH" in sections or any(path.startswith("vendor/cache/") for path in paths)
    native = [_NATIVE[gem] for gem in sorted(gems) if gem in _NATIVE]
    values = {
        "files": ("Gemfile", "Gemfile.lock"),
        "source_first": local,
        "compiles": bool(gems) or "GIT" in sections,
        "libraries": [library for library, _ in native],
        "headers": [header for _, header in native],
        "precompiles": bool({"sprockets-rails", "propshaft"} & gems.keys()) and "Rakefile" in paths,
    }
    command = _web_command(gems, paths)
    details = [version, "Installing from Gemfile.lock"]
    details += ["Precompiling the assets"] if values["precompiles"] else []
    processes = (("web", command),) if command else ()
    example = "web: exec bundle exec puma -b tcp://0.0.0.0:$PORT"
    needs = ("Gemfile", "Gemfile.lock")
    return Detected("Ruby app detected", tuple(details), values, needs, processes, procfile_example=example)


def environment(config: Mapping[str, str]) -> Mapping[str, str]:
    """Bundler's own variables, such as those with the key of a private gem server, as they are."""
    return config


def headline(step: str) -> str | None:
    """The recipe's steps in words."""
    if step.startswith("RUN"):
        if "bundle install" in step:
            return "Installing dependencies"
        return "Precompiling the assets" if "assets:precompile" in step else "Installing system packages"
    return "Adding the app's files" if step.endswith("source/ ./") else ""


def _web_command(gems: Mapping[str, str], paths: frozenset[str]) -> str | None:
    """How the web process starts, where that is certain."""
    if "railties" in gems and "puma" in gems and "config/puma.rb" in paths:
        return "exec bundle exec puma -C config/puma.rb"
    if "railties" in gems and "config/application.rb" in paths:
        return "exec bundle exec rails server -b 0.0.0.0 -p $PORT"
    if "config.ru" in paths and "puma" in gems:
        return "exec bundle exec puma -b tcp://0.0.0.0:$PORT"
    if "config.ru" in paths and "rackup" in gems:
        return "exec bundle exec rackup -o 0.0.0.0 -p $PORT"
    return None


def _version_line(source: Source) -> str:
    gemfile = (source.read("Gemfile") or b"").decode("utf-8", errors="replace")
    told = _GEMFILE_RUBY.search(gemfile)
    if told is not None:
        wanted = re.findall(r"['\"]([^'\"]+)['\"]", told[1])
        if not all(_satisfied(it) for it in wanted):
            line = f'ruby "~> {RUBY}.0"'
            raise failed(VersionUnavailable("Ruby", "Gemfile", ", ".join(wanted), _PATCH, line))
        return f"Using Ruby {RUBY}, as the Gemfile allows ({', '.join(wanted)})"
    pin = (source.read(".ruby-version") or b"").decode("utf-8", errors="replace").strip().removeprefix("ruby-")
    if pin and pin != RUBY and not pin.startswith(f"{RUBY}."):
        raise failed(VersionUnavailable("Ruby", ".ruby-version", pin, RUBY, RUBY))
    return f"Using Ruby {RUBY}" + (", as .ruby-version says" if pin else " (no version asked for)")


def _satisfied(requirement: str) -> bool:
    """Whether Debian's Ruby meets it, as Bundler will ask; what can't be read is left to Bundler."""
    match = _REQUIREMENT.match(requirement)
    if match is None:
        return True
    wanted = tuple(int(it) for it in match[2].split("."))
    have = tuple(int(it) for it in _PATCH.split("."))
    padded = (*wanted, 0, 0)[: len(have)]
    if match[1] == "~>":
        return have >= padded and have[: max(1, len(wanted) - 1)] == padded[: max(1, len(wanted) - 1)]
    answers = {">=": have >= padded, ">": have > padded, "<": have < padded, "<=": have <= padded, "!=": have != padded}
    return answers.get(match[1] or "=", have == padded)


def _check_platform(sections: Mapping[str, list[str]]) -> None:
    platforms = [line.strip() for line in sections.get("PLATFORMS", [])]
    if platforms and not any(it == "ruby" or "linux" in it for it in platforms):
        message = f"Gemfile.lock is locked for {', '.join(platforms)} only; this server is Linux."
        raise BuildFailed(message, "bundle lock --add-platform x86_64-linux && git add Gemfile.lock")


def _sections(lock: str) -> dict[str, list[str]]:
    """The lines of each section of a Gemfile.lock by its heading; those of equal headings together."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in lock.splitlines():
        if _SECTION.match(line):
            lines = found.setdefault(line, [])
        elif line.strip():
            lines.append(line)
    return found

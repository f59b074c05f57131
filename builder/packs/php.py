"""The PHP pack: Composer's dependencies, FPM behind nginx, extensions from Debian's packages."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from builder.packs.php_constraint import allows
from builder.problems import BadSyntax, VersionUnavailable, failed
from builder.types import BuildFailed, Detected, Source

name = "php"
template: str | None = "php.Dockerfile.j2"
language_image: str | None = "php.image.j2"
build_config: tuple[str, ...] = ("COMPOSER_",)
files: tuple[str, ...] = ("composer.json", "index.php")
needs_procfile = True

PHP = "8.4"
_FRONT_PAGES = ("public/index.php", "web/index.php", "index.php")
# In every PHP of Debian, or in the language image: `php -m` there.
_BUILT_IN = frozenset(
    re.findall(
        r"\S+",
        """calendar core ctype curl date dom exif ffi fileinfo filter ftp gettext hash iconv json
        libxml mbstring opcache openssl pcntl pcre pdo phar posix random readline reflection session
        shmop simplexml sockets sodium spl standard sysvmsg sysvsem sysvshm tokenizer xml xmlreader
        xmlwriter xsl zend-opcache zip zlib""",
    )
)
_OF_THE_SAME_NAME = """amqp apcu bcmath bz2 gd gmp igbinary imagick intl ldap memcached mongodb msgpack redis soap snmp
    ssh2 tidy uuid xdebug yaml zmq"""
_PACKAGES = {
    **{it: f"php-{it}" for it in re.findall(r"\S+", _OF_THE_SAME_NAME)},
    **dict.fromkeys(("mysqli", "mysqlnd", "pdo_mysql"), "php-mysql"),
    **dict.fromkeys(("pgsql", "pdo_pgsql"), "php-pgsql"),
    **dict.fromkeys(("sqlite3", "pdo_sqlite"), "php-sqlite3"),
    **dict.fromkeys(("odbc", "pdo_odbc"), "php-odbc"),
}


def detect(source: Source) -> Detected | None:
    """An app with composer.json, or with an index.php at its root or in public/."""
    paths = frozenset(source.paths())
    if "composer.json" not in paths and not paths.intersection(_FRONT_PAGES):
        return None
    project, lock = _read(source, "composer.json"), _read(source, "composer.lock")
    wanted = project.get("require", {}).get("php")
    if wanted and not allows(wanted, PHP):
        raise failed(VersionUnavailable("PHP", "composer.json", wanted, PHP, f'"php": "^{PHP}"'))
    needed = tuple(file for file in ("composer.json", "composer.lock") if file in paths)
    values = {"files": needed, "packages": extension_packages(project, lock), "source_first": _is_local(project)}
    root = _document_root(project, paths)
    processes = (("web", f"exec portside-php {shlex.quote(root)}"),) if root is not None else ()
    details = tuple(_details(wanted, needed, values))
    example = "web: exec portside-php public"
    return Detected("PHP app detected", details, values, needed, processes, procfile_example=example)


def environment(config: Mapping[str, str]) -> Mapping[str, str]:
    """Composer's own variables, such as COMPOSER_AUTH, as they are."""
    return config


def headline(step: str) -> str | None:
    """The recipe's steps in words."""
    if step.startswith("RUN") and "composer install" in step:
        return "Installing dependencies" if "--no-autoloader" in step else "Installing the app"
    if step.startswith("RUN"):
        return "Installing Composer" if " composer " in step else "Installing PHP extensions"
    return "Adding the app's files" if step.endswith("source/ ./") else ""


def extension_packages(project: Mapping[str, Any], lock: Mapping[str, Any]) -> tuple[str, ...]:
    """Debian's packages for the `ext-*` that the app and its locked dependencies require, sorted.

    Raises BuildFailed for an extension of the app's own that can't be had. One that only a dependency wants is left to
    Composer, which knows about polyfills (`provide`) and says which package wants it.
    """
    own = {it.lower() for it in project.get("require", {}) if it.lower().startswith("ext-")}
    unknown = sorted(it for it in own if it[4:] not in _BUILT_IN and it[4:] not in _PACKAGES)
    if unknown:
        message = f"composer.json requires {', '.join(unknown)}, which this server does not have."
        raise BuildFailed(message, f"It has, besides PHP's own: {', '.join(sorted(_PACKAGES))}. Or bring a Dockerfile.")
    others = (it for package in lock.get("packages", []) for it in package.get("require", {}))
    wanted = {it.lower().removeprefix("ext-") for it in (*own, *others) if it.lower().startswith("ext-")}
    return tuple(sorted({_PACKAGES[it] for it in wanted if it in _PACKAGES}))


def _document_root(project: Mapping[str, Any], paths: frozenset[str]) -> str | None:
    """`extra.document-root` of composer.json, else where an index.php lies; None when there is none."""
    extra = project.get("extra", {})
    told = extra.get("document-root") if isinstance(extra, dict) else None
    if told is not None:
        root = posixpath.normpath(str(told))
        if root != "." and not any(path.startswith(f"{root}/") for path in paths):
            message = f"composer.json names the document root {told!r}, which is not in the commit."
            raise BuildFailed(message, 'Mend "document-root" under "extra" in composer.json.')
        return root
    return next((posixpath.dirname(page) or "." for page in _FRONT_PAGES if page in paths), None)


def _is_local(project: Mapping[str, Any]) -> bool:
    """Whether a dependency may lie in the app's own source: all of it must be there before anything is installed."""
    repositories = project.get("repositories", [])
    entries = repositories.values() if isinstance(repositories, dict) else repositories
    return any(isinstance(it, dict) and it.get("type") in ("path", "artifact") for it in entries)


def _details(wanted: str | None, needed: tuple[str, ...], values: Mapping[str, Any]) -> Iterator[str]:
    yield f"Using PHP {PHP}" + (f", as composer.json allows ({wanted})" if wanted else "")
    if "composer.lock" in needed:
        yield "Installing from composer.lock"
    elif needed:
        yield "Installing from composer.json (no composer.lock: versions may change from build to build)"
    if values["packages"]:
        yield f"Adding {', '.join(values['packages'])}"


def _read(source: Source, file: str) -> dict[str, Any]:
    content = source.read(file)
    if content is None:
        return {}
    try:
        loaded = json.loads(content.decode("utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        line, column = (error.lineno, error.colno) if isinstance(error, json.JSONDecodeError) else (1, 1)
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "not UTF-8 text"
        raise failed(BadSyntax(file, "JSON", line, column, reason)) from error
    if not isinstance(loaded, dict) or not isinstance(loaded.get("require", {}), dict):
        raise BuildFailed(f"{file} is not of Composer's form.", "`composer validate` says what is wrong.")
    return loaded

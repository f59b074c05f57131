"""Which Java an app asks for: pinned, or the least that its build file compiles for."""

from __future__ import annotations

import re
from collections.abc import Iterable

from builder.types import Source, Wanted

PINS = "system.properties"
_PIN = re.compile(r"^\s*java\.runtime\.version\s*[=:]\s*(\S+)", re.MULTILINE)
_SDKMAN = re.compile(r"^\s*java\s*=\s*(\S+)", re.MULTILINE)
_NUMBER = re.compile(r"(?:^|-)(\d[\d._]*)")
_POM = re.compile(
    r"<(maven\.compiler\.(?:release|target|source)|release|java\.version)>\s*(1\.\d|\d{1,2})(?:\.\d+)*\s*</\1>"
)
# A toolchain is taken at its word by Gradle: another version of Java does not do, newer or not.
_TOOLCHAIN = re.compile(r"(JavaLanguageVersion\.of|jvmToolchain)\s*\(\s*[\"']?(\d+)[\"']?\s*\)")
_GRADLE = re.compile(
    r"(options\.release|sourceCompatibility|targetCompatibility)"
    r"(?:\.set\(|\s*=|\s)\s*(?:JavaVersion\.(?:VERSION_|toVersion\())?[\"']?(1[._]\d|\d{1,2})"
)
# What fetches the Java of a toolchain: https://docs.gradle.org/current/userguide/toolchains.html#sec:provisioning
_FETCHES = "foojay-resolver"


def wanted_java(source: Source, build_files: Iterable[str]) -> Wanted:
    """What `system.properties` pins; else the least that .java-version, .sdkmanrc or one of `build_files` asks for.

    Of several build files the one that asks for most counts.
    """
    pin = _PIN.search(_text(source, PINS))
    if pin:
        return Wanted("Java", PINS, PINS, pin[1], number(pin[1]), "java.runtime.version=")
    sdkman = _SDKMAN.search(_text(source, ".sdkmanrc"))
    for file, text, prefix in (
        (".java-version", _text(source, ".java-version").strip(), ""),
        (".sdkmanrc", sdkman[1] if sdkman else "", "java="),
    ):
        if number(text):
            return Wanted("Java", PINS, file, text, number(text), prefix, at_least=True)
    found = [it for file in build_files if (it := _of_build_file(source, file))]
    return max(found, key=lambda it: (not it.at_least, int(it.version)), default=Wanted("Java", PINS))


def number(text: str) -> str:
    """The number in a version as Heroku, jenv and SDKMAN! write it: `17.0.9-tem` → `17`, `1.8` → `8`; "" for none."""
    found = _NUMBER.search(text)
    parts = re.split(r"[._]", found[1]) if found else [""]
    return parts[1] if parts[0] == "1" and len(parts) > 1 else parts[0]


def _of_build_file(source: Source, file: str) -> Wanted | None:
    text, is_pom = _text(source, file), file.endswith(".xml")
    toolchain = None if is_pom else _TOOLCHAIN.search(text)
    if toolchain and not _fetches_toolchains(source):
        prefix = f"{toolchain[1]}("
        return Wanted("Java", PINS, file, toolchain[0], toolchain[2], prefix, ")")
    told = max((_POM if is_pom else _GRADLE).finditer(text), key=lambda it: int(number(it[2])), default=None)
    if told is None:
        return None
    around = (f"<{told[1]}>", f"</{told[1]}>") if is_pom else (f"{told[1]} = ", "")
    return Wanted("Java", PINS, file, told[0], number(told[2]), *around, at_least=True)


def _fetches_toolchains(source: Source) -> bool:
    return any(_FETCHES in _text(source, file) for file in ("settings.gradle", "settings.gradle.kts"))


def _text(source: Source, file: str) -> str:
    return (source.read(file) or b"").decode("utf-8-sig", errors="replace")

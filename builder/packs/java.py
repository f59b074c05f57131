"""The Java pack: Maven or Gradle, by the app's own wrapper where it has one; the known frameworks are given $PORT."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from builder.packs.java_version import wanted_java
from builder.problems import failed
from builder.problems.java import GradleTooOld, WrapperIncomplete, WrapperMissing
from builder.types import Detected, Source

name = "java"
template: str | None = "java.Dockerfile.j2"
language_image: str | None = "java.image.j2"
build_config: tuple[str, ...] = ("MAVEN_", "MVNW_", "GRADLE_", "ORG_GRADLE_PROJECT_")
files: tuple[str, ...] = ("pom.xml", "build.gradle", "build.gradle.kts")
needs_procfile = False

_GRADLE_FILES = ("build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts")
_BUILD_FILES = ("pom.xml", "build.gradle", "build.gradle.kts", "libs.versions.toml")
DEEPEST = 2  # how many folders down a module's build file is looked for
# Where /usr/share/maven-repo of Debian's packages stands in for Maven Central: for servers with no way there.
DEBIAN_REPOSITORY = "file:///usr/share/maven-repo"
_FRAMEWORKS = {
    "org.springframework.boot": ("Spring Boot", "-Dserver.port=$PORT "),
    "io.quarkus": ("Quarkus", "-Dquarkus.http.port=$PORT -Dquarkus.http.host=0.0.0.0 "),
    "io.micronaut": ("Micronaut", "-Dmicronaut.server.port=$PORT "),
}
_STAGE = re.compile(r"^\s*(?:task\s+stage\b|tasks\.(?:register|create)\s*\(\s*[\"']stage[\"'])", re.MULTILINE)
_APPLICATION = re.compile(
    r"^\s*application\s*$|\bid[ (]+[\"']application[\"']|plugin:\s*[\"']application[\"']|"
    r"io\.micronaut\.application|io\.ktor\.plugin",
    re.MULTILINE,
)
_SHADOW = re.compile(r"com\.github\.johnrengelman\.shadow|com\.gradleup\.shadow")
_GRADLE_VERSION = re.compile(r"^\s*distributionUrl\s*=.*gradle-(\d+)\.(\d+)[\w.-]*\.zip", re.MULTILINE)
# The first Gradle that runs on Java 21, the oldest here: https://docs.gradle.org/current/userguide/compatibility.html
_OLDEST_GRADLE = (8, 5)


@dataclass(frozen=True)
class _Tool:
    """How the app is built. `wrapper`: the files of its own wrapper, none without one. `tasks`: what is made unless
    config says otherwise. `makes`: "jar", or "start script".
    """

    name: str
    wrapper: tuple[str, ...]
    tasks: str
    makes: str = "jar"


def detect(source: Source) -> Detected | None:
    """An app with a pom.xml, or with a build or settings file of Gradle's."""
    paths = frozenset(source.paths())
    if "pom.xml" not in paths and not paths.intersection(_GRADLE_FILES):
        return None
    build_files = [path for path in source.paths() if _is_build_file(path)]
    text = "\n".join(_text(source, path) for path in build_files)
    is_maven = "pom.xml" in paths and ("mvnw" in paths or "gradlew" not in paths)
    tool = _maven(paths) if is_maven else _gradle(source, paths, text)
    framework, options = next((told for id, told in _FRAMEWORKS.items() if id in text), ("", ""))
    from_debian = is_maven and DEBIAN_REPOSITORY in _text(source, "settings.xml")
    values = {
        "tool": tool.name,
        "wrapper": bool(tool.wrapper),
        "tasks": tool.tasks,
        "settings": "settings.xml" if is_maven and "settings.xml" in paths else "",
        "from_debian": from_debian,
        "looks_for": "" if "Procfile" in paths else tool.makes,
    }
    details = [_how(tool) + (f" ({framework})" if framework else "")]
    details += ["Taking Maven's plugins from Debian's packages, as settings.xml says"] if from_debian else []
    wanted = wanted_java(source, _of_tool(build_files, is_maven))
    processes = (("web", _command(tool, options)),)
    example = "web: java -jar target/app.jar"
    needs = (*(("pom.xml",) if is_maven else ()), *tool.wrapper)
    return Detected("Java app detected", tuple(details), values, needs, processes, wanted, example)


def environment(config: Mapping[str, str]) -> Mapping[str, str]:
    """Maven's and Gradle's own variables, and Heroku's for its buildpacks, as they are."""
    return config


def headline(step: str) -> str | None:
    """The recipe's steps in words."""
    if not step.startswith("RUN"):
        return "Adding the app's files" if step.endswith("source/ ./") else ""
    if "apt-get" in step:
        return "Installing the JDK" if "jdk-headless" in step else "Installing Java"
    return "Looking for what to run" if "/opt/java/web" in step else "Building the app"


def _maven(paths: frozenset[str]) -> _Tool:
    wrapper = ("mvnw", ".mvn/wrapper/maven-wrapper.properties") if "mvnw" in paths else ()
    _check_wrapper(paths, wrapper, "mvn wrapper:wrapper")
    return _Tool("maven", wrapper, "package")


def _gradle(source: Source, paths: frozenset[str], text: str) -> _Tool:
    if "gradlew" not in paths:
        raise failed(WrapperMissing(next(file for file in _GRADLE_FILES if file in paths)))
    properties = "gradle/wrapper/gradle-wrapper.properties"
    wrapper = ("gradlew", "gradle/wrapper/gradle-wrapper.jar", properties)
    _check_wrapper(paths, wrapper, "gradle wrapper")
    version = _GRADLE_VERSION.search(_text(source, properties))
    if version and (int(version[1]), int(version[2])) < _OLDEST_GRADLE:
        raise failed(GradleTooOld(f"{version[1]}.{version[2]}", properties, ".".join(map(str, _OLDEST_GRADLE))))
    root = "\n".join(_text(source, file) for file in _GRADLE_FILES)
    if _SHADOW.search(text):
        tasks, makes = "assemble shadowJar", "jar"
    elif "org.springframework.boot" in text or "io.quarkus" in text or not _APPLICATION.search(text):
        tasks, makes = "assemble", "jar"
    else:
        tasks, makes = "installDist", "start script"
    return _Tool("gradle", wrapper, "stage" if _STAGE.search(root) else tasks, makes)


def _check_wrapper(paths: frozenset[str], wrapper: tuple[str, ...], command: str) -> None:
    for path in wrapper:
        if path not in paths:
            raise failed(WrapperIncomplete(wrapper[0], path, command))


def _command(tool: _Tool, options: str) -> str:
    """What the build made is known after it: /opt/java/web names it."""
    if tool.makes == "jar":
        return f'exec java {options}$JAVA_OPTS -jar "$(cat /opt/java/web)"'
    return f'exec env JAVA_OPTS="{options}$JAVA_OPTS" "$(cat /opt/java/web)"'


def _how(tool: _Tool) -> str:
    if tool.name == "gradle":
        return "Building with Gradle, by gradlew"
    return "Building with Maven, by mvnw" if tool.wrapper else "Building with Debian's Maven (no mvnw found)"


def _of_tool(build_files: Iterable[str], is_maven: bool) -> list[str]:
    return [path for path in build_files if path.endswith(".xml") == is_maven]


def _is_build_file(path: str) -> bool:
    folder, _, file = path.rpartition("/")
    return file in _BUILD_FILES and (folder.count("/") + 1 if folder else 0) <= DEEPEST


def _text(source: Source, file: str) -> str:
    return (source.read(file) or b"").decode("utf-8-sig", errors="replace")

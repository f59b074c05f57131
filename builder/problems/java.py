"""What is wrong with a Java app, from its wrapper to what its build leaves."""

from __future__ import annotations

from dataclasses import dataclass

from builder.problems.base import AGAIN, Problem
from core.reports import Report


@dataclass(frozen=True)
class WrapperMissing(Problem):
    """An app of Gradle's without its wrapper. `build_file` is what shows that it is one."""

    build_file: str

    words = (
        "The app is built with Gradle, and has no Gradle wrapper.",
        "{build_file}, and no gradlew",
        "gradlew and gradle/wrapper/, which bring the Gradle that the app is written for",
        "gradle wrapper && git add -f gradlew gradle/wrapper, " + AGAIN,
    )


@dataclass(frozen=True)
class WrapperIncomplete(Problem):
    """A wrapper script without a file that it needs. `command` makes the wrapper anew."""

    script: str
    missing: str
    command: str

    def report(self) -> Report:
        ignored = " (many a .gitignore leaves out *.jar)" if self.missing.endswith(".jar") else ""
        return Report(
            f"{self.script} needs {self.missing}, which is not in the commit.",
            f"no {self.missing}{ignored}",
            f"{self.missing}, committed",
            f"{self.command} && git add -f {self.missing}, {AGAIN}",
        )


@dataclass(frozen=True)
class GradleTooOld(Problem):
    """A wrapper whose Gradle runs on no Java that can be had. `oldest` is the first that does."""

    version: str
    file: str
    oldest: str

    words = (
        "The app's Gradle {version} runs on no Java that this server has.",
        "Gradle {version} in {file}",
        "Gradle {oldest} or newer; the Java that it compiles for may be older",
        "./gradlew wrapper --gradle-version {oldest}, " + AGAIN,
    )


@dataclass(frozen=True)
class CompileError(Problem):
    """A compiler's first complaint."""

    file: str
    line: int
    said: str

    words = (
        "{file} does not compile.",
        "line {line}: {said}",
        "source that compiles",
        "Mend line {line} of {file}, " + AGAIN,
    )


@dataclass(frozen=True)
class NothingToRun(Problem):
    """A build that went well and left nothing that can be started. `made`: the jars and wars that it did leave."""

    made: tuple[str, ...]

    def report(self) -> Report:
        war = next((made for made in self.made if made.endswith(".war")), None)
        todo = "Name the main class where the jar is made (for Maven: mainClass of maven-jar-plugin)"
        if war:
            todo = f"Build a jar with a server in it, or start {war} with webapp-runner by a Procfile"
        return Report(
            "The build made nothing that can be run.",
            "\n".join(f"{made}, whose manifest names no Main-Class" for made in self.made) or "no jar and no war",
            "a jar whose manifest names a Main-Class, or a Procfile that says how the app is started",
            f"{todo}, {AGAIN}",
        )


@dataclass(frozen=True)
class SeveralToRun(Problem):
    """A build that left several things that can be started."""

    found: tuple[str, ...]

    def report(self) -> Report:
        first = self.found[0]
        command = f"java $JAVA_OPTS -jar {first}" if first.endswith("ar") else first
        return Report(
            "The build made several programs, and nothing says which is the web process.",
            "\n".join(self.found),
            "one program, or a Procfile that names the one",
            f"Write a Procfile with a line such as: web: {command}, {AGAIN}",
        )

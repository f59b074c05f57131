"""The Java pack: what it detects and the Dockerfile that it gives."""

from __future__ import annotations

import pytest

from builder import BuildFailed
from builder.debian import stack_named
from builder.eject import template_values
from builder.explain import explain
from builder.packs import java, render
from builder.packs.java_version import number
from builder.problems import NeededFileIgnored, VersionUnavailable
from builder.problems.java import GradleTooOld, WrapperIncomplete, WrapperMissing

PROPERTIES = "gradle/wrapper/gradle-wrapper.properties"
WRAPPER = {
    "gradlew!x": "#!/bin/sh\n",
    "gradle/wrapper/gradle-wrapper.jar": "",
    PROPERTIES: "distributionUrl=https\\://services.gradle.org/distributions/gradle-9.1.0-bin.zip\n",
}
RUN_JAR = '-jar "$(cat /opt/java/web)"'


def rendered(source, stamp: str = "") -> str:
    return render(java.template, template_values(explain(source), "base", "app-1", "source", stamp))


def refused(source) -> BuildFailed:
    with pytest.raises(BuildFailed) as caught:
        explain(source)
    return caught.value


def gradle(text: str, **more: str) -> dict[str, str]:
    return WRAPPER | {"build.gradle": text} | more


@pytest.mark.parametrize(
    ("text", "told", "command"),
    [
        ("", "", f"exec java $JAVA_OPTS {RUN_JAR}"),
        (
            "<groupId>org.springframework.boot</groupId>",
            " (Spring Boot)",
            f"exec java -Dserver.port=$PORT $JAVA_OPTS {RUN_JAR}",
        ),
        (
            "<groupId>io.quarkus.platform</groupId>",
            " (Quarkus)",
            f"exec java -Dquarkus.http.port=$PORT -Dquarkus.http.host=0.0.0.0 $JAVA_OPTS {RUN_JAR}",
        ),
        (
            "<groupId>io.micronaut.platform</groupId>",
            " (Micronaut)",
            f"exec java -Dmicronaut.server.port=$PORT $JAVA_OPTS {RUN_JAR}",
        ),
    ],
)
def test_a_maven_app_is_given_the_port_as_its_framework_takes_it(memory_source, text, told, command):
    plan = explain(memory_source({"pom.xml": text}))
    assert plan.pack.name == "java"
    assert plan.detected.details[1] == f"Building with Debian's Maven (no mvnw found){told}"
    assert plan.manifest.processes == (("web", command),)


def test_the_framework_may_stand_in_a_module(memory_source):
    plan = explain(memory_source({"pom.xml": "", "shop/web/pom.xml": "<groupId>org.springframework.boot</groupId>"}))
    assert plan.detected.details[1].endswith("(Spring Boot)")


def test_a_procfile_goes_before_what_the_build_makes(memory_source):
    source = memory_source({"pom.xml": "", "Procfile": "web: java -cp target/classes Main\n"})
    assert explain(source).manifest.processes == (("web", "java -cp target/classes Main"),)
    assert "/opt/java/web" not in rendered(source)


@pytest.mark.parametrize(
    ("text", "task", "command"),
    [
        ("plugins { id 'java' }", "assemble", f"exec java $JAVA_OPTS {RUN_JAR}"),
        (
            "plugins { id 'org.springframework.boot' version '4.0.0' }",
            "assemble",
            f"exec java -Dserver.port=$PORT $JAVA_OPTS {RUN_JAR}",
        ),
        (
            'plugins {\n  application\n  id("com.gradleup.shadow")\n}',
            "assemble shadowJar",
            f"exec java $JAVA_OPTS {RUN_JAR}",
        ),
        ("plugins {\n    application\n}", "installDist", 'exec env JAVA_OPTS="$JAVA_OPTS" "$(cat /opt/java/web)"'),
        (
            'plugins { id("io.micronaut.application") }',
            "installDist",
            'exec env JAVA_OPTS="-Dmicronaut.server.port=$PORT $JAVA_OPTS" "$(cat /opt/java/web)"',
        ),
        ("plugins { id 'java' }\ntask stage(dependsOn: ['jar'])", "stage", f"exec java $JAVA_OPTS {RUN_JAR}"),
    ],
)
def test_gradle_runs_the_task_that_makes_something_to_run(memory_source, text, task, command):
    source = memory_source(gradle(text))
    assert explain(source).manifest.processes == (("web", command),)
    assert f"sh ./gradlew --no-daemon --console=plain ${{GRADLE_TASK:-{task}}} " in rendered(source)


def test_gradle_without_its_wrapper_is_told_how_to_make_it(memory_source):
    assert refused(memory_source({"settings.gradle.kts": ""})).problem == WrapperMissing("settings.gradle.kts")


@pytest.mark.parametrize("missing", ["gradle/wrapper/gradle-wrapper.jar", PROPERTIES])
def test_a_gradle_wrapper_needs_its_files(memory_source, missing):
    files = {path: text for path, text in gradle("").items() if path != missing}
    assert refused(memory_source(files)).problem == WrapperIncomplete("gradlew", missing, "gradle wrapper")


def test_a_wrapper_that_dockerignore_leaves_out_is_told(memory_source):
    source = memory_source(gradle("", **{".dockerignore": "**/*.jar\n"}))
    jar = "gradle/wrapper/gradle-wrapper.jar"
    assert refused(source).problem == NeededFileIgnored(".dockerignore", jar)


def test_a_maven_wrapper_needs_its_properties(memory_source):
    problem = refused(memory_source({"pom.xml": "", "mvnw!x": ""})).problem
    assert problem == WrapperIncomplete("mvnw", ".mvn/wrapper/maven-wrapper.properties", "mvn wrapper:wrapper")


def test_a_gradle_that_runs_on_no_java_of_the_server_is_told(memory_source):
    source = memory_source(gradle("", **{PROPERTIES: "distributionUrl=https\\://x/gradle-8.4-all.zip\n"}))
    assert refused(source).problem == GradleTooOld("8.4", PROPERTIES, "8.5")


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"mvnw!x": "", ".mvn/wrapper/maven-wrapper.properties": ""}, "Building with Maven, by mvnw"),
        (gradle(""), "Building with Gradle, by gradlew"),
        (gradle("", **{"mvnw": "", ".mvn/wrapper/maven-wrapper.properties": ""}), "Building with Maven, by mvnw"),
    ],
)
def test_the_wrapper_decides_between_maven_and_gradle(memory_source, files, told):
    assert explain(memory_source({"pom.xml": ""} | files)).detected.details[1] == told


def test_mavens_wrapper_is_run_by_a_shell_and_needs_no_maven_of_debian(memory_source):
    text = rendered(memory_source({"pom.xml": "", "mvnw": "", ".mvn/wrapper/maven-wrapper.properties": ""}))
    assert "sh ./mvnw --batch-mode" in text
    assert " maven" not in text.partition("FROM runtime AS build")[2].partition("USER app")[0]


def test_herokus_config_variables_count_when_there_are_any(memory_source):
    source = memory_source({"pom.xml": ""})
    assert "-DskipTests package\n" in rendered(source)
    text = rendered(source, stamp="7")
    assert "${MAVEN_CUSTOM_OPTS:--DskipTests} ${MAVEN_CUSTOM_GOALS:-package}\n" in text
    assert "--mount=type=secret,id=config" in text


def test_the_build_tool_stays_behind_and_its_cache_is_the_apps(memory_source):
    text = rendered(memory_source({"pom.xml": ""}))
    runtime, build, final = text.split("\nFROM ")[-3:]
    assert "openjdk-21-jre-headless" in runtime
    assert "openjdk-21-jdk-headless curl unzip maven\n" in build
    assert "--mount=type=cache,id=app-1-maven,target=/home/app/.m2," in build
    assert "RUN" not in final
    assert "-XX:+ExitOnOutOfMemoryError" in final


def test_settings_that_point_at_debians_repository_bring_its_plugins(memory_source):
    settings = "<mirror><url>file:///usr/share/maven-repo</url></mirror>"
    source = memory_source({"pom.xml": "", "settings.xml": settings})
    assert "Taking Maven's plugins from Debian's packages, as settings.xml says" in explain(source).detected.details
    assert "libmaven-compiler-plugin-java" in rendered(source)
    assert " --settings settings.xml " in rendered(source)


@pytest.mark.parametrize(
    ("files", "told", "package"),
    [
        ({}, "Using Java 21 (no system.properties found)", 21),
        ({"system.properties": "java.runtime.version=21\n"}, "Using Java 21, as system.properties says", 21),
        (
            {"system.properties": "# LTS\njava.runtime.version = 25.0.1\n"},
            "Using Java 25, as system.properties says",
            25,
        ),
        ({".java-version": "17.0.9\n"}, "Using Java 21 (.java-version asks for 17 or newer)", 21),
        ({".sdkmanrc": "java=25.0.1-tem\n"}, "Using Java 25, as .sdkmanrc says", 25),
        (
            {"pom.xml": "<maven.compiler.release>17</maven.compiler.release>"},
            "Using Java 21 (pom.xml asks for 17 or newer)",
            21,
        ),
        ({"pom.xml": "<java.version>1.8</java.version>"}, "Using Java 21 (pom.xml asks for 8 or newer)", 21),
        ({"pom.xml": "<release>23</release>"}, "Using Java 25 (pom.xml asks for 23 or newer)", 25),
        (
            {"pom.xml": "<java.version>17</java.version>", "system.properties": "java.runtime.version=25"},
            "Using Java 25, as system.properties says",
            25,
        ),
    ],
)
def test_the_version_that_is_asked_for(memory_source, files, told, package):
    source = memory_source({"pom.xml": ""} | files)
    assert explain(source).detected.details[0] == told
    assert f"openjdk-{package}-jre-headless" in rendered(source)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("java { toolchain { languageVersion = JavaLanguageVersion.of(25) } }", "Using Java 25, as build.gradle says"),
        ("kotlin { jvmToolchain(21) }", "Using Java 21, as build.gradle says"),
        ("sourceCompatibility = JavaVersion.VERSION_17", "Using Java 21 (build.gradle asks for 17 or newer)"),
        ("sourceCompatibility '1.8'", "Using Java 21 (build.gradle asks for 8 or newer)"),
        ("tasks.withType(JavaCompile) { options.release = 23 }", "Using Java 25 (build.gradle asks for 23 or newer)"),
    ],
)
def test_the_version_that_gradle_asks_for(memory_source, text, told):
    assert explain(memory_source(gradle(text))).detected.details[0] == told


def test_a_version_that_only_the_other_stack_has_moves_the_app_there(memory_source):
    plan = explain(memory_source({"pom.xml": "<release>26</release>"}))
    assert plan.stack == stack_named("debian-14")
    assert plan.detected.details[:2] == (
        "Using Java 26, as pom.xml says",
        "Building on debian-14: debian-13 has Java 21 or 25 (to keep: portside stack:set debian-14)",
    )


def test_an_exact_pin_of_a_version_that_cannot_be_had_is_refused(memory_source):
    error = refused(memory_source({"pom.xml": "", "system.properties": "java.runtime.version=17\n"}))
    has, line = "21, 25, 26 or 27", "java.runtime.version=21"
    assert error.problem == VersionUnavailable("Java", "system.properties", "17", has, line)


def test_a_toolchain_that_cannot_be_had_is_refused_unless_gradle_fetches_it(memory_source):
    files = gradle("java { toolchain { languageVersion = JavaLanguageVersion.of(17) } }")
    problem = refused(memory_source(files)).problem
    assert isinstance(problem, VersionUnavailable)
    assert (problem.wanted, problem.line) == ("JavaLanguageVersion.of(17)", "JavaLanguageVersion.of(21)")
    fetching = memory_source(files | {"settings.gradle": "plugins { id 'org.gradle.toolchains.foojay-resolver' }"})
    assert explain(fetching).detected.details[0] == "Using Java 21 (no system.properties found)"


@pytest.mark.parametrize(
    ("text", "found"),
    [("17", "17"), ("1.8", "8"), ("zulu-17.0.3", "17"), ("openjdk64-21.0.1", "21"), ("25.0.1-tem", "25"), ("lts", "")],
)
def test_versions_as_other_tools_write_them(text, found):
    assert number(text) == found

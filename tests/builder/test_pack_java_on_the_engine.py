"""Java apps on the real engine: built with Debian's Maven and its plugins, or by a wrapper, and they answer."""

from __future__ import annotations

import io
import zipfile

import pytest

from builder import BuildFailed
from builder.problems.java import CompileError, NothingToRun, SeveralToRun
from tests.builder.containers import answer, exit_code_when_stopped, in_image, running
from tests.builder.package_servers import PackageServer

pytestmark = pytest.mark.engine

SERVER = "src/main/java/hello/Server.java"
ENDED_BY_TERM = 143
# Does in few lines what Gradle does for the tasks `assemble` and `installDist`, with the JDK of the build alone.
GRADLEW = """\
set -eu
echo "$@" > asked
mkdir -p build/classes "$HOME/.gradle"
echo "builds before: $(cat "$HOME/.gradle/builds" 2>/dev/null | wc -l)"
echo built >> "$HOME/.gradle/builds"
"$JAVA_HOME/bin/javac" -d build/classes $(find src -name '*.java')
if [ "$3" = installDist ]; then
    mkdir -p build/install/hello/bin
    echo 'exec java $JAVA_OPTS -cp /app/build/classes hello.Server' > build/install/hello/bin/hello
    chmod +x build/install/hello/bin/hello
    touch build/install/hello/bin/hello.bat
else
    mkdir -p build/libs
    "$JAVA_HOME/bin/jar" --create --file build/libs/hello-plain.jar -C build/classes .
    "$JAVA_HOME/bin/jar" --create --file build/libs/hello.jar --main-class hello.Server -C build/classes .
fi
"""

LIBRARY_POM = """\
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>com.example</groupId><artifactId>greeting</artifactId><version>1.0</version>
</project>
"""
DEPENDING = """
  <repositories>
    <repository><id>ours</id><url>http://ours.invalid</url></repository>
  </repositories>
  <dependencies>
    <dependency><groupId>com.example</groupId><artifactId>greeting</artifactId><version>1.0</version></dependency>
  </dependencies>
"""
COPYING = """
      <plugin>
        <artifactId>maven-dependency-plugin</artifactId><version>3.8.1</version>
        <executions>
          <execution><phase>package</phase><goals><goal>copy-dependencies</goal></goals></execution>
        </executions>
      </plugin>
"""


def source_of(fixture_app, **more: str):
    return fixture_app("java_tiny", **more)


def with_gradle(fixture_app, text: str):
    wrapper = {
        "gradlew": GRADLEW,
        "gradle/wrapper/gradle-wrapper.jar": "",
        "gradle/wrapper/gradle-wrapper.properties": "",
    }
    source = fixture_app("java_tiny", **wrapper, **{"build.gradle": text})
    files = {path: content for path, content in source.files.items() if path not in ("pom.xml", "settings.xml")}
    return type(source)(files)


def jar(files: dict[str, str]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return packed.getvalue()


def failure(bench, log, source) -> BuildFailed:
    with pytest.raises(BuildFailed) as raised:
        bench.builder.build(bench.request(source, deadline_s=600.0), log)
    return raised.value


def test_a_maven_app_answers_on_its_port_and_ends_when_told(bench, log, fixture_app):
    built = bench.builder.build(bench.request(source_of(fixture_app), deadline_s=600.0), log)
    assert "       Using Java 21, as pom.xml says" in log.lines
    assert "         Found target/hello-1.0.jar" in log.lines
    with running(built) as container:
        assert answer(container).endswith("hello from v7\n")
        assert exit_code_when_stopped(container) == ENDED_BY_TERM
    assert in_image(built, "id -u; command -v javac mvn || echo none").split() == ["1000", "none"]
    code = source_of(fixture_app).files[SERVER].decode().replace("hello from", "good day from")
    again = bench.builder.build(bench.request(source_of(fixture_app, **{SERVER: code})), log)
    with running(again) as container:
        assert answer(container).endswith("good day from v7\n")


def test_herokus_variables_decide_what_maven_does(bench, log, fixture_app):
    source, server = source_of(fixture_app), PackageServer()
    server.files["/settings.xml"] = source.files["settings.xml"]
    config = {
        "MAVEN_CUSTOM_GOALS": "clean package",
        "MAVEN_CUSTOM_OPTS": "-DskipTests --show-version",
        "MAVEN_SETTINGS_URL": f"{server.url}/settings.xml",
    }
    with server.serving():
        built = bench.builder.build(bench.request(source, deadline_s=600.0, config=config), log)
    assert server.asked == ["/settings.xml"]
    assert any("--- clean:" in line for line in log.lines)
    assert any("Apache Maven 3." in line for line in log.lines)
    assert in_image(built, "cat /opt/java/web") == "/app/target/hello-1.0.jar\n"


def test_a_dependency_is_fetched_once_and_a_procfile_says_what_runs(bench, log, fixture_app):
    server = PackageServer()
    library = "/com/example/greeting/1.0/greeting-1.0"
    server.files |= {
        f"{library}.pom": LIBRARY_POM.encode(),
        f"{library}.jar": jar({"greeting.txt": "from the library"}),
    }
    plain = source_of(fixture_app)
    files = {
        "pom.xml": plain.files["pom.xml"].decode().replace("    <plugins>", f"    <plugins>{COPYING}", 1),
        "settings.xml": plain.files["settings.xml"].decode().replace("<mirrorOf>*<", "<mirrorOf>*,!ours<"),
        "Procfile": "web: exec java -cp target/classes:target/dependency/* hello.Server\n",
    }
    files["pom.xml"] = files["pom.xml"].replace("  <build>", f"{DEPENDING}\n  <build>", 1)
    files["settings.xml"] = files["settings.xml"].replace(
        "<mirrors>", f"<mirrors><mirror><id>ours</id><mirrorOf>ours</mirrorOf><url>{server.url}</url></mirror>"
    )
    with server.serving():
        bench.builder.build(bench.request(source_of(fixture_app, **files), deadline_s=600.0), log)
        asked = len(server.asked)
        built = bench.builder.build(bench.request(source_of(fixture_app, **files, README="changed\n")), log)
    assert f"{library}.jar" in server.asked
    assert len(server.asked) == asked
    with running(built) as container:
        assert answer(container).endswith("hello from v7\n")
    assert in_image(built, "ls target/dependency") == "greeting-1.0.jar\n"


@pytest.mark.full
def test_a_java_that_debian_has_beside_its_own(bench, log, fixture_app):
    source = source_of(fixture_app, **{"system.properties": "java.runtime.version=25\n"})
    built = bench.builder.build(bench.request(source, deadline_s=600.0), log)
    assert 'openjdk version "25' in in_image(built, "java -version 2>&1; ls /usr/lib/jvm")


def test_source_that_does_not_compile(bench, log, fixture_app):
    code = source_of(fixture_app).files[SERVER].decode().replace("server.start();", "server.start()")
    problem = failure(bench, log, source_of(fixture_app, **{SERVER: code})).problem
    assert problem == CompileError(SERVER, 19, "';' expected")


def test_a_jar_that_names_no_main_class(bench, log, fixture_app):
    pom = source_of(fixture_app).files["pom.xml"].decode().replace("<mainClass>hello.Server</mainClass>", "")
    assert failure(bench, log, source_of(fixture_app, **{"pom.xml": pom})).problem == NothingToRun(
        ("target/hello-1.0.jar",)
    )


def test_a_gradle_wrapper_makes_a_jar_and_keeps_its_cache(bench, log, fixture_app):
    source = with_gradle(fixture_app, "plugins { id 'java' }\n")
    built = bench.builder.build(bench.request(source, deadline_s=600.0), log)
    assert in_image(built, "cat asked /opt/java/web").split() == [
        *("--no-daemon", "--console=plain", "assemble"),
        "/app/build/libs/hello.jar",
    ]
    with running(built) as container:
        assert answer(container).endswith("hello from v7\n")
    bench.builder.build(bench.request(with_gradle(fixture_app, "// again\n")), log)
    assert "         builds before: 1" in log.lines


def test_a_gradle_wrapper_makes_a_start_script(bench, log, fixture_app):
    source = with_gradle(fixture_app, "plugins {\n    application\n}\n")
    built = bench.builder.build(bench.request(source, deadline_s=600.0), log)
    with running(built) as container:
        assert answer(container).endswith("hello from v7\n")


def test_several_jars_that_could_be_run_are_told(bench, log, fixture_app):
    source = with_gradle(fixture_app, "plugins { id 'java' }\n")
    more = "mkdir -p worker/build/libs && cp build/libs/hello.jar worker/build/libs/worker.jar\n"
    several = type(source)(source.files | {"gradlew": GRADLEW + more})
    found = ("build/libs/hello.jar", "worker/build/libs/worker.jar")
    assert failure(bench, log, several).problem == SeveralToRun(found)

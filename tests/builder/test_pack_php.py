"""The PHP pack: what it detects, the Dockerfile that it gives, and a tiny app for real."""

from __future__ import annotations

import json
import subprocess
import threading

import pytest

from builder import BuildFailed
from builder.eject import template_values
from builder.explain import explain
from builder.packs import php, render
from builder.packs.php_constraint import allows
from builder.problems import BadSyntax, NoProcfile, VersionUnavailable

DOCKER = "/usr/bin/docker"


def composer(**content: object) -> dict[str, str]:
    return {"composer.json": json.dumps(content), "public/index.php": ""}


def rendered(source) -> str:
    return render(php.template, template_values(explain(source), "base", "app-1", "source", ""))


def refused(source) -> BuildFailed:
    with pytest.raises(BuildFailed) as caught:
        explain(source)
    return caught.value


@pytest.mark.parametrize(
    ("files", "command"),
    [
        ({"index.php": ""}, "exec portside-php ."),
        ({"public/index.php": "", "index.php": ""}, "exec portside-php public"),
        ({"composer.json": "{}", "web/index.php": ""}, "exec portside-php web"),
        ({"composer.json": '{"extra": {"document-root": "a b/"}}', "a b/x.php": ""}, "exec portside-php 'a b'"),
    ],
)
def test_the_web_process_serves_the_folder_of_the_front_page(memory_source, files, command):
    assert explain(memory_source(files)).manifest.processes == (("web", command),)


def test_the_procfile_goes_before_the_default(memory_source):
    plan = explain(memory_source(composer() | {"Procfile": "web: portside-php docs\nworker: php work.php\n"}))
    assert plan.manifest.processes == (("web", "portside-php docs"), ("worker", "php work.php"))


def test_without_a_front_page_only_a_procfile_can_tell(memory_source):
    error = refused(memory_source({"composer.json": "{}"}))
    assert error.problem == NoProcfile(None, "web: exec portside-php public")


def test_a_document_root_that_is_not_there_is_told(memory_source):
    error = refused(memory_source(composer(extra={"document-root": "htdocs"})))
    assert error.message == "composer.json names the document root 'htdocs', which is not in the commit."


def test_extensions_come_from_the_app_and_from_what_it_locks(memory_source):
    lock = {"packages": [{"name": "a/b", "require": {"ext-gd": "*", "ext-json": "*", "ext-unheard": "*"}}]}
    source = memory_source(
        composer(require={"php": "^8.3", "ext-pdo_mysql": "*", "ext-mbstring": "*"})
        | {"composer.lock": json.dumps(lock)}
    )
    assert explain(source).detected.details == (
        "Using PHP 8.4, as composer.json allows (^8.3)",
        "Installing from composer.lock",
        "Adding php-gd, php-mysql",
        "No Procfile: web runs `exec portside-php public`",
    )
    assert "--no-install-recommends php-gd php-mysql \\" in rendered(source)


def test_an_extension_that_nobody_has_is_told_with_those_there_are(memory_source):
    error = refused(memory_source(composer(require={"ext-oci8": "*"})))
    assert error.message == "composer.json requires ext-oci8, which this server does not have."
    assert "gd, gmp" in str(error.hint)


def test_a_version_that_the_server_lacks_is_told(memory_source):
    error = refused(memory_source(composer(require={"php": "~8.2.0"})))
    assert error.problem == VersionUnavailable("PHP", "composer.json", "~8.2.0", "8.4", '"php": "^8.4"')


def test_broken_json_is_told_with_its_place(memory_source):
    error = refused(memory_source({"composer.json": "{\n  x", "index.php": ""}))
    assert isinstance(error.problem, BadSyntax)
    assert (error.problem.file, error.problem.line, error.problem.column) == ("composer.json", 2, 3)


@pytest.mark.parametrize(
    ("constraint", "allowed"),
    [
        ("^8.2", True),
        ("^7.4 || ^8.0", True),
        ("^7.4|^8.0", True),
        (">=8.1 <8.5", True),
        (">= 8.1, < 8.4", False),
        ("8.4.*", True),
        ("8.3.*", False),
        ("~8.3", True),
        ("~8.3.0", False),
        ("8.1 - 8.4", True),
        ("8.1 - 8.3", False),
        ("^7.4", False),
        ("^9.0", False),
        (">8.3", True),
        ("<=8.3", False),
        ("*", True),
        ("8.4.7", True),
        ("dev-main", True),
    ],
)
def test_constraints_are_read_as_composer_reads_them(constraint, allowed):
    assert allows(constraint, "8.4") is allowed


def test_dependencies_are_a_layer_of_their_own_with_a_cache_of_the_apps_own(memory_source):
    text = rendered(memory_source(composer() | {"composer.lock": "{}"}))
    assert 'COPY --chown=app:app ["source/composer.lock", "composer.lock"]' in text
    assert text.index("--no-autoloader") < text.index("COPY --chown=app:app source/ ./")
    assert "--mount=type=cache,id=app-1-composer," in text
    assert text.rstrip().endswith("COPY --from=build --chown=app:app /app/ ./")


def test_a_package_in_the_apps_own_source_comes_before_the_dependencies(fixture_app):
    text = rendered(fixture_app("php_tiny"))
    assert text.count("composer install") == 1
    assert text.index("COPY --chown=app:app source/ ./") < text.index("composer install")


def test_an_app_without_composer_json_installs_nothing(memory_source):
    assert "RUN" not in rendered(memory_source({"index.php": ""}))


@pytest.mark.engine
def test_a_tiny_app_answers_on_its_port_and_ends_when_told(bench, log, fixture_app):
    built = bench.builder.build(bench.request(fixture_app("php_tiny"), deadline_s=600.0), log)
    run = [DOCKER, "run", "--detach", "--network=none", "--cap-drop=ALL", "--init", "--env=PORT=5000"]
    argv = [
        *run,
        "--env=RELEASE_VERSION=v7",
        "--entrypoint=/bin/sh",
        built.image_id,
        "-c",
        dict(built.processes)["web"],
    ]
    container = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
    try:
        assert answer(container, "/some/page?q=1") == "hello from v7, 3\n/some/page?q=1\n"
        assert answer(container, "/plain.txt") == "a plain file\n"
        assert inside(container, "id", "-u").stdout == "1000\n"
        subprocess.run([DOCKER, "stop", "--time=20", container], check=True, capture_output=True)
        state = subprocess.run(
            [DOCKER, "inspect", "--format={{.State.ExitCode}}", container], capture_output=True, text=True
        )
        assert state.stdout == "0\n"
    finally:
        subprocess.run([DOCKER, "rm", "--force", container], check=True, capture_output=True)


def inside(container: str, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([DOCKER, "exec", container, *command], capture_output=True, text=True)


def answer(container: str, path: str) -> str:
    code = "$it = @file_get_contents($argv[1]); if ($it === false) exit(1); echo $it;"
    for _ in range(300):
        asked = inside(container, "php", "-r", code, f"http://127.0.0.1:5000{path}")
        if asked.returncode == 0:
            return asked.stdout
        threading.Event().wait(0.1)
    logs = subprocess.run([DOCKER, "logs", container], capture_output=True, text=True)
    raise AssertionError(logs.stdout + logs.stderr)

"""Each pack builds a tiny app on the real engine, and the app answers."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator

import pytest

from builder import BuildFailed
from builder.problems import VersionUnavailable

pytestmark = pytest.mark.engine

DOCKER = "/usr/bin/docker"
FETCH = "exec 3<>/dev/tcp/127.0.0.1/5000; printf 'GET {path} HTTP/1.0\\r\\nHost: a\\r\\n\\r\\n' >&3; cat <&3"


@pytest.fixture
def answer() -> Iterator[Callable[..., str]]:
    """Starts a built app's web process and gives its whole answer to a GET, asked from inside its container."""
    started: list[str] = []

    def ask(built, path: str = "/") -> str:
        options = ["--network=none", "--env=PORT=5000", "--entrypoint=/bin/sh"]
        command = dict(built.processes)["web"]
        argv = [DOCKER, "run", "--detach", *options, built.image_id, "-c", command]
        started.append(subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip())
        for _ in range(300):
            argv = [DOCKER, "exec", started[-1], "bash", "-c", FETCH.format(path=path)]
            asked = subprocess.run(argv, capture_output=True, text=True)
            if asked.returncode == 0 and asked.stdout:
                return asked.stdout
            threading.Event().wait(0.1)
        raise AssertionError(subprocess.run([DOCKER, "logs", started[-1]], capture_output=True, text=True))

    yield ask
    for container in started:
        subprocess.run([DOCKER, "rm", "--force", container], check=True, capture_output=True)


def in_image(built, command: str) -> str:
    argv = [DOCKER, "run", "--rm", "--network=none", "--entrypoint=/bin/sh", built.image_id, "-c", command]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def test_a_django_app_without_a_procfile(bench, log, fixture_app, answer):
    built = bench.builder.build(bench.request(fixture_app("python_django")), log)
    assert built.processes == (("web", "gunicorn shop.wsgi"),)
    assert in_image(built, "id -u; ls collected").split() == ["1000", "shop.css"]
    assert "a Django shop" in answer(built)


def test_a_django_app_that_collects_no_static_files_by_config(bench, log, fixture_app):
    request = bench.request(fixture_app("python_django"), config={"DISABLE_COLLECTSTATIC": "1"})
    assert "collected" not in in_image(bench.builder.build(request, log), "ls")


@pytest.mark.parametrize(("tool", "lock"), [("poetry", "poetry.lock"), ("pipenv", "Pipfile.lock")])
def test_a_python_app_with_a_lock_file(bench, log, fixture_app, tool, lock):
    built = bench.builder.build(bench.request(fixture_app(f"python_{tool}")), log)
    assert f"       Installing from {lock}" in log.lines
    command = (
        "python -c 'import itsdangerous; from importlib.metadata import version; print(version(\"itsdangerous\"))'"
    )
    assert in_image(built, command) == "2.2.0\n"


def test_a_node_app_is_built_and_development_is_left_out(bench, log, fixture_app, answer):
    built = bench.builder.build(bench.request(fixture_app("node_tiny"), deadline_s=600.0), log)
    assert built.processes == (("web", "npm start"),)
    assert in_image(built, "id -u; ls node_modules").split() == ["1000", "ms"]
    assert "built: true 1m production" in answer(built)


def with_package(fixture_app, **changes: object):
    source = fixture_app("node_tiny")
    package = json.dumps(json.loads(source.read("package.json")) | changes)
    return fixture_app("node_tiny", **{"package.json": package.encode()})


def test_a_node_that_debian_has_not_comes_from_npm(bench, log, fixture_app):
    source = with_package(fixture_app, engines={"node": "22.9.x"})
    built = bench.builder.build(bench.request(source, deadline_s=300.0), log)
    assert in_image(built, "node --version; npm --version").split()[0] == "v22.9.0"


def test_a_node_that_nobody_has_is_told_with_what_there_is(bench, log, fixture_app):
    with pytest.raises(BuildFailed) as raised:
        bench.builder.build(bench.request(with_package(fixture_app, engines={"node": "99"})), log)
    problem = raised.value.problem
    assert isinstance(problem, VersionUnavailable)
    assert (problem.language, problem.file, problem.wanted) == ("Node.js", "package.json", "99")
    assert {"20", "22", "24"} <= set(problem.has.removeprefix("one of ").split(", "))


def test_a_pnpm_workspace(bench, log, memory_source):
    files = {
        "package.json": json.dumps({"name": "all", "private": True, "scripts": {"start": "node web/index.js"}}),
        "pnpm-workspace.yaml": "packages:\n  - web\n  - lib\n",
        "pnpm-lock.yaml": "lockfileVersion: '9.0'\n\nsettings:\n  autoInstallPeers: true\n"
        "  excludeLinksFromLockfile: false\n\nimporters:\n\n  .: {}\n\n  lib: {}\n\n  web:\n    dependencies:\n"
        "      lib:\n        specifier: workspace:*\n        version: link:../lib\n",
        "lib/package.json": json.dumps({"name": "lib", "version": "1.0.0"}),
        "lib/index.js": "module.exports = 'from the workspace';\n",
        "web/package.json": json.dumps({"name": "web", "dependencies": {"lib": "workspace:*"}}),
        "web/index.js": "console.log(require('lib'));\n",
    }
    built = bench.builder.build(bench.request(memory_source(files), deadline_s=300.0), log)
    assert in_image(built, "npm start --silent") == "from the workspace\n"

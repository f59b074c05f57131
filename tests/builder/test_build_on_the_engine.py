"""Real builds on the real engine."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import threading
from pathlib import Path

import pytest

from builder import Builder, BuildFailed
from core.errors import Cancelled, DeadlineExceeded, UserError

pytestmark = pytest.mark.engine

DOCKER = "/usr/bin/docker"
BASE = "FROM portside/base:debian-13\n"


def in_image(image_id: str, *command: str) -> str:
    """What a command prints in a fresh container of an image."""
    argv = [DOCKER, "run", "--rm", "--network=none", "--entrypoint", command[0], image_id, *command[1:]]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def test_a_dockerfile_app_is_built_and_says_what_it_runs(bench, log, fixture_app):
    built = bench.builder.build(bench.request(fixture_app("dockerfile_tiny")), log)
    assert built.image_id.startswith("sha256:")
    assert (built.pack, built.processes, built.port, built.reused) == ("dockerfile", (("web", None),), 8000, False)
    assert log.lines[0] == "-----> Dockerfile detected"
    assert "       [2/2] COPY . /app" in log.lines


def test_a_procfile_beside_a_dockerfile_says_what_runs(bench, log, fixture_app):
    source = fixture_app("dockerfile_tiny", Procfile="web: perl a\nworker: perl b\n")
    assert bench.builder.build(bench.request(source), log).processes == (("web", "perl a"), ("worker", "perl b"))


def test_the_same_tree_is_not_built_twice(bench, log, fixture_app):
    first = bench.builder.build(bench.request(fixture_app("dockerfile_tiny")), log)
    again = bench.builder.build(bench.request(fixture_app("dockerfile_tiny"), commit="d" * 40), log)
    assert (again.image_id, again.build_id, again.reused) == (first.image_id, first.build_id, True)
    assert log.lines[-1] == f"-----> Nothing changed since build {first.build_id[:8]}: reusing its image"


def test_a_rebuild_runs_every_step_anew(bench, log, memory_source):
    source = memory_source({"Dockerfile": BASE + "RUN cat /proc/sys/kernel/random/uuid > /id\nCMD x"})
    first = bench.builder.build(bench.request(source), log)
    again = bench.builder.build(bench.request(source, rebuild=True), log)
    assert not again.reused
    assert in_image(first.image_id, "cat", "/id") != in_image(again.image_id, "cat", "/id")


def test_after_a_purge_the_same_tree_is_built_from_nothing_and_then_cached_again(bench, log, memory_source):
    stock = "COPY word /\nRUN --mount=type=cache,id=stock,target=/stock ls /stock > /found; touch /stock/$(cat /word)\n"
    apples, pears = (
        memory_source({"Dockerfile": BASE + stock + "CMD x", "word": word}) for word in ("apples", "pears")
    )
    bench.builder.build(bench.request(apples), log)
    filled = bench.builder.build(bench.request(pears), log)
    assert in_image(filled.image_id, "cat", "/found").split() == ["apples"]
    bench.builder.purge_cache(bench.app_id)
    purged = bench.builder.build(bench.request(pears), log)
    assert not purged.reused
    assert in_image(purged.image_id, "cat", "/found") == ""
    again = bench.builder.build(bench.request(apples), log)
    assert in_image(again.image_id, "cat", "/found").split() == ["pears"]


def test_an_image_gone_from_the_engine_comes_back_from_the_registry_with_no_build(bench, log, memory_source):
    source = memory_source({"Dockerfile": BASE + "RUN cat /proc/sys/kernel/random/uuid > /id\nCMD x"})
    first = bench.builder.build(bench.request(source), log)
    made = in_image(first.image_id, "cat", "/id")
    bench.images.publish(bench.app_id, "shop", first.image_id, 1, {})
    bench.engine.untag(bench.images.name_of(f"apps/{bench.app_id}", "v1"))
    bench.engine.untag(f"portside/build:{first.build_id}")
    assert bench.engine.image_id(first.image_id) is None
    again = bench.builder.build(bench.request(source), log)
    assert again.reused
    assert in_image(again.image_id, "cat", "/id") == made


def test_an_image_gone_everywhere_is_built_again(bench, log, fixture_app):
    source = fixture_app("dockerfile_tiny", only_here=bench.app_id)
    first = bench.builder.build(bench.request(source), log)
    bench.engine.untag(f"portside/build:{first.build_id}")
    assert bench.builder.build(bench.request(source), log).reused is False


def test_two_builds_of_one_tree_at_once_both_succeed(bench, fixture_app, log):
    built = []
    request = bench.request(fixture_app("dockerfile_tiny"))
    threads = [threading.Thread(target=lambda: built.append(bench.builder.build(request, log))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(built) == 2
    assert built[0].image_id == built[1].image_id


def test_a_failing_run_shows_its_output_and_one_line_of_reason(bench, log, memory_source):
    source = memory_source({"Dockerfile": BASE + "RUN echo before; echo oh no >&2; exit 3\nCMD x"})
    with pytest.raises(BuildFailed) as raised:
        bench.builder.build(bench.request(source), log)
    assert raised.value.message == "`RUN echo before; echo oh no >&2; exit 3` ended with exit code 3."
    assert raised.value.hint == "Mend what its output above names, then commit and push again."
    assert {"         before", "         oh no"} <= set(log.lines)


@pytest.mark.parametrize(
    ("dockerfile", "message"),
    [
        (
            BASE + "COPY nofile /\nCMD x",
            "`COPY nofile /` copies nofile, which is not in the commit.",
        ),
        ("FROMM x", "The Dockerfile can't be read."),
        (BASE + "CMD []\n", "The image says nothing of what to run."),
    ],
)
def test_a_dockerfile_that_cannot_be_built_is_told(bench, log, memory_source, dockerfile, message):
    with pytest.raises(BuildFailed) as raised:
        bench.builder.build(bench.request(memory_source({"Dockerfile": dockerfile, "a": ""})), log)
    assert raised.value.message == message


def test_a_cancel_in_mid_build_ends_what_runs_in_the_build(bench, log, memory_source):
    marker = f"4{os.getpid()}"
    source = memory_source({"Dockerfile": BASE + f"RUN echo started && sleep {marker}\nCMD x"})
    with pytest.raises(Cancelled):
        bench.builder.build(
            bench.request(source), log, lambda: Cancelled() if "         started" in log.lines else None
        )
    assert eventually_gone(f"sleep\0{marker}\0")


def test_a_deadline_in_mid_build_ends_it(bench, log, memory_source):
    marker = f"5{os.getpid()}"
    source = memory_source({"Dockerfile": BASE + f"RUN sleep {marker}\nCMD x"})
    with pytest.raises(DeadlineExceeded):
        bench.builder.build(bench.request(source, deadline_s=1.0), log)
    assert eventually_gone(f"sleep\0{marker}\0")


def eventually_gone(command_line: str) -> bool:
    """Whether no process of this machine has that command line any more, given a minute."""
    ticker = threading.Event()
    for _ in range(600):
        if command_line not in {text_of(path) for path in Path("/proc").glob("[0-9]*/cmdline")}:
            return True
        ticker.wait(0.1)
    return False


def text_of(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def test_a_python_app_runs_as_a_user_who_is_not_root(bench, log, fixture_app):
    built = bench.builder.build(bench.request(fixture_app("python_tiny")), log)
    assert [name for name, _ in built.processes] == ["web", "worker"]
    assert (built.pack, built.port) == ("python", 5000)
    assert in_image(built.image_id, "sh", "-c", "id -u; python -V; ls").split() == [
        "1000",
        "Python",
        "3.13.5",
        "Procfile",
        "requirements.txt",
        "server.py",
    ]
    steps = [line for line in log.lines if line.startswith("----->")]
    assert steps == ["-----> Python app detected", "-----> Installing dependencies", "-----> Adding the app's files"]


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": '[project]\nname="shop"\nversion="1"\nrequires-python=">=3.11"\ndependencies=[]\n'},
        {
            "pyproject.toml": '[project]\nname="shop"\nversion="1"\nrequires-python=">=3.11"\n',
            "uv.lock": 'version = 1\nrequires-python = ">=3.11"\n\n'
            '[[package]]\nname = "shop"\nversion = "1"\nsource = { virtual = "." }\n',
        },
        {"requirements.txt": "-r more/base.txt\n", "more/base.txt": "# nothing\n"},
    ],
    ids=["pyproject", "uv.lock", "nested requirements"],
)
def test_every_way_to_name_dependencies_builds(bench, log, memory_source, files):
    built = bench.builder.build(bench.request(memory_source(files | {"Procfile": "web: python -V"})), log)
    assert in_image(built.image_id, "python", "-c", "print('runs')") == "runs\n"


@pytest.mark.full
def test_an_app_that_pins_python_3_14_is_built_on_the_stack_that_has_it(bench, log, memory_source):
    files = {"requirements.txt": "", ".python-version": "3.14", "Procfile": "web: python -m http.server"}
    built = bench.builder.build(bench.request(memory_source(files)), log)
    shown = subprocess.run(["docker", "run", "--rm", built.image_id, "python", "-V"], capture_output=True, check=True)
    assert shown.stdout.startswith(b"Python 3.14.")
    assert "Building on debian-14: debian-13 has Python 3.13" in log.text


def test_a_server_without_its_base_image_says_how_to_make_it(bench, database, log, fixture_app):
    settings = dataclasses.replace(bench.settings, base_image="portside/base:none")
    builder = Builder(database, bench.engine, settings, bench.images)
    with pytest.raises(UserError) as raised:
        builder.build(bench.request(fixture_app("python_tiny")), log)
    assert raised.value.message == "The base image portside/base:none is not in the Docker Engine."
    assert raised.value.hint == "Make it: `make quickstart`, or see `portside-server doctor`."


def test_a_change_of_code_leaves_the_dependency_layer_alone(bench, log, fixture_app):
    bench.builder.build(bench.request(fixture_app("python_tiny")), log)
    before = len(log.lines)
    bench.builder.build(bench.request(fixture_app("python_tiny", **{"server.py": "print()"})), log)
    after = log.lines[before:]
    assert after[after.index("-----> Installing dependencies") + 1] == "         CACHED"


def test_a_build_time_secret_reaches_the_build_and_no_image(bench, log, fixture_app):
    source = fixture_app("python_tiny")
    url = "https://buyer:hunter2-token@packages.invalid/simple"
    plain = bench.builder.build(bench.request(source, config={"OTHER": "not-for-builds"}), log)
    built = bench.builder.build(bench.request(source, config={"PIP_INDEX_URL": url}), log)
    assert built.build_id != plain.build_id
    again = bench.builder.build(bench.request(source, config={"PIP_INDEX_URL": f"{url}/2"}), log)
    assert not again.reused
    argv = [DOCKER, "history", "--no-trunc", built.image_id]
    history = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    layers = subprocess.run([DOCKER, "save", built.image_id], capture_output=True, check=True).stdout
    assert "hunter2-token" not in history + log.text
    assert b"hunter2-token" not in layers
    assert b"not-for-builds" not in layers


def test_a_build_time_secret_is_seen_by_the_installer_and_hidden_in_the_log(bench, log, memory_source):
    source = memory_source({"requirements.txt": "nothing-here==1\n", "Procfile": "web: x"})
    config = {"PIP_INDEX_URL": "http://buyer:hunter2-token@127.0.0.1:9/simple", "UV_HTTP_RETRIES": "0"}
    with pytest.raises(BuildFailed) as raised:
        bench.builder.build(bench.request(source, config=config), log)
    assert "127.0.0.1:9" in log.text or "[hidden]" in log.text
    assert "hunter2-token" not in log.text + str(raised.value)

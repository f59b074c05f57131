"""What is detected, and what is said when nothing is or something is wrong. No engine is touched."""

from __future__ import annotations

import pytest

from builder import BuildFailed
from builder.explain import explain

WEB = {"Procfile": "web: python app.py\n"}


def failed(source) -> BuildFailed:
    with pytest.raises(BuildFailed) as raised:
        explain(source)
    return raised.value


def test_a_dockerfile_goes_before_a_language(memory_source):
    plan = explain(memory_source({"Dockerfile": "FROM x", "requirements.txt": ""}))
    assert (plan.pack.name, plan.manifest.processes) == ("dockerfile", None)


@pytest.mark.parametrize(
    ("files", "detail"),
    [
        ({"requirements.txt": "flask"}, "Installing from requirements.txt"),
        ({"pyproject.toml": "[project]\nname='x'\nversion='1'"}, "Installing from pyproject.toml"),
        ({"pyproject.toml": "[project]\nname='x'", "uv.lock": "", "requirements.txt": ""}, "Installing from uv.lock"),
        ({"pyproject.toml": "[tool.ruff]", "requirements.txt": ""}, "Installing from requirements.txt"),
    ],
)
def test_a_python_app_is_detected(memory_source, files, detail):
    plan = explain(memory_source(WEB | files))
    assert plan.pack.name == "python"
    assert plan.detected.details == ("Using Python 3.13 (no .python-version found)", detail)


@pytest.mark.parametrize(
    ("file", "text"),
    [(".python-version", "# pin\n\n3.13.2\n"), (".python-version", "3.13"), ("runtime.txt", "python-3.13.11")],
)
def test_a_pin_that_the_server_has_is_taken(memory_source, file, text):
    plan = explain(memory_source(WEB | {"requirements.txt": "", file: text}))
    assert plan.detected.details[0] == f"Using Python 3.13, as {file} says"


@pytest.mark.parametrize(
    ("file", "text", "message", "hint"),
    [
        (".python-version", "3.12\n", ".python-version asks for '3.12'; this server has Python 3.13.", "3.13"),
        (
            "runtime.txt",
            "python-3.130",
            "runtime.txt asks for 'python-3.130'; this server has Python 3.13.",
            "python-3.13",
        ),
        (".python-version", "", ".python-version asks for 'nothing'; this server has Python 3.13.", "3.13"),
    ],
)
def test_another_pin_is_refused_with_what_can_be_had(memory_source, file, text, message, hint):
    error = failed(memory_source(WEB | {"requirements.txt": "", file: text}))
    assert (error.message, error.hint) == (message, f"Put {hint} in {file}, or bring a Dockerfile.")


def test_nothing_known_lists_what_was_found_and_expected(memory_source):
    error = failed(memory_source({"index.html": "", "src/a.c": "", "src/b.c": ""}))
    assert error.message == (
        "No known kind of app. Found: index.html, src/. Expected one of: Dockerfile, requirements.txt, pyproject.toml."
    )
    assert error.hint == "Add one of these at the root of the repository, commit and push again."


def test_an_empty_tree_is_told(memory_source):
    assert failed(memory_source({})).message.startswith("No known kind of app. Found: no files.")


@pytest.mark.parametrize(
    ("found", "meant"),
    [
        ("requirments.txt", "requirements.txt"),
        ("requirement.txt", "requirements.txt"),
        ("dockerfile", "Dockerfile"),
        ("DockerFile", "Dockerfile"),
        ("app/requirements.txt", "requirements.txt"),
    ],
)
def test_a_near_miss_is_named(memory_source, found, meant):
    assert failed(memory_source({found: ""})).hint == f"Is {found} meant to be {meant}? git mv {found} {meant}"


def test_a_python_app_without_a_procfile_is_told_how_to_write_one(memory_source):
    error = failed(memory_source({"requirements.txt": ""}))
    assert error.message == "There is no Procfile, so nothing says how to start the app."
    assert error.hint == "Put a file named Procfile at the root, with a line such as: web: gunicorn app:app"


@pytest.mark.parametrize("found", ["procfile", "Procfile.txt", "ProcFile", "Profile"])
def test_a_misspelt_procfile_is_named(memory_source, found):
    error = failed(memory_source({"requirements.txt": "", found: "web: x"}))
    assert error.hint == f"Is {found} meant to be Procfile? git mv {found} Procfile"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"pyproject.toml": "[x"}, "pyproject.toml is not valid TOML: "),
        ({"pyproject.toml": "[tool.ruff]"}, "pyproject.toml has no [project] table, and there is no requirements.txt"),
        ({"requirements.txt": "-r base.txt"}, "A requirements file names base.txt, which is not in the commit."),
        ({"requirements.txt": "", ".dockerignore": "*.txt"}, ".dockerignore leaves out requirements.txt, which the"),
    ],
)
def test_what_cannot_be_built_is_told_before_the_engine_is_asked(memory_source, files, message):
    assert failed(memory_source(WEB | files)).message.startswith(message)


def test_requirement_files_are_followed_and_local_packages_noticed(memory_source):
    files = {"requirements.txt": "-r req/base.txt\nflask", "req/base.txt": "-c con.txt\n-e .", "req/con.txt": "x==1"}
    values = explain(memory_source(WEB | files)).detected.values
    assert values["files"] == ("requirements.txt", "req/base.txt", "req/con.txt")
    assert values["source_first"] is True


@pytest.mark.parametrize(
    "line", ["flask==3.1", "x @ https://h/x.whl", "git+https://h/x", "--index-url https://h/x.zip"]
)
def test_a_requirement_from_elsewhere_keeps_the_dependency_layer(memory_source, line):
    assert explain(memory_source(WEB | {"requirements.txt": line})).detected.values["source_first"] is False


def test_a_dockerfile_has_its_own_dockerignore_before_the_common_one(memory_source):
    files = {"Dockerfile": "FROM x", "Dockerfile.dockerignore": "a", ".dockerignore": "b"}
    ignore = explain(memory_source(files)).ignore
    assert (ignore.excludes("a"), ignore.excludes("b")) == (True, False)

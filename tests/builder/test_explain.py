"""What is detected, and what is said when nothing is or something is wrong. No engine is touched."""

from __future__ import annotations

import pytest

from builder import BuildFailed
from builder.explain import explain
from builder.problems import (
    EmptyTree,
    LinkBroken,
    LinkLoop,
    LockFilesClash,
    NeededFileIgnored,
    NoProcfile,
    NoProjectTable,
    NothingDetected,
    RequirementsMissing,
    VersionUnavailable,
)

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
    ("file", "text", "wanted", "line"),
    [
        (".python-version", "3.12\n", "3.12", "3.13"),
        ("runtime.txt", "python-3.130", "python-3.130", "python-3.13"),
        (".python-version", "", "no version", "3.13"),
    ],
)
def test_another_pin_is_refused_with_what_can_be_had(memory_source, file, text, wanted, line):
    error = failed(memory_source(WEB | {"requirements.txt": "", file: text}))
    assert error.problem == VersionUnavailable("Python", file, wanted, "3.13 or 3.14", line)


def test_nothing_known_lists_what_was_found_and_expected(memory_source):
    problem = failed(memory_source({"index.htm": "", "src/a.c": "", "src/b.c": ""})).problem
    assert isinstance(problem, NothingDetected)
    assert problem.found == ("index.htm", "src/")
    assert problem.expected[0] == "Dockerfile"


def test_an_empty_tree_is_told(memory_source):
    assert isinstance(failed(memory_source({})).problem, EmptyTree)


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
    assert error.problem == NoProcfile(None)
    assert "with a line such as: web: gunicorn app:app" in str(error)


@pytest.mark.parametrize("found", ["procfile", "Procfile.txt", "ProcFile", "Profile"])
def test_a_misspelt_procfile_is_named(memory_source, found):
    error = failed(memory_source({"requirements.txt": "", found: "web: x"}))
    assert error.hint == f"Is {found} meant to be Procfile? git mv {found} Procfile"


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"pyproject.toml": "[tool.ruff]"}, NoProjectTable()),
        ({"requirements.txt": "-r base.txt"}, RequirementsMissing("base.txt", "requirements.txt")),
        (
            {"requirements.txt": "-r lib/base.txt", ".gitmodules": '[submodule "lib"]\n\tpath = lib\n'},
            RequirementsMissing("lib/base.txt", "requirements.txt", "lib"),
        ),
        (
            {"requirements.txt": "", ".dockerignore": "*.txt"},
            NeededFileIgnored(".dockerignore", "requirements.txt"),
        ),
        (
            {"requirements.txt": "", "uv.lock": "", "poetry.lock": ""},
            LockFilesClash("Python", ("uv.lock", "poetry.lock")),
        ),
    ],
)
def test_what_cannot_be_built_is_told_before_the_engine_is_asked(memory_source, files, problem):
    assert failed(memory_source(WEB | files)).problem == problem


def test_links_are_followed_inside_the_tree(memory_source):
    files = {"requirements.txt": "", "ops/heroku/Procfile": "web: x\n"}
    plan = explain(memory_source(files, {"deploy": "ops/heroku", "Procfile": "deploy/Procfile"}))
    assert plan.manifest.processes == (("web", "x"),)


@pytest.mark.parametrize(
    ("links", "problem"),
    [
        ({"Procfile": "other", "other": "Procfile"}, LinkLoop("Procfile")),
        ({"Procfile": "nowhere"}, LinkBroken("Procfile", "nowhere")),
        ({"Procfile": "/etc/passwd"}, LinkBroken("Procfile", "/etc/passwd")),
        ({"Procfile": "../up"}, LinkBroken("Procfile", "../up")),
    ],
)
def test_a_link_that_leads_nowhere_is_told(memory_source, links, problem):
    assert failed(memory_source({"requirements.txt": ""}, links)).problem == problem


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

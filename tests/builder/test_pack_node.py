"""Node.js: which tool installs, which Node.js, what is built and how the app starts. No engine is touched."""

from __future__ import annotations

import json

import pytest

from builder import packs
from builder.eject import template_values
from builder.explain import explain
from builder.problems import BadSyntax, LockFilesClash, NoProcfile, VersionUnavailable
from builder.types import BuildFailed

START = {"scripts": {"start": "node a.js"}}


def values(source) -> dict[str, object]:
    return dict(explain(source).detected.values)


def rendered(source) -> str:
    plan = explain(source)
    assert plan.pack.template is not None
    return packs.render(plan.pack.template, template_values(plan, "language", "app", "source", ""))


def problem(source) -> object:
    with pytest.raises(BuildFailed) as raised:
        explain(source)
    return raised.value.problem


@pytest.mark.parametrize(
    ("lock", "text", "more", "install", "tool"),
    [
        ("package-lock.json", "{}", {}, "npm ci --include=dev", ""),
        ("npm-shrinkwrap.json", "{}", {"packageManager": "npm@11.6.0"}, "npm ci --include=dev", "npm@11.6.0"),
        ("yarn.lock", "# yarn lockfile v1\n", {}, "yarn install --frozen-lockfile", "yarn@1"),
        ("yarn.lock", "__metadata:\n  version: 8\n", {}, "yarn install --immutable", "@yarnpkg/cli-dist@4"),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n", {}, "CI=1 pnpm install --frozen-lockfile", "pnpm@10"),
        ("pnpm-lock.yaml", "lockfileVersion: '6.0'\n", {}, "CI=1 pnpm install --frozen-lockfile", "pnpm@8"),
        (
            "pnpm-lock.yaml",
            "lockfileVersion: '9.0'\n",
            {"packageManager": "pnpm@9.15.4+sha512.abc"},
            "CI=1 pnpm install --frozen-lockfile",
            "pnpm@9.15.4",
        ),
    ],
)
def test_the_lock_file_says_which_tool_installs(memory_source, lock, text, more, install, tool):
    found = values(memory_source({"package.json": json.dumps(START | more), lock: text}))
    assert str(found["install"]).startswith(install)
    assert found["tool"] == tool


def test_without_a_lock_file_npm_installs_and_it_is_said(memory_source):
    plan = explain(memory_source({"package.json": json.dumps(START)}))
    assert plan.detected.values["install"] == "npm install --include=dev"
    assert "Installing from package.json (commit package-lock.json to pin versions)" in plan.detected.details


@pytest.mark.parametrize(
    ("more", "files", "found"),
    [
        ({}, {"yarn.lock": "", "package-lock.json": ""}, ("package-lock.json", "yarn.lock")),
        (
            {"packageManager": "pnpm@10.0.0"},
            {"yarn.lock": ""},
            ("packageManager pnpm in package.json", "yarn.lock"),
        ),
    ],
)
def test_two_tools_at_once_are_refused_by_name(memory_source, more, files, found):
    source = memory_source({"package.json": json.dumps(START | more), **files})
    assert problem(source) == LockFilesClash("Node.js", found)


@pytest.mark.parametrize(
    ("more", "files", "pin"),
    [
        ({}, {}, ("", "")),
        ({"engines": {"node": "22.x"}}, {".nvmrc": "18"}, ("package.json", "22.x")),
        ({"engines": {"npm": "10"}}, {".nvmrc": "v22.9.0\n"}, (".nvmrc", "22.9.0")),
        ({}, {".node-version": "lts/jod\n"}, (".node-version", "22")),
        ({"engines": {"node": ">=20 <23 || ^24.1"}}, {}, ("package.json", ">=20 <23 || ^24.1")),
    ],
)
def test_the_pin_of_node(memory_source, more, files, pin):
    found = values(memory_source({"package.json": json.dumps(START | more), **files}))
    assert (found["range_file"], found["node_range"]) == pin


def test_a_pin_that_is_no_version_never_reaches_a_shell(memory_source):
    source = memory_source({"package.json": json.dumps(START | {"engines": {"node": '$(id)"'}})})
    assert isinstance(problem(source), VersionUnavailable)


def test_a_wrong_package_json_is_told_with_its_line(memory_source):
    found = problem(memory_source({"package.json": '{\n "name" 1}'}))
    assert found == BadSyntax("package.json", "JSON", 2, 9, "Expecting ':' delimiter")


@pytest.mark.parametrize("files", [{"package.json": json.dumps(START)}, {"package.json": "{}", "server.js": ""}])
def test_npm_start_is_the_web_process(memory_source, files):
    assert explain(memory_source(files)).manifest.processes == (("web", "npm start"),)


def test_a_procfile_wins(memory_source):
    files = {"package.json": json.dumps(START), "Procfile": "web: node b.js\n"}
    assert explain(memory_source(files)).manifest.processes == (("web", "node b.js"),)


def test_without_a_start_script_a_procfile_is_asked_for_in_the_words_of_node(memory_source):
    assert problem(memory_source({"package.json": "{}"})) == NoProcfile(None, "web: node server.js")


def test_the_build_script_runs_with_development_packages_which_are_then_left_out(memory_source):
    package = {"scripts": {"build": "vite build", "start": "node a.js"}}
    text = rendered(memory_source({"package.json": json.dumps(package), "package-lock.json": "{}"}))
    steps = ["npm ci --include=dev", "source/ ./", "NODE_ENV=production npm run build", "npm prune --omit=dev"]
    assert sorted(steps, key=text.index) == steps
    assert text.index("npm prune") < text.rindex("FROM tools")


@pytest.mark.parametrize(
    "package",
    [
        START | {"workspaces": ["packages/*"]},
        START | {"dependencies": {"lib": "file:./lib"}},
        {"scripts": {"start": "x", "postinstall": "prisma generate"}},
    ],
    ids=["workspaces", "a local package", "an install hook"],
)
def test_an_install_that_needs_the_source_comes_after_it(memory_source, package):
    text = rendered(memory_source({"package.json": json.dumps(package), "package-lock.json": "{}"}))
    assert text.index("source/ ./") < text.index("npm ci")

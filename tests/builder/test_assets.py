"""Which apps have assets that Node.js builds, and the Dockerfile of both languages. No engine is touched."""

from __future__ import annotations

import json
import re

import pytest

from builder.eject import dockerfile, recipe
from builder.explain import explain
from builder.problems import LockFilesClash, NeededFileIgnored
from builder.types import BuildFailed

PACKAGE = {"scripts": {"build": "vite build"}}
LOCK = "GEM\n  specs:\n    propshaft (1.0)\n    puma (1.0)\n    rack (1.0)\n\nPLATFORMS\n  ruby\n"
PYTHON = {"requirements.txt": "", "Procfile": "web: python app.py", "package-lock.json": "{}"}
RUBY = {"Gemfile": "", "Gemfile.lock": LOCK, "config.ru": "", "Rakefile": ""}
PHP = {"composer.json": "{}", "public/index.php": ""}


def with_package(files, package=PACKAGE, **more: str):
    return files | {"package.json": json.dumps(package)} | more


def rendered(source) -> str:
    plan = explain(source)
    return recipe(plan, {pack.name: f"image-of-{pack.name}" for pack in plan.packs}, "app", "source", "")


@pytest.mark.parametrize("files", [PYTHON, RUBY, PHP, {"index.php": ""}], ids=["python", "ruby", "php", "plain php"])
def test_a_build_script_is_run_before_the_apps_files_are_taken(memory_source, files):
    text = rendered(memory_source(with_package(files)))
    steps = ["AS assets", "NODE_ENV=production npm run build", "from=assets,source=/app,target=/built"]
    assert sorted(steps, key=text.index) == steps
    assert text.count("COPY --chown=app:app source/ ./") == 1  # into the stage of Node.js alone
    assert text.rindex("FROM image-of-node AS assets-tools") < text.index("AS assets\n")


def test_it_is_told_with_the_apps_own_decisions(memory_source):
    plan = explain(memory_source(with_package(PYTHON)))
    assert [pack.name for pack in plan.packs] == ["node", "python"]
    assert plan.pack.name == "python"
    told = ["Building assets with Node.js: npm run build", "Installing from package-lock.json"]
    assert [line for line in plan.detected.details if line in told] == told


@pytest.mark.parametrize(
    "files",
    [
        with_package(PYTHON, {"scripts": {"lint": "eslint ."}}),
        with_package(PYTHON, **{"portside.toml": "assets = false"}),
        with_package(PYTHON, **{"app.json": '{"buildpacks": [{"url": "heroku/python"}]}'}),
        with_package(PYTHON, **{".dockerignore": "package.json"}),
        PYTHON,
    ],
    ids=["no build script", "portside.toml", "app.json", ".dockerignore", "no package.json"],
)
def test_nothing_changes_without_a_script_or_when_somebody_says_no(memory_source, files):
    plan = explain(memory_source(files))
    assert plan.assets is None
    assert "node" not in recipe(plan, {"python": "image"}, "app", "source", "")


def test_app_json_lists_both_as_on_heroku(memory_source):
    listed = {"buildpacks": [{"url": "heroku/nodejs"}, {"url": "heroku/python"}]}
    plan = explain(memory_source(with_package(PYTHON, **{"app.json": json.dumps(listed)})))
    assert [pack.name for pack in plan.packs] == ["node", "python"]


def test_an_app_with_a_dockerfile_or_in_node_alone_has_none(memory_source):
    own = with_package({"Dockerfile": "FROM scratch\n"})
    node = with_package({}, {"scripts": {"build": "tsc", "start": "node a.js"}})
    assert explain(memory_source(own)).assets is None
    assert explain(memory_source(node)).assets is None


def test_herokus_name_of_the_script_goes_first(memory_source):
    scripts = {"build": "vite build", "heroku-postbuild": "npm run build -- --mode heroku"}
    plan = explain(memory_source(with_package(PYTHON, {"scripts": scripts})))
    assert plan.assets.values["build"] == "npm run heroku-postbuild"


@pytest.mark.parametrize(
    ("scripts", "runs"),
    [
        ({"build": "esbuild a.js", "build:css": "sass a b"}, "npm run build && npm run build:css"),
        ({"build:css": "sass a b"}, "npm run build:css"),
        ({"build": "esbuild a.js && npm run build:css", "build:css": "sass a b"}, "npm run build"),
    ],
)
def test_rails_builds_its_styles_too_and_not_a_second_time(memory_source, scripts, runs):
    source = memory_source(with_package(RUBY, {"scripts": scripts}))
    assert f"Building assets with Node.js: {runs}" in explain(source).detected.details
    precompile = re.search(r".* bundle exec rake assets:precompile", rendered(source))
    assert precompile is not None
    assert "SKIP_JS_BUILD=1 SKIP_CSS_BUILD=1" in precompile[0]


def test_rails_without_a_build_script_precompiles_as_ever(memory_source):
    assert "SKIP_JS_BUILD" not in rendered(memory_source(RUBY))


def test_what_collects_files_sees_node_modules_that_the_image_has_not(memory_source):
    django = {"requirements.txt": "django", "manage.py": "", "shop/settings.py": "STATIC_ROOT = 'x'"}
    text = rendered(memory_source(with_package(PYTHON | django)))
    collect = text[text.rindex("RUN", 0, text.index("collectstatic")) :]
    assert "from=assets,source=/app/node_modules,target=/app/node_modules" in collect
    assert "--exclude=./node_modules" in text


def test_mistakes_of_the_second_language_are_told(memory_source):
    with pytest.raises(BuildFailed) as two_locks:
        explain(memory_source(with_package(PYTHON, **{"yarn.lock": ""})))
    assert two_locks.value.problem == LockFilesClash("Node.js", ("package-lock.json", "yarn.lock"))
    with pytest.raises(BuildFailed) as ignored:
        explain(memory_source(with_package(PYTHON, **{".dockerignore": "*lock.json"})))
    assert ignored.value.problem == NeededFileIgnored(".dockerignore", "package-lock.json")


def test_the_ejected_dockerfile_has_a_stage_for_each_language(memory_source):
    source = memory_source(with_package(PYTHON))
    text = dockerfile(explain(source), source, "shop", "trixie", {"VITE_KEY": "k"})
    names = re.findall(r"^FROM \S+ AS (\S+)$", text, re.MULTILINE)
    assert {"debian", "language-node", "language", "assets-tools", "assets"} <= set(names)
    for base in re.findall(r"^FROM (\S+)", text, re.MULTILINE)[1:]:
        assert base in names
    assert "--secret id=config" in text.splitlines()[0]
    assert "\nCOPY --chown=app:app ./ ./\n" in text

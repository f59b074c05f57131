"""Static sites: which folder is served, by whose word, what nginx is told. No engine is touched."""

from __future__ import annotations

import json
import re

import pytest

from builder.eject import recipe
from builder.explain import explain
from builder.packs import as_arguments
from builder.packs.static_nginx import HASHED, escaped, pattern_regex
from builder.packs.static_tools import is_development_server
from builder.problems import BadSyntax, NoProcfile, SettingsWrong
from builder.problems.sites import SiteFeatureRefused, SiteFolderMissing, SiteFolderUntold
from builder.types import BuildFailed

WEB = (("web", "exec portside-static"),)


def front_end(package: str, start: str = "", **files: str) -> dict[str, str]:
    scripts = {"build": f"{package} build"} | ({"start": start} if start else {})
    return {"package.json": json.dumps({"scripts": scripts, "devDependencies": {package: "1"}})} | files


def rendered(source) -> str:
    plan = explain(source)
    return recipe(plan, {pack.name: f"image-of-{pack.name}" for pack in plan.packs}, "app", "source", "")


def problem(source) -> object:
    with pytest.raises(BuildFailed) as raised:
        explain(source)
    return raised.value.problem


def toml(text: str) -> dict[str, str]:
    return {"public/index.html": "", "portside.toml": f"[static]\n{text}"}


@pytest.mark.parametrize("folder", ["", "public/", "public_html/", "dist/", "build/", "_site/", "out/", "www/"])
def test_pages_in_the_repository_are_served_from_their_folder(memory_source, folder):
    source = memory_source({f"{folder}index.html": "", "README.md": ""})
    plan = explain(source)
    assert plan.pack.name == "static"
    assert plan.manifest.processes == WEB
    assert plan.detected.values["root"] == (folder.rstrip("/") or ".")
    assert plan.assets is None
    assert f'COPY --chown=app:app ["source{"/" if folder else ""}{folder.rstrip("/")}", "' in rendered(source)


@pytest.mark.parametrize(
    ("files", "pack"),
    [
        ({"requirements.txt": "", "Procfile": "web: x"}, "python"),
        ({"package.json": '{"scripts": {"start": "node a.js"}}'}, "node"),
        ({"package.json": "{}", "server.js": ""}, "node"),
        ({"index.php": ""}, "php"),
        ({"Dockerfile": "FROM x"}, "dockerfile"),
        ({"package.json": '{"devDependencies": {"prettier": "3"}}'}, "static"),
    ],
)
def test_another_language_goes_before_a_page(memory_source, files, pack):
    assert explain(memory_source({"index.html": ""} | files)).pack.name == pack


def test_code_without_its_language_is_never_served_as_files(memory_source):
    with pytest.raises(BuildFailed) as raised:
        explain(memory_source({"index.html": "", "app.py": "", "templates/index.html": ""}))
    assert raised.value.message == "No known kind of app was found."
    assert raised.value.hint.startswith("Put one of these at the root")


@pytest.mark.parametrize(
    ("package", "root", "is_spa"),
    [
        ("vite", "dist", True),
        ("react-scripts", "build", True),
        ("@vue/cli-service", "dist", True),
        ("astro", "dist", False),
        ("gatsby", "public", False),
        ("@11ty/eleventy", "_site", False),
        ("parcel", "dist", False),
    ],
)
def test_a_known_front_end_is_built_and_served_from_its_folder(memory_source, package, root, is_spa):
    source = memory_source(front_end(package))
    plan = explain(source)
    assert [pack.name for pack in plan.packs] == ["node", "static"]
    assert (plan.detected.values["root"], plan.detected.values["proof"]) == (root, f"{root}/index.html")
    assert any("get index.html" in line for line in plan.detected.details) is is_spa
    text = rendered(source)
    assert f'--directory="/built/{root}"' in text
    assert text.index("npm run build") < text.index("FROM image-of-static")


@pytest.mark.parametrize(
    ("build", "root"),
    [
        ({"builder": "@angular/build:application"}, "dist/shop/browser"),
        ({"builder": "@angular-devkit/build-angular:application", "options": {"outputPath": "out"}}, "out/browser"),
        ({"builder": "@angular-devkit/build-angular:browser", "options": {"outputPath": "dist/x"}}, "dist/x"),
        ({"builder": "x:application", "options": {"outputPath": {"base": "a", "browser": ""}}}, "a"),
        ({"builder": "x:application", "options": {"outputPath": "$(id)"}}, "dist"),
    ],
)
def test_angular_says_where_it_builds(memory_source, build, root):
    projects = {"lib": {"projectType": "library"}, "shop": {"architect": {"build": build}}}
    source = memory_source(
        front_end("@angular/cli", "ng serve", **{"angular.json": json.dumps({"projects": projects})})
    )
    assert explain(source).detected.values["root"] == root


@pytest.mark.parametrize(
    ("command", "only_for_development"),
    [
        ("react-scripts start", True),
        ("PORT=3000 BROWSER=none react-scripts start", True),
        ("npx vite --host", True),
        ("cross-env A=b ng serve", True),
        ("npm run dev", True),
        ("node server.js", False),
        ("serve -s build", False),
        ("vitess", False),
    ],
)
def test_a_start_script_that_only_serves_its_writer_is_no_server(command, only_for_development):
    assert is_development_server(command) is only_for_development


@pytest.mark.parametrize(
    "files",
    [
        front_end("vite", "node server.mjs"),
        front_end("vite", Procfile="web: npx serve dist"),
        {
            "package.json": json.dumps(
                {"scripts": {"build": "b", "start": "s"}, "dependencies": {"next": "1", "vite": "1"}}
            )
        },
    ],
)
def test_a_front_end_with_a_server_is_an_app_in_node(memory_source, files):
    assert explain(memory_source(files)).pack.name == "node"


def test_an_unknown_tool_is_told_in_portside_toml(memory_source):
    files = front_end("webpack", **{"public/index.html": ""})
    assert problem(memory_source(files)) == SiteFolderUntold("public/index.html")
    assert isinstance(problem(memory_source(front_end("webpack"))), NoProcfile)
    assert explain(memory_source(files | {"Procfile": "worker: node work.js"})).pack.name == "node"
    plan = explain(memory_source(files | {"portside.toml": "[static]\nroot = 'out/site'"}))
    assert (plan.detected.values["root"], plan.detected.values["proof"]) == ("out/site", "out/site")
    assert "Serving out/site/, as portside.toml says" in plan.detected.details


def test_portside_toml_goes_before_static_json_and_a_procfile_before_both(memory_source):
    files = {"static.json": '{"root": "a"}', "a/x": "", "b/x": "", "portside.toml": "[static]\nroot = 'b/'"}
    assert explain(memory_source(files)).detected.values["root"] == "b"
    plan = explain(memory_source(files | {"Procfile": "web: exec portside-static\nrelease: true"}))
    assert plan.manifest.processes == (("web", "exec portside-static"), ("release", "true"))


@pytest.mark.parametrize(
    ("text", "root"), [('{"root": "dist/"}', "dist"), ("{}", "public_html"), ('{"https_only": true}', "public_html")]
)
def test_static_json_of_heroku(memory_source, text, root):
    source = memory_source({"static.json": text, "dist/index.html": "", "public_html/index.html": ""})
    assert explain(source).detected.values["root"] == root


def test_routes_redirects_headers_and_the_error_page_reach_nginx(memory_source):
    told = {
        "routes": {"/**": "index.html", "/old/*.html": "archive.html"},
        "redirects": {"/gone": {"url": "https://example.com/", "status": 302}, "/moved": "/new"},
        "headers": {"/**": {"X-A": "1"}, "/b/*": {"x-a": 'say "$2"', "Cache-Control": "no-store"}},
        "error_page": "errors/404.html",
        "clean_urls": False,
    }
    text = rendered(memory_source({"static.json": json.dumps(told), "index.html": ""}))
    order = ['"~^/old/[^/]*\\.html$" "/archive.html";', '"~\\.[^/]+$" "";', '"~^/.*$" "/index.html";']
    assert sorted(order, key=text.index) == order
    assert '"~^/gone$" "https://example.com/";' in text
    assert "return 302 $moved_302" in text
    assert text.index('"~^/b/[^/]*$" "say \\"${dollar}2\\""') < text.index('"~^/.*$" "1"')
    assert text.index('"~^/b/[^/]*$" "no-store"') < text.index("immutable")
    assert text.lower().count("add_header x-a ") == 1
    assert "error_page 404 /errors/404.html;" in text
    assert "$uri.html" not in text


@pytest.mark.parametrize(
    ("text", "mistakes"),
    [
        ("rot = 'dist'", ["`static.rot` → did you mean `root`?"]),
        ("cache = 1", ["`static.cache` should be one of root, spa, clean_urls, routes, redirects, "]),
        ("root = ['a']\nspa = 'yes'", ["`static.root` should be text", "`static.spa` should be true or false"]),
        ("root = '../etc'", ["`static.root` should be a path in the repository, not `../etc`"]),
        ("routes = {'a b' = 'index.html'}", ["`static.routes.a b` should be a path that begins with /"]),
        ("routes = {'/a' = 'x;y'}", ["`static.routes./a` should be a file such as index.html"]),
        ("redirects = {'/a' = {url = '/b', status = 200}}", ["with a status of 301, 302, 307, 308"]),
        ("redirects = {'/a' = 'b; return 200'}", ["`static.redirects./a` should be an address"]),
        ("headers = {'/a' = {'X Y' = '1'}}", ["`static.headers./a` should be a table of header → text"]),
        ('headers = {"/a" = {"X-Y" = "1\\nInjected: 2"}}', ["`static.headers./a` should be a table of header → text"]),
    ],
)
def test_every_mistake_of_the_settings_is_told(memory_source, text, mistakes):
    found = problem(memory_source(toml(text)))
    assert isinstance(found, SettingsWrong)
    lines = found.report().found.splitlines()
    assert len(lines) == len(mistakes)
    assert all(part in line for part, line in zip(mistakes, lines, strict=True))


def test_a_key_of_another_tool_in_static_json_is_passed_over(memory_source):
    assert explain(memory_source({"index.html": "", "static.json": '{"zzz": 1}'})).pack.name == "static"
    assert isinstance(problem(memory_source({"index.html": "", "static.json": "[]"})), SettingsWrong)
    assert isinstance(problem(memory_source({"index.html": "", "static.json": "{"})), BadSyntax)


@pytest.mark.parametrize("key", ["proxies", "basic_auth"])
def test_what_would_do_harm_if_passed_over_is_refused(memory_source, key):
    found = problem(memory_source({"index.html": "", "static.json": json.dumps({key: {"/api": {"origin": "x"}}})}))
    assert isinstance(found, SiteFeatureRefused)
    assert (found.place, found.key) == ("static.json", key)


def test_a_folder_that_is_nowhere_is_told_with_those_that_are(memory_source):
    found = problem(memory_source(toml("root = 'site'")))
    assert found == SiteFolderMissing("portside.toml", "site", ("public",))


def test_settings_without_a_page_or_a_folder_make_no_site(memory_source):
    for settings in ({"static.json": "{}"}, {"portside.toml": "[static]\nspa = true"}):
        with pytest.raises(BuildFailed) as raised:
            explain(memory_source({"lib/thing.ml": ""} | settings))
        assert raised.value.message == "No known kind of app was found."


def test_only_the_root_hides_the_files_of_tools(memory_source):
    assert "portside\\.toml" in rendered(memory_source({"index.html": ""}))
    assert "portside\\.toml" not in rendered(memory_source({"public/index.html": ""}))


@pytest.mark.parametrize(
    ("pattern", "regex"),
    [("/**", "^/.*$"), ("/*.html", r"^/[^/]*\.html$"), ("/a/**/b", "^/a/.*/b$"), ("/", "^/$")],
)
def test_patterns(pattern, regex):
    assert pattern_regex(pattern) == regex


def test_only_names_of_hexadecimal_digits_count_as_hashed():
    hashed = ["/main.073c9b0a.js", "/a-0123456789abcdef.css", "/x/app.3f2a9b1c.js.map"]
    plain = ["/file-download.js", "/photo-20230101.jpg", "/iphone-12promax.jpg", "/app.js", "/deadbeef/app.js"]
    assert [bool(re.search(HASHED, path)) for path in hashed + plain] == [True] * 3 + [False] * 5


def test_quoting():
    assert escaped('a "b" $c \\') == 'a \\"b\\" ${dollar}c \\\\'
    assert as_arguments("it's\n\n$HOME\n") == "    'it'\\''s' \\\n    '' \\\n    '$HOME' \\"

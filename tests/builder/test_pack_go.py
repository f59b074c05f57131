"""The Go pack: what it detects, the Dockerfile that it gives, and apps for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder import BuildFailed
from builder.debian import STACKS
from builder.eject import dockerfile, recipe
from builder.explain import explain
from builder.packs import go
from builder.problems import (
    CNeeded,
    LocalDependencyMissing,
    LockMissing,
    LockOutdated,
    NoProcfile,
    NoProgram,
    SeveralPrograms,
    StepFailed,
    VersionUnavailable,
)
from tests.builder.containers import answer, in_image, running
from tests.builder.package_servers import PackageServer

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "go"
MAIN = "package main\n\nfunc main() {}\n"
BASES = {"go": "golang", "debian": "portside/base:debian-13"}


def module(*lines: str, **files: str) -> dict[str, str]:
    text = "".join(f"{line}\n" for line in ("module example.com/shop", "go 1.22", *lines))
    return {"go.mod": text, "main.go": MAIN, **files}


def rendered(source, stamp: str = "") -> str:
    return recipe(explain(source), BASES, "app-1", "source", stamp)


def refused(source) -> BuildFailed:
    with pytest.raises(BuildFailed) as caught:
        explain(source)
    return caught.value


@pytest.mark.parametrize(
    ("mains", "web"),
    [
        (("main.go",), "shop"),
        (("cmd/api/main.go",), "api"),
        (("main.go", "cmd/worker/main.go"), "shop"),
        (("cmd/shop/main.go", "cmd/web/main.go"), "shop"),
        (("cmd/migrate/main.go", "cmd/server/main.go"), "server"),
        (("services/api/main.go",), "api"),
    ],
)
def test_the_web_process_where_it_is_certain(memory_source, mains, web) -> None:
    source = memory_source({"go.mod": "module example.com/shop/v2\n"} | dict.fromkeys(mains, MAIN))
    assert explain(source).manifest.processes == (("web", f"bin/{web}"),)


def test_of_several_programs_only_a_procfile_can_tell(memory_source) -> None:
    files = {"go.mod": "module example.com/shop\n", "cmd/api/a.go": MAIN, "cmd/jobs/b.go": MAIN}
    assert refused(memory_source(files)).problem == SeveralPrograms(("api", "jobs"), "web: bin/api")
    told = explain(memory_source(files | {"Procfile": "web: api\nworker: jobs"}))
    assert told.manifest.processes == (("web", "api"), ("worker", "jobs"))
    assert refused(memory_source(files | {"procfile": ""})).problem == NoProcfile("procfile", "web: bin/api")


def test_what_is_no_program_is_not_built(memory_source) -> None:
    others = {
        "gen.go": "//go:build ignore\n\npackage main\n",
        "main_test.go": "package main\n",
        "vendor/x/main.go": MAIN,
        "testdata/main.go": MAIN,
        "_old/main.go": MAIN,
        "tools/go.mod": "module example.com/tools\n",
        "tools/main.go": MAIN,
        "lib/lib.go": "package lib\n",
    }
    library = memory_source({"go.mod": "module example.com/shop\n"} | others)
    assert refused(library).problem == NoProgram("Go", "go.mod", "a `package main` at the root or below cmd/")


@pytest.mark.parametrize(
    ("pattern", "built"),
    [
        ("./cmd/...", "./cmd/a ./cmd/b"),
        ("example.com/shop/cmd/a", "./cmd/a"),
        (". ./tools/x", "./ ./tools/x"),
        ("./...", "./cmd/a ./cmd/b ./ ./tools/x"),
    ],
)
def test_herokus_comment_says_what_to_build(memory_source, pattern, built) -> None:
    mains = dict.fromkeys(("cmd/a/m.go", "cmd/b/m.go", "tools/x/m.go"), MAIN)
    source = memory_source(module(f"// +heroku install {pattern}", Procfile="web: a") | mains)
    assert f"go build -trimpath -o /opt/bin/ {built}\n" in rendered(source)


@pytest.mark.parametrize(
    ("lines", "stack", "told"),
    [
        ((), "debian-13", "Using Go 1.24.4 (no go line in go.mod found)"),
        (("go 1.24.4",), "debian-13", "Using Go 1.24.4, as go.mod says"),
        (("go 1.21",), "debian-13", "Using Go 1.24.4 (go.mod asks for 1.21 or newer)"),
        (("go 1.24.9",), "debian-14", "Using Go 1.27 (go.mod asks for 1.24.9 or newer)"),
        (("go 1.21", "toolchain go1.26.1"), "debian-14", "Using Go 1.27 (go.mod asks for 1.26.1 or newer)"),
        (("go 1.21", "toolchain go1.99.1"), "debian-13", "Using Go 1.24.4 (go.mod asks for 1.21 or newer)"),
        (("// +heroku goVersion go1.27", "go 1.21"), "debian-14", "Using Go 1.27, as go.mod says"),
    ],
)
def test_the_version_decides_the_stack(memory_source, lines, stack, told) -> None:
    text = "\n".join(("module example.com/shop", *lines))
    plan = explain(memory_source({"go.mod": text, "main.go": MAIN}))
    assert (plan.stack.name, plan.detected.details[0]) == (stack, told)


def test_a_go_that_no_stack_has_is_told(memory_source) -> None:
    has = " or ".join(stack.versions["Go"] for stack in STACKS)
    source = memory_source({"go.mod": "module example.com/shop\n\ngo 1.99\n", "main.go": MAIN})
    assert refused(source).problem == VersionUnavailable("Go", "go.mod", "go 1.99", has, "go 1.24.4")


def test_modules_are_a_layer_of_their_own(memory_source) -> None:
    source = memory_source(module("require (", "\texample.com/x v1.0.0 // indirect", ")") | {"go.sum": "x"})
    text = rendered(source, "stamp")
    assert text.index("go mod download") < text.index("COPY --chown=app:app source/ ./")
    assert "--mount=type=cache,id=app-1-go," in text
    assert text.count("--mount=type=secret,id=config") == 2
    assert text.split("\nFROM ")[-1].startswith("portside/base:debian-13\n")


@pytest.mark.parametrize("files", [{}, {"vendor/modules.txt": "# example.com/x v1.0.0"}])
def test_nothing_is_downloaded_without_need(memory_source, files) -> None:
    lines = ("require example.com/x v1.0.0",) if files else ()
    assert "go mod download" not in rendered(memory_source(module(*lines, **files)))


def test_modules_of_the_repository_are_read_before_the_download(memory_source) -> None:
    lines = ("require (", "example.com/lib v0.0.0", "example.com/x v1.0.0", ")", "replace example.com/lib => ./lib")
    text = rendered(memory_source(module(*lines) | {"go.sum": "x", "lib/go.mod": "module example.com/lib\n"}))
    assert 'COPY --chown=app:app ["source/lib/go.mod", "lib/go.mod"]' in text
    error = refused(memory_source(module(*lines) | {"go.sum": "x"}))
    assert error.problem == LocalDependencyMissing("go.mod", "example.com/lib", "lib/go.mod")


def test_a_workspace_builds_the_programs_of_all_its_modules(memory_source) -> None:
    files = {
        "go.work": "go 1.24\n\nuse (\n\t./api\n\t./jobs\n)\n",
        "api/go.mod": "module example.com/api\n\ngo 1.24\n\nrequire example.com/jobs v0.0.0\n",
        "api/main.go": MAIN,
        "jobs/go.mod": "module example.com/jobs\n\ngo 1.23\n",
        "jobs/cmd/web/main.go": MAIN,
    }
    text = rendered(memory_source(files))
    assert "go build -trimpath -o /opt/bin/ ./api ./jobs/cmd/web\n" in text
    assert "go mod download" not in text
    del files["jobs/go.mod"]
    assert refused(memory_source(files)).problem == LocalDependencyMissing("go.work", "./jobs", "jobs/go.mod")


def test_a_missing_go_sum_is_told(memory_source) -> None:
    error = refused(memory_source(module("require example.com/x v1.0.0")))
    assert error.problem == LockMissing("go.mod", "go.sum", "go mod tidy")


@pytest.mark.parametrize(
    ("files", "cgo"),
    [
        ({}, 0),
        ({"c.go": 'package main\n\n// int x;\nimport "C"\n'}, 1),
        ({"vendor/modules.txt": "", "vendor/a/a.go": 'package a\n\nimport (\n\t"C"\n)\n'}, 1),
        ({"c_darwin.go": 'package main\n\nimport "C"\n'}, 0),
        ({"c.go": '//go:build darwin && cgo\n\npackage main\n\nimport "C"\n'}, 0),
        ({"c_test.go": 'package main\n\nimport "C"\n'}, 0),
    ],
)
def test_cgo_is_on_only_where_there_is_c(memory_source, files, cgo) -> None:
    assert f"CGO_ENABLED={cgo} " in rendered(memory_source(module() | files))


def test_a_module_known_to_be_c_needs_cgo(memory_source) -> None:
    source = memory_source(module("require github.com/mattn/go-sqlite3 v1.14.22") | {"go.sum": "x"})
    assert explain(source).detected.details[-2] == "With cgo, for github.com/mattn/go-sqlite3"
    assert "CGO_ENABLED=1 " in rendered(source)


def test_go_flags_of_the_config_go_after_the_recipes_own() -> None:
    assert go.environment({"GOFLAGS": "-tags=prod"}) == {"GOFLAGS": "'-ldflags=-s -w' -tags=prod"}
    assert go.environment({"GOPROXY": "off"}) == {"GOPROXY": "off"}


def test_node_builds_the_assets_of_a_go_app(memory_source) -> None:
    package = '{"name": "shop", "scripts": {"build": "vite build"}}'
    plan = explain(memory_source(module(**{"package.json": package})))
    assert (plan.pack.name, plan.assets is not None) == ("go", True)


def test_an_ejected_dockerfile_stands_on_debian_alone(memory_source) -> None:
    source = memory_source(module())
    lines = dockerfile(explain(source), source, "shop", "trixie", {}).splitlines()
    starts = [line for line in lines if line.startswith("FROM ")]
    assert starts == [
        "FROM debian:trixie-slim AS debian",
        "FROM debian AS language",
        "FROM language AS build",
        "FROM debian",
    ]
    assert lines[-1] == "CMD bin/shop"


GREET = {"go.mod": "module example.com/greet\n\ngo 1.21\n", "greet.go": 'package greet\n\nconst Hello = "a module"\n'}
HELLO = 'package main\n\nimport "example.com/greet"\n\nfunc main() { println(greet.Hello) }\n'


@pytest.mark.engine
def test_the_example_answers_and_a_change_of_code_downloads_nothing_again(bench, log, memory_source) -> None:
    with PackageServer().serving() as proxy:
        lock = proxy.add_module("example.com/greet", "v1.0.0", GREET)
        files = {
            path.relative_to(EXAMPLE).as_posix(): path.read_text() for path in EXAMPLE.rglob("*") if path.is_file()
        }
        files |= {"go.mod": files["go.mod"] + "\nrequire example.com/greet v1.0.0\n", "go.sum": lock}
        files["greeting.go"] = HELLO.replace("func main() { println", "func init() { print")
        config = {"GOPROXY": proxy.url, "GOSUMDB": "off"}
        bench.builder.build(bench.request(memory_source(files), config=config, deadline_s=600.0), log)
        assert "/example.com/greet/@v/v1.0.0.zip" in proxy.asked
        log.lines.clear()
        proxy.asked.clear()
        files["main.go"] = files["main.go"].replace('"ok\\n"', '"fine\\n"')
        built = bench.builder.build(bench.request(memory_source(files), config=config), log)
        assert proxy.asked == []
    heading = log.lines.index("-----> Downloading modules")
    assert log.lines[heading + 1].strip() == "CACHED"
    with running(built) as container:
        assert "<strong>v7</strong>, in Go." in answer(container)
        assert answer(container, "/health").endswith("fine\n")
    assert in_image(built, "id -u; ls bin; command -v go || echo none").split() == ["1000", "hello", "none"]


@pytest.mark.engine
def test_c_in_a_workspace_with_a_local_module(bench, log, memory_source) -> None:
    files = {
        "go.work": "go 1.24\n\nuse ./api\n",
        "api/go.mod": "module example.com/api\n\ngo 1.24\n\nrequire example.com/two v0.0.0\n"
        "\nreplace example.com/two => ../two\n",
        "api/cmd/web/main.go": HELLO.replace("example.com/greet", "example.com/two").replace(
            "greet.Hello", "two.Two()"
        ),
        "api/cmd/jobs/main.go": MAIN,
        "two/go.mod": "module example.com/two\n\ngo 1.24\n",
        "two/two.go": "package two\n\n// int two(void) { return 2; }\n"
        'import "C"\n\nfunc Two() int { return int(C.two()) }\n',
    }
    built = bench.builder.build(bench.request(memory_source(files), deadline_s=300.0), log)
    assert "       With cgo, for two/two.go" in log.lines
    assert in_image(built, "web 2>&1; ls bin").split() == ["2", "jobs", "web"]


@pytest.mark.engine
def test_assets_that_node_builds_are_embedded(bench, log, memory_source) -> None:
    embedding = (
        'package main\n\nimport _ "embed"\n\n//go:embed dist/a.txt\nvar text string\n\nfunc main() { print(text) }\n'
    )
    files = module() | {
        "main.go": embedding,
        "package.json": '{"name": "shop", "scripts": {"build": "mkdir dist && echo built > dist/a.txt"}}',
        "package-lock.json": '{"name": "shop", "lockfileVersion": 3, "packages": {"": {"name": "shop"}}}',
    }
    built = bench.builder.build(bench.request(memory_source(files), deadline_s=300.0), log)
    assert in_image(built, "shop 2>&1; cat dist/a.txt; command -v node || echo none").split() == [
        "built",
        "built",
        "none",
    ]


@pytest.mark.engine
def test_what_go_refuses_is_told(bench, log, memory_source) -> None:
    def told(**changes: str) -> object:
        with pytest.raises(BuildFailed) as caught:
            bench.builder.build(bench.request(memory_source(files | changes), config=config), log)
        return caught.value.problem

    with PackageServer().serving() as proxy:
        config = {"GOPROXY": proxy.url, "GOSUMDB": "off"}
        files = module("require example.com/greet v1.0.0")
        files |= {"main.go": HELLO, "go.sum": proxy.add_module("example.com/greet", "v1.0.0", GREET)}
        assert told(**{"go.sum": "\n"}) == LockOutdated("go.sum", "no entry for example.com/greet", "go mod tidy")
        wrong = told(**{"main.go": HELLO.replace("greet.Hello", "greet.Helo")})
        assert wrong == StepFailed("RUN go build -trimpath -o /opt/bin/ ./", 1, "main.go:5:29: undefined: greet.Helo")
        c = 'package greet\n\nimport "C"\n\nconst Hello = ""\n'
        files["go.sum"] = proxy.add_module("example.com/greet", "v1.0.1", GREET | {"greet.go": c})
        files["go.mod"] = files["go.mod"].replace("v1.0.0", "v1.0.1")
        problem = told()
        assert isinstance(problem, CNeeded)
        assert problem.package == "example.com/greet"

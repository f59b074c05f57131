"""The Rust pack: what it detects, the Dockerfile that it gives, and apps for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from builder import BuildFailed
from builder.debian import STACKS
from builder.eject import recipe
from builder.explain import explain
from builder.problems import (
    BadSyntax,
    LocalDependencyMissing,
    LockMissing,
    LockOutdated,
    NoProgram,
    SeveralPrograms,
    StepFailed,
    ToolTooOld,
    VersionUnavailable,
)
from tests.builder.containers import answer, in_image, running
from tests.builder.package_servers import PackageServer

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "rust"
MAIN = "fn main() {}\n"
BASES = {"rust": "cargo", "debian": "portside/base:debian-13"}


def package(name: str = "shop", *lines: str) -> str:
    return "\n".join(("[package]", f'name = "{name}"', 'version = "0.1.0"', 'edition = "2021"', *lines)) + "\n"


def crate(*lines: str, **files: str) -> dict[str, str]:
    return {"Cargo.toml": package("shop", *lines), "Cargo.lock": "version = 4\n", "src/main.rs": MAIN, **files}


def locked(name: str) -> str:
    return f'version = 4\n\n[[package]]\nname = "{name}"\nsource = "registry+https://github.com/rust-lang/index"\n'


def rendered(source, stamp: str = "") -> str:
    return recipe(explain(source), BASES, "app-1", "source", stamp)


def refused(source) -> BuildFailed:
    with pytest.raises(BuildFailed) as caught:
        explain(source)
    return caught.value


@pytest.mark.parametrize(
    ("lines", "programs", "web"),
    [
        ((), ("src/main.rs",), "shop"),
        ((), ("src/bin/api.rs", "src/lib.rs"), "api"),
        ((), ("src/main.rs", "src/bin/jobs/main.rs"), "shop"),
        ((), ("src/bin/server.rs", "src/bin/jobs.rs"), "server"),
        (('default-run = "jobs"',), ("src/main.rs", "src/bin/jobs.rs"), "jobs"),
        (("[[bin]]", 'name = "api"', 'path = "src/main.rs"'), ("src/main.rs",), "api"),
        (("autobins = false", "[[bin]]", 'name = "api"', 'path = "a.rs"'), ("a.rs", "src/main.rs"), "api"),
        (("[[bin]]", 'name = "x"', 'required-features = ["x"]'), ("src/main.rs", "src/bin/x.rs"), "shop"),
    ],
)
def test_the_web_process_where_it_is_certain(memory_source, lines, programs, web) -> None:
    files = {"Cargo.toml": package("shop", *lines), "Cargo.lock": ""}
    source = memory_source(files | dict.fromkeys(programs, MAIN))
    assert explain(source).manifest.processes == (("web", f"bin/{web}"),)


def test_of_several_programs_only_a_procfile_can_tell(memory_source) -> None:
    files = {"Cargo.toml": package(), "Cargo.lock": "", "src/bin/api.rs": MAIN, "src/bin/jobs.rs": MAIN}
    assert refused(memory_source(files)).problem == SeveralPrograms(("api", "jobs"), "web: bin/api")
    assert explain(memory_source(files | {"Procfile": "web: api"})).manifest.processes == (("web", "api"),)


def test_a_library_alone_is_no_app(memory_source) -> None:
    error = refused(memory_source({"Cargo.toml": package(), "Cargo.lock": "", "src/lib.rs": ""}))
    assert error.problem == NoProgram(
        "Rust", "Cargo.toml", "src/main.rs, a file in src/bin/, or a [[bin]] in Cargo.toml"
    )


@pytest.mark.parametrize(
    ("workspace", "root", "built"),
    [
        ('members = ["api", "crates/*"]', "", "api jobs"),
        ('members = ["api", "crates/*"]\ndefault-members = ["crates/jobs"]', "", "jobs"),
        ('members = ["api", "crates/*"]', package(), "shop"),
        ('members = ["."]\ndefault-members = [".", "api"]', package(), "shop api"),
    ],
)
def test_a_workspace_builds_what_cargo_would(memory_source, workspace, root, built) -> None:
    files = {
        "Cargo.toml": f"{root}\n[workspace]\n{workspace}\n",
        "Cargo.lock": "",
        "Procfile": "web: api",
        "api/Cargo.toml": package("api"),
        "api/src/main.rs": MAIN,
        "crates/jobs/Cargo.toml": package("jobs"),
        "crates/jobs/src/main.rs": MAIN,
        "crates/lib/Cargo.toml": package("lib"),
        "crates/lib/src/lib.rs": "",
    } | ({"src/main.rs": MAIN} if root else {})
    wanted = " ".join(f"--bin {name}" for name in built.split())
    assert f"cargo build --release --locked {wanted} \\" in rendered(memory_source(files))


@pytest.mark.parametrize(
    ("files", "stack", "told"),
    [
        ({}, "debian-13", "Using Rust 1.85.1 (no rust-toolchain.toml found)"),
        ({"rust-toolchain": "stable\n"}, "debian-13", "Using Rust 1.85.1 (no rust-toolchain.toml found)"),
        (
            {"rust-toolchain.toml": '[toolchain]\nchannel = "1.80.0"\n'},
            "debian-13",
            "Using Rust 1.85.1 (rust-toolchain.toml asks for 1.80.0 or newer)",
        ),
        ({"rust-toolchain": "1.90"}, "debian-14", "Using Rust 1.97 (rust-toolchain asks for 1.90 or newer)"),
        (
            {"Cargo.toml": package("shop", 'rust-version = "1.97.1"')},
            "debian-14",
            "Using Rust 1.97, as Cargo.toml says",
        ),
        (
            {
                "Cargo.toml": package("shop", "rust-version.workspace = true")
                + '[workspace.package]\nrust-version = "1.90"\n'
            },
            "debian-14",
            "Using Rust 1.97 (Cargo.toml asks for 1.90 or newer)",
        ),
    ],
)
def test_the_version_decides_the_stack(memory_source, files, stack, told) -> None:
    plan = explain(memory_source(crate() | files))
    assert (plan.stack.name, plan.detected.details[0]) == (stack, told)


def test_a_rust_that_no_stack_has_is_told(memory_source) -> None:
    has = " or ".join(stack.versions["Rust"] for stack in STACKS)
    error = refused(memory_source(crate('rust-version = "1.150"')))
    assert error.problem == VersionUnavailable("Rust", "Cargo.toml", "1.150", has, 'rust-version = "1.85.1"')
    error = refused(memory_source(crate() | {"rust-toolchain": "nightly-2026-01-01"}))
    assert isinstance(error.problem, VersionUnavailable)
    assert error.problem.wanted == "nightly-2026-01-01"


def test_a_missing_lock_is_told(memory_source) -> None:
    files = crate()
    del files["Cargo.lock"]
    error = refused(memory_source(files))
    assert error.problem == LockMissing("Cargo.toml", "Cargo.lock", "cargo generate-lockfile")


def test_a_crate_that_is_not_in_the_commit_is_told(memory_source) -> None:
    error = refused(memory_source(crate("[dependencies]", 'greet = { path = "../greet" }')))
    assert error.problem == LocalDependencyMissing("Cargo.toml", "greet", "../greet/Cargo.toml")
    error = refused(memory_source({"Cargo.toml": '[workspace]\nmembers = ["api"]\n'}))
    assert error.problem == LocalDependencyMissing("Cargo.toml", "api", "api/Cargo.toml")


def test_a_cargo_toml_that_cant_be_read_is_told_with_its_place(memory_source) -> None:
    error = refused(memory_source({"Cargo.toml": "[package]\nname = shop\n"}))
    assert isinstance(error.problem, BadSyntax)
    assert (error.problem.file, error.problem.line) == ("Cargo.toml", 2)


def test_one_build_of_the_app_at_a_time_in_its_own_cache(memory_source) -> None:
    text = rendered(memory_source(crate()), "stamp")
    assert "--mount=type=cache,id=app-1-rust,target=/home/app/.cache,uid=1000,gid=1000,sharing=locked \\" in text
    assert "--mount=type=secret,id=config" in text
    assert text.split("\nFROM ")[-1].startswith("portside/base:debian-13\n")


def test_vendored_crates_keep_their_times(memory_source) -> None:
    config = '[source.crates-io]\nreplace-with = "vendored-sources"\n[source.vendored-sources]\ndirectory = "vendor"\n'
    source = memory_source(crate() | {".cargo/config.toml": config, "Cargo.lock": locked("itoa")})
    assert explain(source).detected.details[1] == "Dependencies from vendor/"
    assert "find . -path ./vendor -prune -o -type f -exec touch {} + \\" in rendered(source)


def test_a_library_in_c_is_there_when_it_is_linked_and_when_it_runs(memory_source) -> None:
    build, final = rendered(memory_source(crate() | {"Cargo.lock": locked("pq-sys")})).split("\nFROM ")[-2:]
    assert "--no-install-recommends libpq-dev \\" in build
    assert "--no-install-recommends libpq5 \\" in final


GREET = {"Cargo.toml": package("greet"), "src/lib.rs": 'pub const HELLO: &str = "a crate";\n'}


def using_greet(registry: PackageServer, *lines: str, version: str = "0.1.0") -> dict[str, str]:
    """The example with a crate from a registry; `lines` are further ones of the crate's Cargo.toml."""
    entry = registry.add_crate(
        "greet", version, GREET | {"Cargo.toml": package("greet", *lines).replace("0.1.0", version)}
    )
    root = '[[package]]\nname = "hello"\nversion = "0.1.0"\ndependencies = [\n "greet",\n]\n'
    files = {path.relative_to(EXAMPLE).as_posix(): path.read_text() for path in EXAMPLE.rglob("*") if path.is_file()}
    code = files["src/main.rs"].replace("in Rust", "in Rust with {}")
    return files | {
        "Cargo.toml": files["Cargo.toml"] + 'greet = { version = "0.1", registry = "mine" }\n',
        "Cargo.lock": f"version = 4\n\n{entry}\n{root}",
        "src/main.rs": code.replace('"your laptop"),\n    );', '"your laptop"),\n        greet::HELLO,\n    );'),
    }


@pytest.mark.engine
def test_the_example_answers_and_a_change_of_code_compiles_only_that(bench, log, memory_source) -> None:
    with PackageServer().serving() as registry:
        files = using_greet(registry)
        config = {"CARGO_REGISTRIES_MINE_INDEX": registry.index}
        first = bench.request(memory_source(files), config=config, deadline_s=600.0)
        bench.builder.build(first, log)
        assert "/crates/greet/0.1.0" in registry.asked
        assert "Compiling greet v0.1.0 (registry `mine`)" in log.text
        log.lines.clear()
        registry.asked.clear()
        changed = files | {"src/main.rs": files["src/main.rs"].replace("Hello from", "Ahoy from")}
        built = bench.builder.build(bench.request(memory_source(changed), config=config), log)
        assert registry.asked == []
    assert "Compiling hello v0.1.0 (/app)" in log.text
    assert "Compiling greet" not in log.text
    with running(built) as container:
        assert answer(container).endswith("Ahoy from your app, release v7, in Rust with a crate.\n")
    assert in_image(built, "id -u; ls bin; command -v cargo || echo none").split() == ["1000", "hello", "none"]


@pytest.mark.engine
def test_the_code_of_the_push_is_what_runs(bench, log, memory_source) -> None:
    """Also when an older state is pushed again, whose files are older than what was compiled from newer ones."""

    def says(word: str, **more: str) -> str:
        files = crate(**more) | {
            "Cargo.lock": 'version = 4\n\n[[package]]\nname = "shop"\nversion = "0.1.0"\n',
            "src/main.rs": f'fn main() {{ println!("{word}"); }}\n',
        }
        return in_image(bench.builder.build(bench.request(memory_source(files), deadline_s=300.0), log), "shop")

    assert [says("one"), says("two"), says("one", README="again")] == ["one\n", "two\n", "one\n"]


@pytest.mark.engine
def test_vendored_crates_in_a_workspace(bench, log, memory_source) -> None:
    vendored = {f"vendor/greet/{path}": text for path, text in GREET.items()}
    files = vendored | {
        "Cargo.toml": '[workspace]\nmembers = ["api", "jobs"]\nresolver = "2"\n',
        "Cargo.lock": 'version = 4\n\n[[package]]\nname = "api"\nversion = "0.1.0"\ndependencies = [\n "greet",\n]\n\n'
        '[[package]]\nname = "greet"\nversion = "0.1.0"\n'
        'source = "registry+https://github.com/rust-lang/crates.io-index"\n\n'
        '[[package]]\nname = "jobs"\nversion = "0.1.0"\n',
        ".cargo/config.toml": '[source.crates-io]\nreplace-with = "vendored-sources"\n\n'
        '[source.vendored-sources]\ndirectory = "vendor"\n',
        "vendor/greet/.cargo-checksum.json": '{"files":{}}',
        "api/Cargo.toml": package("api", "[dependencies]", 'greet = "0.1"'),
        "api/src/main.rs": 'fn main() { println!("{}", greet::HELLO); }\n',
        "jobs/Cargo.toml": package("jobs"),
        "jobs/src/main.rs": MAIN,
        "Procfile": "web: api\nworker: jobs\n",
    }
    bench.builder.build(bench.request(memory_source(files), deadline_s=300.0), log)
    assert "       Dependencies from vendor/" in log.lines
    log.lines.clear()
    files["api/src/main.rs"] = 'fn main() { println!("{}, vendored", greet::HELLO); }\n'
    built = bench.builder.build(bench.request(memory_source(files)), log)
    assert "Compiling greet" not in log.text
    assert in_image(built, "api; ls bin").split() == ["a", "crate,", "vendored", "api", "jobs"]


@pytest.mark.engine
def test_what_cargo_refuses_is_told(bench, log, memory_source) -> None:
    def told(**changes: str) -> object:
        config = {"CARGO_REGISTRIES_MINE_INDEX": registry.index}
        with pytest.raises(BuildFailed) as caught:
            bench.builder.build(bench.request(memory_source(files | changes), config=config), log)
        return caught.value.problem

    with PackageServer().serving() as registry:
        files = using_greet(registry)
        problem = told(**{"src/main.rs": 'fn main() {\n    println!("{}", greet::HELO);\n}\n'})
        assert isinstance(problem, StepFailed)
        assert problem.step.startswith("RUN cargo build --release --locked --bin hello")
        assert problem.last_line == "src/main.rs:2:27: cannot find value `HELO` in crate `greet`"
        problem = told(**{"Cargo.lock": 'version = 4\n\n[[package]]\nname = "hello"\nversion = "0.1.0"\n'})
        assert isinstance(problem, LockOutdated)
        assert (problem.lock, problem.command) == ("Cargo.lock", "cargo update --workspace")
        files = using_greet(registry, 'rust-version = "1.150"', version="0.1.1")
        assert told() == ToolTooOld("Rust", "greet@0.1.1", "1.150", 'rust-version = "1.150"', "Cargo.toml")

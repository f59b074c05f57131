"""What portside.toml says of an app's own Dockerfile."""

from __future__ import annotations

import dataclasses

import pytest

from builder import BuildFailed
from builder.explain import explain
from builder.order import config_for, order
from builder.types import BuildRequest, OwnDockerfile
from core.ids import AppId, new_id
from tests.builder.test_build_on_the_engine import BASE, in_image

STAGES = BASE.replace("\n", " AS first\nARG WORD\nCMD a\n") + "FROM first AS Second\nCMD b\n"


def test_without_a_word_it_is_the_one_at_the_root(memory_source) -> None:
    assert explain(memory_source({"Dockerfile": STAGES})).detected.own == OwnDockerfile("Dockerfile")


def test_a_table_names_file_stage_arguments_and_secrets(memory_source) -> None:
    told = '[build]\ndockerfile = "./deploy/web.Dockerfile"\ntarget = "second"\nsecrets = ["NPM_TOKEN"]\n'
    told += '[build.args]\nWORD = "a b"\nCOUNT = 3\nFAST = true\nHTTP_PROXY = "http://127.0.0.1:3128"\n'
    plan = explain(memory_source({"deploy/web.Dockerfile": STAGES, "portside.toml": told}))
    args = {"WORD": "a b", "COUNT": "3", "FAST": "true", "HTTP_PROXY": "http://127.0.0.1:3128"}
    assert plan.detected.own == OwnDockerfile("deploy/web.Dockerfile", "second", args, ("NPM_TOKEN",))
    assert plan.detected.details == (
        "Building deploy/web.Dockerfile, as portside.toml says",
        "Up to its stage second",
        "Secret NPM_TOKEN from the app's config",
        "deploy/web.Dockerfile has no ARG COUNT",
        "deploy/web.Dockerfile has no ARG FAST",
    )


@pytest.mark.parametrize("target", ["first", "SECOND", "0", "1"])
def test_a_target_is_a_name_in_any_case_or_a_number(memory_source, target) -> None:
    source = memory_source({"Dockerfile": STAGES, "portside.toml": f'[build]\ntarget = "{target}"'})
    assert explain(source).detected.own.target == target


@pytest.mark.parametrize("path", ["../Dockerfile", "/Dockerfile", "a/../../b", "a b", ""])
def test_a_path_leads_out_of_no_repository(memory_source, path) -> None:
    with pytest.raises(BuildFailed, match=r"`build.dockerfile` should be the path of a file in the repository"):
        explain(memory_source({"Dockerfile": STAGES, "portside.toml": f'[build]\ndockerfile = "{path}"'}))


def test_a_slip_in_an_argument_is_told(memory_source) -> None:
    plan = explain(memory_source({"Dockerfile": STAGES, "portside.toml": '[build.args]\nWORDS = "x"'}))
    assert plan.detected.details == ("Dockerfile has no ARG WORDS: is WORD meant?",)


def test_its_own_dockerignore_lies_beside_it(memory_source) -> None:
    files = {"deploy/Dockerfile": STAGES, "deploy/Dockerfile.dockerignore": "notes", ".dockerignore": "*"}
    plan = explain(memory_source({**files, "portside.toml": '[build]\ndockerfile = "deploy/Dockerfile"'}))
    assert (plan.ignore.excludes("notes"), plan.ignore.excludes("a")) == (True, False)


def test_a_build_sees_of_the_config_the_secrets_that_it_names(memory_source) -> None:
    plan = explain(memory_source({"Dockerfile": STAGES, "portside.toml": '[build]\nsecrets = ["B", "A"]'}))
    assert config_for(plan, {"A": "1", "B": "2", "C": "3"}) == {"A": "1", "B": "2"}


def test_a_secret_that_is_not_set_is_told_with_the_command(memory_source) -> None:
    plan = explain(memory_source({"Dockerfile": STAGES, "portside.toml": '[build]\nsecrets = ["A", "B", "C"]'}))
    with pytest.raises(BuildFailed) as raised:
        config_for(plan, {"B": "2"})
    assert str(raised.value) == (
        "The build wants secrets that the app's config has not.\n"
        "Found:    no A, C\n"
        "Expected: each of `secrets` under [build] in portside.toml, set as a config variable\n"
        "To do:    portside config:set A=… C=…, then push again."
    )


def test_a_dockerfile_that_is_left_out_travels_under_a_name_that_no_app_has(memory_source) -> None:
    named = '[build]\ndockerfile = "deploy/Dockerfile"'
    source = memory_source({"deploy/Dockerfile": STAGES, ".dockerignore": "deploy", "portside.toml": named})
    request = BuildRequest(AppId(new_id()), "shop", "c" * 40, source, {}, rebuild=False, deadline_s=60)
    assert order(explain(source), {}, request, {}, "").dockerfile == ".git/portside/Dockerfile"


@pytest.mark.engine
def test_file_target_argument_and_secret_reach_the_build(bench, log, memory_source) -> None:
    text = BASE.replace("\n", " AS wanted\n") + (
        "ARG WORD\n"
        "RUN --mount=type=secret,id=TOKEN,required=true"
        ' test "$(cat /run/secrets/TOKEN)" = \'so secret\' && echo "$WORD" > /word\n'
        "COPY kept /kept\nCMD x\n"
        "FROM wanted\nRUN exit 7\n"
    )
    told = (
        '[build]\ndockerfile = "deploy/Dockerfile"\ntarget = "wanted"\nsecrets = ["TOKEN"]\nargs = { WORD = "hello" }'
    )
    source = memory_source({"deploy/Dockerfile": text, "portside.toml": told, "kept": "here"})
    request = dataclasses.replace(bench.request(source), config={"TOKEN": "so secret", "OTHER": "x"})
    built = bench.builder.build(request, log)
    assert in_image(built.image_id, "cat", "/word", "/kept") == "hello\nhere"
    assert "so secret" not in log.text
    other = dataclasses.replace(request, config={"TOKEN": "so secret", "OTHER": "y"})
    assert bench.builder.build(other, log).reused  # what the build does not see makes no other build

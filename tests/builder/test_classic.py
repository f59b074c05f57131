"""The addresses of classic buildpacks, and which pack builds an app that has some."""

from __future__ import annotations

import pytest

from builder import BuildFailed
from builder.choices import Choices
from builder.classic import parse
from builder.explain import explain
from builder.pick import selection
from builder.problems import BuildpackFileMissing, BuildpackFolderMissing, BuildpacksMixed, NeededFileIgnored
from builder.problems.buildpacks import WrongAddress
from builder.types import Buildpack
from core.errors import UserError
from core.ids import AppId, new_id

OWN = {"packs/own/bin/detect!x": "#!/bin/sh\n", "packs/own/bin/compile!x": "#!/bin/sh\n", "requirements.txt": ""}


@pytest.mark.parametrize(
    ("text", "url", "ref", "path"),
    [
        ("https://example.com/own.git", "https://example.com/own.git", "", ""),
        ("https://example.com/own#v1.2", "https://example.com/own", "v1.2", ""),
        (" http://10.0.0.7:3000/own.git#feature/x ", "http://10.0.0.7:3000/own.git", "feature/x", ""),
        ("file:///app/vendor/own.git#main", "file:///app/vendor/own.git", "main", ""),
        ("./packs/own/", "", "", "packs/own"),
        ("./packs/../own", "", "", "own"),
        (".", "", "", "."),
    ],
)
def test_an_address_is_a_repository_or_a_folder(text, url, ref, path) -> None:
    assert parse(text) == Buildpack(text.strip(), url, ref, path)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("git@github.com:me/own.git", WrongAddress.PROTOCOL),
        ("ssh://git@github.com/me/own.git", WrongAddress.PROTOCOL),
        ("git://example.com/own.git", WrongAddress.PROTOCOL),
        ("ext::sh -c id", WrongAddress.CHARACTERS),
        ("https://me:secret@example.com/own.git", WrongAddress.CREDENTIALS),
        ("https://example.com/own.tgz", WrongAddress.ARCHIVE),
        ("https://example.com/own.git#--upload-pack=x", WrongAddress.REF),
        ("https://example.com/own.git#a..b", WrongAddress.REF),
        ("https://localhost/own.git", WrongAddress.HOST),
        ("http://127.0.0.1:5050/own.git", WrongAddress.HOST),
        ("http://[::1]/own.git", WrongAddress.HOST),
        ("http://169.254.169.254/latest", WrongAddress.HOST),
        ("https:///own.git", WrongAddress.HOST),
        ("https://example.com:port/own.git", WrongAddress.HOST),
        ("file:///etc/own.git", WrongAddress.FILE),
        ("file:///app/../etc/own.git", WrongAddress.FILE),
        ("../own", WrongAddress.OUTSIDE),
        ("./a/../../own", WrongAddress.OUTSIDE),
        ("/srv/own", WrongAddress.OUTSIDE),
        ("./a folder", WrongAddress.CHARACTERS),
    ],
)
def test_an_address_that_can_not_work_is_told_why(text, wrong) -> None:
    with pytest.raises(BuildFailed) as raised:
        parse(text)
    assert raised.value.problem.wrong is wrong


def test_a_password_in_an_address_is_not_repeated() -> None:
    with pytest.raises(BuildFailed) as raised:
        parse("https://me:secret@example.com/own.git")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (["heroku/python"], ("python",)),
        (["https://github.com/heroku/heroku-buildpack-nodejs#v250"], ("node",)),
        (["https://github.com/me/heroku-buildpack-python"], ("https://github.com/me/heroku-buildpack-python",)),
        (["https://github.com/heroku/heroku-buildpack-apt", "./own"], None),
    ],
)
def test_a_fork_is_a_buildpack_of_its_own_and_herokus_is_our_pack(names, kept) -> None:
    assert selection(names) == (kept or tuple(names))


@pytest.mark.parametrize("names", [["python", "./own"], ["heroku/nodejs", "heroku/python"]])
def test_a_pack_is_combined_with_nothing(names) -> None:
    with pytest.raises(UserError) as raised:
        selection(names)
    assert isinstance(raised.value.problem, BuildpacksMixed)


@pytest.mark.parametrize(
    ("files", "chosen", "by"),
    [
        ({}, ("./packs/own",), "buildpacks:set"),
        ({"portside.toml": 'builder = "./packs/own"'}, (), "portside.toml"),
        ({"portside.toml": 'buildpacks = ["./packs/own"]'}, (), "portside.toml"),
        ({"app.json": '{"buildpacks": [{"url": "./packs/own"}]}'}, (), "app.json"),
    ],
)
def test_buildpacks_are_chosen_wherever_a_pack_is(memory_source, files, chosen, by) -> None:
    plan = explain(memory_source(OWN | files), chosen=chosen)
    assert plan.pack.name == "buildpack"
    assert plan.detected.details == (f"Buildpacks, as {by} says", "Buildpack 1: ./packs/own")
    assert plan.manifest.processes is None


def test_several_run_in_their_order(memory_source) -> None:
    text = 'buildpacks = ["https://example.com/first.git#v1", "./packs/own"]'
    plan = explain(memory_source(OWN | {"portside.toml": text}))
    assert [it.name for it in plan.detected.buildpacks] == ["https://example.com/first.git#v1", "./packs/own"]
    assert plan.detected.headline == "Building with 2 buildpacks, one after the other"


def test_beside_a_pack_app_json_counts_as_before(memory_source) -> None:
    listed = '{"buildpacks": [{"url": "https://github.com/heroku/heroku-buildpack-apt"}, {"url": "heroku/python"}]}'
    plan = explain(memory_source(OWN | {"app.json": listed, "Procfile": "web: x"}))
    assert plan.pack.name == "python"
    apt = "https://github.com/heroku/heroku-buildpack-apt"
    assert f"Passed over: {apt} (a pack is not combined with other buildpacks)" in plan.detected.details


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"packs/own/bin/detect!x": ""}, BuildpackFileMissing("./packs/own", "packs/own/bin/compile")),
        ({"packs/mine/bin/compile!x": ""}, BuildpackFolderMissing("./packs/own", "packs/own", ("packs/mine",))),
        (OWN | {".dockerignore": "packs\n"}, NeededFileIgnored(".dockerignore", "packs/own/bin/detect")),
    ],
)
def test_a_folder_that_is_no_buildpack_is_told(memory_source, files, problem) -> None:
    with pytest.raises(BuildFailed) as raised:
        explain(memory_source(files), chosen=("./packs/own",))
    assert raised.value.problem == problem


def test_choices_keep_several_and_refuse_what_can_not_be(database) -> None:
    choices, shop = Choices(database), AppId(new_id())
    choices.choose_packs(shop, ["https://example.com/a.git", "./b"])
    assert choices.of(shop).packs == ("https://example.com/a.git", "./b")
    with pytest.raises(UserError):
        choices.choose_packs(shop, ["git@example.com:a.git"])
    assert choices.of(shop).packs == ("https://example.com/a.git", "./b")

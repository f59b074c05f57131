"""Which pack builds an app, and who chose it."""

from __future__ import annotations

import pytest

from builder import BuildFailed
from builder.choices import Choice, Choices
from builder.explain import explain
from builder.pick import known_pack, pack_named
from core.errors import UserError
from core.ids import AppId, new_id

BOTH = {"Dockerfile": "FROM x", "requirements.txt": "", "Procfile": "web: python app.py"}


@pytest.mark.parametrize(
    ("files", "chosen", "by"),
    [
        ({}, "python", "buildpacks:set"),
        ({"portside.toml": 'builder = "dockerfile"'}, "python", "buildpacks:set"),
        ({"portside.toml": 'builder = "python"'}, "", "portside.toml"),
        ({"app.json": '{"buildpacks": [{"url": "heroku/python"}]}'}, "", "app.json"),
        ({"app.json": '{"buildpacks": [{"url": "heroku/python"}, {"url": "heroku-community/apt"}]}'}, "", "app.json"),
    ],
)
def test_a_choice_goes_before_detection(memory_source, files, chosen, by) -> None:
    plan = explain(memory_source(BOTH | files), chosen=(chosen,) if chosen else ())
    assert plan.pack.name == "python"
    assert plan.detected.details[0] == f"The python pack, as {by} says"


@pytest.mark.parametrize(
    "files",
    [{}, {"portside.toml": "[web]"}, {"app.json": '{"buildpacks": [{"url": "heroku-community/apt"}]}'}],
)
def test_without_a_choice_the_pack_is_found_out(memory_source, files) -> None:
    assert explain(memory_source(BOTH | files)).pack.name == "dockerfile"


def test_a_pack_that_does_not_fit_is_told_with_who_chose_it(memory_source) -> None:
    with pytest.raises(BuildFailed) as raised:
        explain(memory_source({"requirements.txt": "", "portside.toml": 'builder = "dockerfile"'}))
    assert str(raised.value) == (
        "The dockerfile pack was chosen, and the app is not of its kind.\n"
        "Found:    `dockerfile`, chosen by portside.toml\n"
        "Expected: at the root of the repository, one of: Dockerfile\n"
        "To do:    Change what portside.toml says, then commit and push again."
    )


@pytest.mark.parametrize("text", ['builder = "', "builder = [", "\xff"])
def test_a_broken_portside_toml_is_told(memory_source, text) -> None:
    with pytest.raises(BuildFailed) as raised:
        explain(memory_source(BOTH | {"portside.toml": text.encode("latin-1")}))
    assert "portside.toml" in str(raised.value)


def test_a_pack_that_there_is_not_is_refused_with_those_that_there_are(memory_source) -> None:
    with pytest.raises(UserError) as raised:
        explain(memory_source(BOTH | {"portside.toml": 'builder = "cobol"'}))
    assert raised.value.message == "There is no pack 'cobol'."
    assert "dockerfile" in raised.value.hint
    assert "python" in raised.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "python",
        "heroku/python",
        "https://github.com/heroku/heroku-buildpack-python",
        "Python",
        "x/buildpacks-python.git",
    ],
)
def test_herokus_names_mean_the_pack(text) -> None:
    assert known_pack(text).name == "python"
    assert known_pack("heroku/gradle").name == "java"
    assert pack_named("heroku-community/apt") is None


def test_a_choice_of_pack_is_kept_beside_that_of_the_stack(database) -> None:
    choices, shop = Choices(database), AppId(new_id())
    choices.choose_stack(shop, "debian-14")
    choices.choose_packs(shop, ["heroku/python"])
    assert choices.of(shop) == Choice("debian-14", ("python",))
    choices.choose_packs(shop, [])
    assert choices.of(shop) == Choice("debian-14", ())

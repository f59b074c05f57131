"""The pack chosen for an app, as Heroku's clients ask for it."""

from __future__ import annotations

from releases import App

PATH = "/apps/shop/buildpack-installations"


def test_a_pack_is_chosen_and_taken_back(api, app: App) -> None:
    assert api.get(PATH).json == []
    chosen = api.put(PATH, json={"updates": [{"buildpack": "https://github.com/heroku/heroku-buildpack-python"}]})
    assert chosen.json == api.get(PATH).json == [{"ordinal": 0, "buildpack": {"name": "python", "url": "python"}}]
    assert api.put(PATH, json={"updates": []}).json == []


def test_a_pack_may_be_named_by_an_object_with_a_url(api, app: App) -> None:
    answer = api.put(PATH, json={"updates": [{"buildpack": {"url": "dockerfile"}}]})
    assert answer.json[0]["buildpack"]["url"] == "dockerfile"


def test_classic_buildpacks_are_kept_in_their_order(api, app: App) -> None:
    addresses = ["https://github.com/heroku/heroku-buildpack-apt", "./buildpacks/own"]
    answer = api.put(PATH, json={"updates": [{"buildpack": address} for address in addresses]})
    assert answer.json == api.get(PATH).json
    assert [(each["ordinal"], each["buildpack"]["url"]) for each in answer.json] == list(enumerate(addresses))


def test_a_bad_address_is_refused_with_the_reason(api, app: App) -> None:
    answer = api.put(PATH, json={"updates": [{"buildpack": "git@example.com:own.git"}]})
    assert answer.status_code == 422
    assert answer.json["message"].startswith("No buildpack can be at git@example.com:own.git.")
    assert api.get(PATH).json == []


def test_an_unknown_pack_and_several_are_refused(api, app: App) -> None:
    unknown = api.put(PATH, json={"updates": [{"buildpack": "cobol"}]})
    assert (unknown.status_code, unknown.json["message"].splitlines()[0]) == (422, "There is no pack 'cobol'.")
    several = api.put(PATH, json={"updates": [{"buildpack": "python"}, {"buildpack": "dockerfile"}]})
    assert several.status_code == 422
    assert api.put(PATH, json={}).status_code == 422

"""The pack of an app."""

from __future__ import annotations

PATH = "/apps/demo/buildpack-installations"


def test_the_chosen_pack_is_shown(invoke, logged_in) -> None:
    logged_in.answers["GET", PATH] = [{"buildpack": {"url": "python"}}]
    assert invoke("buildpacks", "-a", "demo").stdout == "python\n"
    logged_in.answers["GET", PATH] = []
    assert "No pack was chosen for demo: each build finds out." in invoke("buildpacks", "-a", "demo").stderr


def test_a_pack_is_chosen_and_cleared(invoke, logged_in) -> None:
    logged_in.answers["PUT", PATH] = []
    assert invoke("buildpacks:set", "python", "-a", "demo").exit_code == 0
    assert invoke("buildpacks:clear", "-a", "demo").exit_code == 0
    sent = [body for _, body in logged_in.asked_for("PUT")]
    assert sent == [{"updates": [{"buildpack": "python"}]}, {"updates": []}]

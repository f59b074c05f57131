"""The pack of an app."""

from __future__ import annotations

import pytest

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


def chosen(logged_in, *names: str) -> None:
    logged_in.answers["GET", PATH] = [{"buildpack": {"url": name}} for name in names]
    logged_in.answers["PUT", PATH] = []


def sent(logged_in) -> list[str]:
    _, body = logged_in.asked_for("PUT")[-1]
    return [each["buildpack"] for each in body["updates"]]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("buildpacks:add", "./c"), ["./a", "./b", "./c"]),
        (("buildpacks:add", "./c", "--index", "1"), ["./c", "./a", "./b"]),
        (("buildpacks:add", "./c", "-i", "9"), ["./a", "./b", "./c"]),
        (("buildpacks:set", "./c", "--index", "2"), ["./a", "./c"]),
        (("buildpacks:set", "./c"), ["./c"]),
        (("buildpacks:remove", "./a"), ["./b"]),
        (("buildpacks:remove", "--index", "2"), ["./a"]),
    ],
)
def test_the_order_is_changed(invoke, logged_in, arguments, expected) -> None:
    chosen(logged_in, "./a", "./b")
    assert invoke(*arguments, "-a", "demo").exit_code == 0
    assert sent(logged_in) == expected


def test_all_are_shown_in_their_order(invoke, logged_in) -> None:
    chosen(logged_in, "./a", "./b")
    assert invoke("buildpacks", "-a", "demo").stdout == "./a\n./b\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("buildpacks:add", "./a"), "./a builds demo already."),
        (("buildpacks:remove", "./c"), "demo has no buildpack ./c."),
        (("buildpacks:remove", "--index", "3"), "demo has no buildpack 3."),
        (("buildpacks:remove",), "Say which buildpack."),
    ],
)
def test_what_can_not_be_changed_is_told(invoke, logged_in, arguments, told) -> None:
    chosen(logged_in, "./a", "./b")
    result = invoke(*arguments, "-a", "demo")
    assert result.exit_code != 0
    assert told in result.stderr
    assert logged_in.asked_for("PUT") == []

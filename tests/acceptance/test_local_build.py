"""Building a folder without a push, on a whole platform."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.acceptance.site import Site

pytestmark = pytest.mark.platform


def test_a_folder_is_built_without_a_release_and_its_push_finds_the_image(new_site: Callable[..., Site]) -> None:
    site = new_site("python_tiny")
    built = site.cli("build", "--local", str(site.folder))
    assert built.code == 0, built.output
    assert "Pack: python (Python app detected)" in built.output
    assert "Nothing was released." in built.output
    assert site.versions() == []

    pushed = site.push()
    assert pushed.code == 0, pushed.output
    assert "remote: -----> Nothing changed since build" in pushed.output

    recipe = site.cli("eject")
    assert recipe.code == 0, recipe.output
    assert "FROM debian:trixie-slim AS debian" in recipe.output

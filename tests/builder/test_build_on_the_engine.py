"""Real builds on the real engine."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.engine


def test_a_dockerfile_app_is_built_and_says_what_it_runs(bench, log, fixture_app):
    built = bench.builder.build(bench.request(fixture_app("dockerfile_tiny")), log)
    assert built.image_id.startswith("sha256:")
    assert (built.pack, built.processes, built.port, built.reused) == ("dockerfile", (("web", None),), 8000, False)
    assert log.lines[0] == "-----> Dockerfile detected"
    assert "       [2/2] COPY . /app" in log.lines


def test_the_same_tree_is_not_built_twice(bench, log, fixture_app):
    first = bench.builder.build(bench.request(fixture_app("dockerfile_tiny")), log)
    again = bench.builder.build(bench.request(fixture_app("dockerfile_tiny"), commit="d" * 40), log)
    assert (again.image_id, again.build_id, again.reused) == (first.image_id, first.build_id, True)
    assert log.lines[-1] == f"-----> Nothing changed since build {first.build_id[:8]}: reusing its image"

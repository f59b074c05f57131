"""A Python app whose assets Node.js builds, for real: the example of it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.engine

DOCKER = "/usr/bin/docker"
EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "python-assets"


def in_image(image: str, command: str) -> str:
    argv = [DOCKER, "run", "--rm", "--network=none", "--entrypoint=/bin/sh", image, "-c", command]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def test_the_assets_of_a_python_app(bench, log, memory_source):
    source = memory_source.of_folder(EXAMPLE)
    built = bench.builder.build(bench.request(source, deadline_s=600.0), log)
    found = in_image(built.image_id, "id -u; stat -c %U static/built/main.js; ls; command -v node || echo no node")
    assert found.split()[:2] == ["1000", "app"]
    assert "no node" in found
    assert "node_modules" not in found
    assert "Bundled by esbuild" in in_image(built.image_id, "cat static/built/main.js")
    assert "-----> Python app detected" in log.lines
    assert "       Building assets with Node.js: npm run build" in log.lines
    assert "-----> Building assets with Node.js: npm run build" in log.lines
    assert "-----> Adding the app's files and its assets" in log.lines
    changed = memory_source(dict(source.files) | {"app.py": source.files["app.py"] + b"# changed\n"})
    log.lines.clear()
    again = bench.builder.build(bench.request(changed, deadline_s=600.0), log)
    assert again.image_id != built.image_id
    cached = [line.strip() for line in log.lines]
    assert cached[cached.index("-----> Installing dependencies") + 1] == "CACHED"
    assert cached[cached.index("-----> Installing what Node.js builds with") + 1] == "CACHED"


@pytest.mark.parametrize("fixture", ["ruby_tiny", "php_tiny"])
def test_the_assets_of_other_languages(bench, log, fixture_app, fixture):
    scripts = {"build": "mkdir -p made && node --version > made/by.txt"}
    package = json.dumps({"scripts": scripts}).encode()
    source = fixture_app(fixture, **{"package.json": package, "kept.txt": b"as it was"})
    built = bench.builder.build(bench.request(source, deadline_s=600.0), log)
    assert in_image(built.image_id, "stat -c %U made/by.txt kept.txt; cat made/by.txt").startswith("app\napp\nv")
    assert in_image(built.image_id, "cat kept.txt; id -u") == "as it was1000\n"

"""Versions of a language from official images, as the server's settings say."""

from __future__ import annotations

import dataclasses
import secrets
import subprocess
from collections.abc import Iterator

import pytest

from builder import Builder, BuildFailed
from builder.debian import DEFAULT
from builder.eject import dockerfile
from builder.explain import explain
from builder.official import OfficialImage, image_for, official_images
from builder.types import Wanted
from core.errors import UserError
from tests.builder.test_build_on_the_engine import BASE, DOCKER, in_image

WEB = {"Procfile": "web: python app.py", "requirements.txt": ""}
IMAGES = official_images(
    ["python 3.12 = python:3.12-slim", "Go 1.22=golang@sha256:0f", "python 3.13 = own/python:3.13"]
)


@pytest.mark.parametrize(
    ("pin", "version"),
    [("3.12", "3.12"), ("3.12.4", "3.12"), ("3.13", "3.13"), ("3", None), ("3.1", None), ("2.7", None)],
)
def test_a_pin_takes_the_image_of_its_version(pin, version) -> None:
    found = image_for(Wanted("Python", ".python-version", ".python-version", pin, pin), IMAGES)
    assert (found.version if found else None) == version


def test_without_a_pin_the_stack_decides(memory_source) -> None:
    plan = explain(memory_source(WEB), images=IMAGES)
    assert (plan.official, plan.detected.values["version"]) == ("", DEFAULT.versions["Python"])


def test_a_pin_that_no_stack_has_comes_from_its_image(memory_source) -> None:
    plan = explain(memory_source(WEB | {".python-version": "3.12"}), images=IMAGES)
    assert (plan.official, plan.stack) == ("python:3.12-slim", DEFAULT)
    assert plan.detected.details[0] == "Using Python 3.12 of python:3.12-slim, as .python-version says"


def test_what_can_be_had_is_named_with_them(memory_source) -> None:
    with pytest.raises(BuildFailed, match=r"Python 3\.13, 3\.14 or 3\.12"):
        explain(memory_source(WEB | {".python-version": "2.7"}), images=IMAGES)


def test_an_ejected_dockerfile_starts_from_it(memory_source) -> None:
    source = memory_source(WEB | {".python-version": "3.12"})
    text = dockerfile(explain(source, images=IMAGES), source, "shop", "trixie", {})
    assert "FROM python:3.12-slim AS language" in text
    assert "--python /usr/local/bin/python3" in text


@pytest.mark.parametrize("line", ["python = python:3", "ruby 3.3 = ruby:3.3", "python 3.12", "python 3.12 = a b"])
def test_a_line_that_names_no_image_is_refused(line) -> None:
    with pytest.raises(UserError) as raised:
        official_images([line])
    assert str(raised.value) == (
        f"PORTSIDE_BUILDER_OFFICIAL_IMAGES has {line!r}, which names no image.\n"
        "Write it as: python 3.12 = python:3.12-slim. The language is one of Go, Python, Rust."
    )


@pytest.fixture
def its_image() -> Iterator[OfficialImage]:
    """An image as the official ones are: on Debian, with Python in /usr/local."""
    name = f"portside-test/official:{secrets.token_hex(4)}"
    text = BASE + (
        "RUN apt-get -qq update && apt-get -qq install -y --no-install-recommends python3 "
        "&& ln -s /usr/bin/python3 /usr/local/bin/python3 && touch /from-elsewhere\n"
    )
    subprocess.run([DOCKER, "build", "--quiet", "--tag", name, "-"], input=text.encode(), check=True)
    yield OfficialImage("Python", "9.9", name)
    subprocess.run([DOCKER, "image", "rm", name], check=True, capture_output=True)


@pytest.mark.engine
def test_an_app_is_built_on_it(bench, log, memory_source, its_image) -> None:
    settings = dataclasses.replace(bench.settings, official_images=(f"python 9.9 = {its_image.image}",))
    builder = Builder(bench.database, bench.engine, settings, bench.images)
    built = builder.build(bench.request(memory_source(WEB | {".python-version": "9.9", "app.py": ""})), log)
    assert in_image(built.image_id, "ls", "/from-elsewhere", "/app/app.py").split() == [
        "/app/app.py",
        "/from-elsewhere",
    ]
    assert in_image(built.image_id, "readlink", "/opt/venv/bin/python").strip() == "/usr/local/bin/python3"
    assert f"       Using Python 9.9 of {its_image.image}, as .python-version says" in log.lines
    made = next(word.rstrip(":") for word in log.text.split() if word.startswith("portside/python:"))
    bench.engine.untag(made)

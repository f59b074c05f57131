"""Every example goes live by `git push`, and so does a change of its code, which leaves its dependencies alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.site import Site

pytestmark = pytest.mark.platform

EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True)
class Example:
    """A folder of `examples/`: what the push says and what the app answers; then the same after a change of `file`."""

    folder: str
    detected: str
    answers: str
    file: str
    before: str
    after: str
    answers_then: str


ALL = (
    Example("dockerfile", "Dockerfile", "release v1", "server.pl", "Hello from", "Bye from", "Bye from"),
    Example("go", "Go", "v1", "main.go", '"Hello"', '"Bye"', "Bye"),
    Example(
        "java", "Java", "hello from v1", "src/main/java/hello/Server.java", "hello from", "bye from", "bye from v2"
    ),
    Example("node", "Node.js", "Hello from release v1", "server.js", "Hello from", "Bye from", "Bye from release v2"),
    Example("php", "PHP", "release v1", "src/About.php", "release", "edition", "edition v2"),
    Example("python-assets", "Python", "v1", "app.py", '"your laptop"', '"here"', "v2"),
    Example(
        "python-django", "Python", "a Django shop", "shop/urls.py", "a Django shop", "another shop", "another shop"
    ),
    Example("python-flask", "Python", "v1", "app.py", '"Hello"', '"Bye"', "Bye"),
    Example("ruby", "Ruby", "release v1", "server.rb", "Hello from", "Bye from", "Bye from"),
    Example("rust", "Rust", "release v1", "src/main.rs", "Hello from", "Bye from", "Bye from"),
    Example("static", "Static site", "<html", "public/index.html", "</body>", "<p>Bye</p></body>", "<p>Bye</p>"),
)


def test_there_is_a_row_for_each() -> None:
    assert [example.folder for example in ALL] == sorted(path.name for path in EXAMPLES.iterdir() if path.is_dir())


@pytest.mark.parametrize("example", ALL, ids=lambda example: example.folder)
def test_an_example_goes_live_and_so_does_a_change(example: Example, new_site: Callable[..., Site]) -> None:
    site = new_site(EXAMPLES / example.folder)
    first = site.push()
    assert first.code == 0, first.output
    assert f"-----> {example.detected}" in first.output
    answer = site.platform.get(site.name)
    assert (answer.status_code, example.answers in answer.text) == (200, True), answer.text

    source = site.folder / example.file
    text = source.read_text()
    assert example.before in text
    source.write_text(text.replace(example.before, example.after))
    site.platform.commit(site.folder, "other words")
    second = site.push()
    assert second.code == 0, second.output
    assert example.answers_then in site.platform.get(site.name).text


def test_a_pin_that_the_default_stack_lacks_goes_live_on_the_next_one(new_site: Callable[..., Site]) -> None:
    site = new_site(EXAMPLES / "python-flask")
    site.write("3.14", ".python-version")
    pushed = site.push()
    assert pushed.code == 0, pushed.output
    assert "Building on debian-14: debian-13 has Python 3.13" in pushed.output
    assert "v1" in site.platform.get(site.name).text
    assert json.loads(site.cli("builds", "--json").output)[0]["stack"] == "debian-14"

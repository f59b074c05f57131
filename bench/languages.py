"""Builds, language by language, against a plain Dockerfile that somebody would write by hand for the same app."""

from __future__ import annotations

import json
import os
import secrets
import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import docker
from rich.table import Table

from bench.bed import DOCKER, Bed, BenchApp, must
from bench.figures import short
from builder import BuilderSettings

EXAMPLES = Path(__file__).parents[1] / "examples"
BY_HAND = Path(__file__).parent / "by_hand"
WARM_ROUNDS = 3
_OF_THE_BUILD = ("detect", "prepare", "build")
MB = 1_000_000


@dataclass(frozen=True)
class Language:
    """An app of `examples/`. `code` is a file of it; `needs` one that names dependencies, None where there are none."""

    pack: str
    example: str
    code: str
    needs: str | None


LANGUAGES = (
    Language("python", "python-flask", "app.py", "requirements.txt"),
    Language("node", "node", "server.js", "package.json"),
    Language("php", "php", "src/About.php", "composer.json"),
    Language("ruby", "ruby", "server.rb", "Gemfile"),
    Language("go", "go", "main.go", "go.mod"),
    Language("rust", "rust", "src/main.rs", "Cargo.toml"),
    Language("java", "java", "src/main/java/hello/Server.java", "pom.xml"),
    Language("static", "static", "public/index.html", None),
)
_COMMENTS = {
    "# {}": (".py", ".txt", ".rb", ".toml", ""),
    "// {}": (".js", ".php", ".go", ".mod", ".rs", ".java"),
    "<!-- {} -->": (".html", ".xml"),
}


@dataclass(frozen=True)
class Built:
    """Seconds of one kind of build, the median of its rounds, and the bytes of the image."""

    cold_s: float
    code_s: float
    needs_s: float | None
    size_bytes: int


def by_language(bed: Bed) -> Table:
    """The seconds of a build (ours: detection to image, as its push records them; by hand: `docker build`).

    Cold is a build with no cache of the app's own, where the language image is there already; then one more line of
    code, and one more in the file that names the dependencies. Both build the same files on the same language image.
    """
    made = Table(title="Builds: Portside / a Dockerfile by hand", show_lines=False)
    for heading in ("language", "cold", "code changed", "dependencies changed", "image"):
        made.add_column(heading, justify="left" if heading == "language" else "right")
    for language in LANGUAGES:
        try:
            row: tuple[str, ...] = _row(bed, language)
        except Exception as error:  # the edge: the other languages are measured all the same
            row = (language.pack, f"[red]not measured:[/] {error}")
        click.echo(" | ".join(row), err=True)  # it takes minutes
        made.add_row(*row)
    return made


def _row(bed: Bed, language: Language) -> tuple[str, ...]:
    ours, hand = _built_by_us(bed, language), _built_by_hand(bed, language)
    return (
        language.pack,
        _pair(ours.cold_s, hand.cold_s, "s"),
        _pair(ours.code_s, hand.code_s, "s"),
        _pair(ours.needs_s, hand.needs_s, "s"),
        _pair(ours.size_bytes / MB, hand.size_bytes / MB, "MB"),
    )


def _pair(ours: float | None, hand: float | None, unit: str) -> str:
    if ours is None or hand is None:
        return "none"
    return f"{short(ours)} / {short(hand)} {unit} = {short(ours / hand)} x"


def _built_by_us(bed: Bed, language: Language) -> Built:
    first = bed.app(EXAMPLES / language.example)
    must(first.push())  # the language image is there afterwards
    first.destroy()
    app = bed.app(EXAMPLES / language.example)

    def build() -> float:
        bed.platform.commit(app.folder)
        must(app.push())
        return _recorded_s(app)

    cold_s = build()
    size = _size(bed.image_of(app))
    made = Built(cold_s, *_warm(app.folder, language, build), size)
    app.destroy()
    return made


def _built_by_hand(bed: Bed, language: Language) -> Built:
    app = bed.app(EXAMPLES / language.example)
    recipe = (BY_HAND / f"{language.pack}.Dockerfile").read_text()
    recipe = recipe.replace("LANGUAGE_IMAGE", _newest(f"portside/{language.pack}"))
    (app.folder / "Dockerfile").write_text(recipe.replace("BASE_IMAGE", BuilderSettings().base_image))
    image = f"{bed.platform.name}:by-hand"

    def build(*options: str) -> float:
        bed.platform.commit(app.folder)
        begun = time.monotonic()
        argv = [DOCKER, "build", "--quiet", "--tag", image, *options, str(app.folder)]
        environ = {**os.environ, "DOCKER_BUILDKIT": "1"}
        done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False, timeout=900)
        if done.returncode:
            raise RuntimeError(f"{language.pack} by hand: {done.stderr[-500:]}")
        return time.monotonic() - begun

    cold_s = build("--no-cache")
    size = _size(image)
    made = Built(cold_s, *_warm(app.folder, language, build), size)
    bed.remove_images(image)
    app.destroy()
    return made


def _warm(folder: Path, language: Language, build: Callable[[], float]) -> tuple[float, float | None]:
    """(seconds after a change of code, seconds after one of what it needs)."""
    code, needs = [], []
    for _ in range(WARM_ROUNDS):
        _touch(folder / language.code)
        code.append(build())
        if language.needs is not None:
            _touch(folder / language.needs)
            needs.append(build())
    return statistics.median(code), statistics.median(needs) if needs else None


def _touch(file: Path) -> None:
    """Change a file as no run did before, and in a way that means nothing to its language."""
    comment = next((form for form, suffixes in _COMMENTS.items() if file.suffix in suffixes), None)
    change = comment.format(secrets.token_hex(4)) if comment else " " * (1 + secrets.randbelow(100_000))
    file.write_text(f"{file.read_text().rstrip()}\n{change}\n")


def _recorded_s(app: BenchApp) -> float:
    latest = json.loads(must(app.cli("builds", "--json")).output)[0]
    return float(sum(step["took_ms"] for step in latest["steps"] if step["name"] in _OF_THE_BUILD)) / 1000


def _newest(repository: str) -> str:
    engine = docker.from_env()
    try:
        images = [one for one in engine.images.list(name=repository) if any("debian-13" in tag for tag in one.tags)]
        return str(max(images, key=lambda one: str(one.attrs["Created"])).tags[0])
    finally:
        engine.close()


def _size(image: str) -> int:
    engine = docker.from_env()
    try:
        return int(engine.images.get(image).attrs["Size"])
    finally:
        engine.close()

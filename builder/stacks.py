"""Language images: what the packs' Dockerfiles start from, built once per machine."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from builder import packs
from builder.buildkit import BuildKit
from builder.context import Extra, tar_stream
from builder.dockerignore import Ignore
from builder.engine import Engine
from builder.progress import Line
from builder.settings import BuilderSettings
from core.errors import UserError

HOST_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
LONGEST_BUILD_S = 900


@dataclass(frozen=True)
class LanguageImage:
    """`name` is its tag in the engine; it holds a digest of all that the image is made from."""

    name: str
    dockerfile: str
    certificates: bytes


class Stacks:
    """Makes the language images of one engine.

    One at a time in this process; when two processes want the same image at once, BuildKit itself runs their equal
    steps only once.
    """

    def __init__(self, engine: Engine, buildkit: BuildKit, settings: BuilderSettings) -> None:
        self._engine = engine
        self._buildkit = buildkit
        self._base = settings.base_image
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The stack that apps are built on."""
        return self._base.rpartition(":")[2]

    def base_id(self) -> str:
        """The id of the base image; raises UserError when the engine does not hold it."""
        image_id = self._engine.image_id(self._base)
        if image_id is None:
            message = f"The base image {self._base} is not in the Docker Engine."
            raise UserError(message, "Make it: `make quickstart`, or see `portside-server doctor`.")
        return image_id

    def language_image(self, pack: packs.Pack) -> LanguageImage:
        """The image that the pack's Dockerfile starts from, whether it is built yet or not."""
        assert pack.language_image is not None
        certificates = HOST_CERTIFICATES.read_bytes() if HOST_CERTIFICATES.exists() else b""
        values = {"base": self._base, "host_certificates": bool(certificates)}
        dockerfile = packs.render(pack.language_image, values)
        parts = b"\0".join([dockerfile.encode(), certificates, self.base_id().encode()])
        stack = self._base.rpartition(":")[2]
        name = f"portside/{pack.name}:{stack}-{hashlib.sha256(parts).hexdigest()[:12]}"
        return LanguageImage(name, dockerfile, certificates)

    def prepare(
        self,
        image: LanguageImage,
        on_line: Callable[[str], None],
        stopped: Callable[[], BaseException | None] = lambda: None,
    ) -> str:
        """Build the image unless the engine holds it, telling its steps; gives its id."""

        def headings(line: Line) -> None:
            if line.number:
                on_line(str(line))

        with self._lock:
            image_id = self._engine.image_id(image.name)
            if image_id is None:
                on_line(f"Building {image.name}: once on this machine, it takes a minute")
                context = self._context(image)
                image_id = self._buildkit.build(context, image.name, headings, LONGEST_BUILD_S, stopped)
            return image_id

    def _context(self, image: LanguageImage) -> Iterator[bytes]:
        extras = [Extra("Dockerfile", image.dockerfile.encode())]
        if image.certificates:
            extras.append(Extra("ca-certificates.crt", image.certificates))
        return tar_stream(None, Ignore(), tuple(extras))

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
from builder.debian import DEFAULT, Stack
from builder.dockerignore import Ignore
from builder.engine import Engine
from builder.progress import Line
from builder.settings import BuilderSettings
from core.errors import PortsideError, UserError

HOST_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
LONGEST_BUILD_S = 900
OnLine = Callable[[str], None]
MakeBase = Callable[[str, str, OnLine], None]  # (a stack's name, its suite, …)


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

    def __init__(
        self, engine: Engine, buildkit: BuildKit, settings: BuilderSettings, make_base: MakeBase | None = None
    ) -> None:
        self._make_base = make_base
        self._engine = engine
        self._buildkit = buildkit
        self._base = settings.base_image
        self._lock = threading.Lock()

    def base(self, stack: Stack) -> str:
        """The name of a stack's base image: as set for the default stack, beside it for the others."""
        return self._base if stack == DEFAULT else f"{self._base.rpartition(':')[0]}:{stack.name}"

    def is_here(self, stack: Stack) -> bool:
        """Whether the engine holds the stack's base image."""
        return self._engine.image_id(self.base(stack)) is not None

    def ensure_base(self, stack: Stack, on_line: OnLine) -> None:
        """Make the stack's base image if it is missing and can be made; else `base_id` tells what to do."""
        with self._lock:
            if self._make_base is None or self.is_here(stack):
                return
            on_line(f"Making the stack {stack.name}: once on this machine, it takes a minute")
            try:
                self._make_base(stack.name, stack.suite, on_line)
            except PortsideError as error:
                on_line(f"That failed: {error.message.splitlines()[0]}")

    def base_id(self, stack: Stack) -> str:
        """The id of a stack's base image; raises UserError when the engine does not hold it."""
        image_id = self._engine.image_id(self.base(stack))
        if image_id is None and stack != DEFAULT:
            message = f"The app needs the stack {stack.name}, whose base image is not on this server yet."
            raise UserError(message, f"On the server, once: portside-server stack:add {stack.name}")
        if image_id is None:
            message = f"The base image {self._base} is not in the Docker Engine."
            raise UserError(message, "Make it: `make quickstart`, or see `portside-server doctor`.")
        return image_id

    def language_image(self, pack: packs.Pack, stack: Stack, official: str = "") -> LanguageImage:
        """The image that the pack's Dockerfile starts from, whether it is built yet or not.

        `official`: the image that holds the language, where it is not one of the stack's packages.
        """
        assert pack.language_image is not None
        certificates = HOST_CERTIFICATES.read_bytes() if HOST_CERTIFICATES.exists() else b""
        values = {"base": self.base(stack), "official": official, "host_certificates": bool(certificates)}
        dockerfile = packs.render(pack.language_image, values)
        parts = b"\0".join([dockerfile.encode(), certificates, self.base_id(stack).encode()])
        tag = self.base(stack).rpartition(":")[2]
        name = f"portside/{pack.name}:{tag}-{hashlib.sha256(parts).hexdigest()[:12]}"
        return LanguageImage(name, dockerfile, certificates)

    def prepare(
        self,
        image: LanguageImage,
        on_line: OnLine,
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

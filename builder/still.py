"""A container that is made of an image, never started, looked into and removed: how files are read out of an image."""

from __future__ import annotations

import io
import secrets
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from docker import APIClient
from docker.errors import NotFound

NAME = "portside-still-"  # a label would get into the image of a commit, and so onto the containers of its app
LARGEST_BYTES = 1024 * 1024
FORGOTTEN_S = 600.0


@dataclass(frozen=True)
class Still:
    """One of them. The SDK's errors pass through."""

    api: APIClient
    id: str

    def read(self, path: str) -> bytes | None:
        """A file's first MiB, or None when there is no such file."""
        try:
            chunks, _ = self.api.get_archive(self.id, path)
        except NotFound:
            return None
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            member = tar.next()
            file = tar.extractfile(member) if member is not None and member.isfile() else None
            return file.read(LARGEST_BYTES) if file is not None else None

    def commit(self, environment: Mapping[str, str], name: str) -> str:
        """Name an image like this one's, with these variables in its environment; gives its id."""
        repository, _, tag = name.rpartition(":")
        variables = [f"{key}={value}" for key, value in environment.items()]
        return str(self.api.commit(self.id, repository, tag, conf={"Env": variables})["Id"])


@contextmanager
def still(api: APIClient, image: str) -> Iterator[Still]:
    """A still container of an image that says what it runs."""
    made = str(api.create_container(image, name=NAME + secrets.token_hex(8))["Id"])
    try:
        yield Still(api, made)
    finally:
        api.remove_container(made, force=True, v=True)


def remove_forgotten(api: APIClient) -> None:
    """Remove those that a process left which was killed in between."""
    for found in api.containers(all=True, filters={"name": f"^/?{NAME}", "status": "created"}):
        if time.time() - found["Created"] > FORGOTTEN_S:
            api.remove_container(found["Id"], force=True, v=True)

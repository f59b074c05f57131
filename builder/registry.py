"""A client for the OCI distribution API: https://github.com/opencontainers/distribution-spec/blob/main/spec.md

Manifests and small blobs only; layers go up through the engine, which knows what the registry already has.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urljoin

import requests
from requests import Response

from core.errors import Away, NotFound, Unavailable

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_ACCEPT = {"Accept": f"{DOCKER_MANIFEST}, {OCI_MANIFEST}"}
_PAGE = 1000
TIMEOUT_S = 20.0


@dataclass(frozen=True)
class Manifest:
    """An image manifest (Docker v2 schema 2 or OCI: the parts used here are the same)."""

    media_type: str
    content: dict[str, Any]

    @property
    def config_digest(self) -> str:
        return str(self.content["config"]["digest"])

    @property
    def blobs(self) -> tuple[str, ...]:
        """The digests of its config and its layers."""
        return (self.config_digest, *(str(layer["digest"]) for layer in self.content.get("layers", ())))

    def with_config(self, config: bytes) -> Manifest:
        """The same image with another config blob."""
        descriptor = {**self.content["config"], "digest": digest_of(config), "size": len(config)}
        return Manifest(self.media_type, {**self.content, "config": descriptor})

    def encoded(self) -> bytes:
        return json.dumps(self.content, sort_keys=True, separators=(",", ":")).encode()


class Registry:
    """One registry; repositories are named without its host."""

    def __init__(self, url: str, answer_s: float = TIMEOUT_S) -> None:
        """`answer_s`: how long each answer is waited for."""
        self._answer_s = answer_s
        self.host = url.split("://")[-1].rstrip("/")
        loopback = self.host.rsplit(":", 1)[0] in ("localhost", "[::1]") or self.host.startswith("127.")
        self._base_url = url if "://" in url else f"{'http' if loopback else 'https'}://{self.host}"
        self._http = requests.Session()
        self._http.trust_env = False

    def check(self) -> None:
        """Raise Unavailable unless the registry answers."""
        self._call("GET", "/v2/")

    def manifest(self, repository: str, reference: str) -> Manifest:
        """The manifest under a tag or digest; raises NotFound."""
        answer = self._call("GET", f"/v2/{repository}/manifests/{reference}", headers=_ACCEPT)
        return Manifest(answer.headers["Content-Type"].partition(";")[0], answer.json())

    def digest(self, repository: str, reference: str) -> str | None:
        """The digest of the manifest under a tag or digest, None when there is none."""
        try:
            answer = self._call("HEAD", f"/v2/{repository}/manifests/{reference}", headers=_ACCEPT)
        except NotFound:
            return None
        return str(answer.headers["Docker-Content-Digest"])

    def put_manifest(self, repository: str, tag: str, manifest: Manifest) -> str:
        """Store a manifest under a tag; gives its digest."""
        content = manifest.encoded()
        headers = {"Content-Type": manifest.media_type}
        self._call("PUT", f"/v2/{repository}/manifests/{tag}", headers=headers, content=content)
        return digest_of(content)

    def delete_manifest(self, repository: str, digest: str) -> None:
        """Take a manifest away, and with it every tag on it; no harm when it is gone already."""
        try:
            self._call("DELETE", f"/v2/{repository}/manifests/{digest}")
        except NotFound:
            return

    def blob(self, repository: str, digest: str) -> bytes:
        """A blob's content; raises NotFound."""
        return self._call("GET", f"/v2/{repository}/blobs/{digest}").content

    def has_blob(self, repository: str, digest: str) -> bool:
        try:
            self._call("HEAD", f"/v2/{repository}/blobs/{digest}")
        except NotFound:
            return False
        return True

    def put_blob(self, repository: str, content: bytes) -> str:
        """Store a small blob, in one piece; gives its digest."""
        digest = digest_of(content)
        place = self._call("POST", f"/v2/{repository}/blobs/uploads/").headers["Location"]
        target = f"{place}{'&' if '?' in place else '?'}{urlencode({'digest': digest})}"
        self._call("PUT", target, headers={"Content-Type": "application/octet-stream"}, content=content)
        return digest

    def tags(self, repository: str) -> list[str]:
        """All tags of a repository; empty when there is no such repository."""
        found: list[str] = []
        page: str | None = f"/v2/{repository}/tags/list?n={_PAGE}"
        try:
            while page:
                answer = self._call("GET", page)
                found += answer.json().get("tags") or []
                page = answer.links.get("next", {}).get("url")
        except NotFound:
            return found
        return found

    def _call(self, method: str, path: str, headers: dict[str, str] | None = None, content: bytes = b"") -> Response:
        url = urljoin(self._base_url, path)
        with self._answers():
            answer = self._http.request(method, url, headers=headers, data=content or None, timeout=self._answer_s)
        if answer.status_code == requests.codes.not_found:
            raise NotFound(f"The image registry at {self.host} has no {path.partition('?')[0]}.")
        if not answer.ok:
            told = f"HTTP {answer.status_code} to {method} {path.partition('?')[0]}: {answer.text[:300]}"
            raise Unavailable(f"The image registry at {self.host} answered {told}", "See `portside-server doctor`.")
        return answer

    @contextmanager
    def _answers(self) -> Iterator[None]:
        try:
            yield
        except requests.RequestException as error:
            message = f"The image registry at {self.host} does not answer ({error})."
            raise Away(message, "See `portside-server status`.") from error


def digest_of(content: bytes) -> str:
    """The digest by which a registry knows `content`."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"

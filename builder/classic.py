"""How people name a classic buildpack: the address of a git repository (`https://…(.git)(#ref)`), or `./a/folder`."""

from __future__ import annotations

import posixpath
import re
from urllib.parse import SplitResult, urlsplit

from builder.problems import BadBuildpackAddress, WrongAddress, failed
from builder.types import Buildpack

HEROKU = "https://github.com/heroku/"
_SCHEME = re.compile(r"^([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_SSH = re.compile(r"^[\w.-]+@[\w.-]+:")
_REF = re.compile(r"^[\w][\w./+@-]*$")
_PRINTABLE = re.compile(r"^[\x21-\x7e]+$")
# Inside a build these are the build's own container; and nobody should ask the server itself through Portside.
_NOT_A_HOST = re.compile(
    r"^(localhost|.*\.localhost|127\..*|0\..*|0|169\.254\..*|::1?|::ffff:.*|fe80:.*)$", re.IGNORECASE
)
_ARCHIVES = (".tgz", ".tar.gz", ".zip")


def is_address(text: str) -> bool:
    """Whether a text is meant to be where a buildpack is, and not the name of a pack."""
    return bool(text.startswith((".", "/")) or _SCHEME.match(text) or _SSH.match(text))


def parse(text: str) -> Buildpack:
    """The buildpack at an address; raises BuildFailed for one that can't work."""
    text = text.strip()
    if not _PRINTABLE.match(text):
        raise _wrong(text, WrongAddress.CHARACTERS)
    if not _SCHEME.match(text) and not _SSH.match(text):
        return _folder(text)
    url, _, ref = text.partition("#")
    parts = _split(text, url)
    if parts.scheme not in ("http", "https", "file"):
        raise _wrong(text, WrongAddress.PROTOCOL)
    if parts.path.endswith(_ARCHIVES):
        raise _wrong(text, WrongAddress.ARCHIVE)
    if ref and (not _REF.match(ref) or ".." in ref):
        raise _wrong(text, WrongAddress.REF)
    if parts.scheme == "file":
        if parts.netloc or not posixpath.normpath(parts.path).startswith("/app/"):
            raise _wrong(text, WrongAddress.FILE)
    elif not parts.hostname or _NOT_A_HOST.match(parts.hostname):
        raise _wrong(text, WrongAddress.HOST)
    return Buildpack(text, url=url, ref=ref)


def _split(text: str, url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise _wrong(text, WrongAddress.HOST) from error
    if parts.username is not None or parts.password is not None:
        if parts.scheme in ("http", "https"):
            raise _wrong(f"{parts.scheme}://{parts.hostname}{parts.path}", WrongAddress.CREDENTIALS)
        raise _wrong(text, WrongAddress.PROTOCOL)
    return parts


def _folder(text: str) -> Buildpack:
    path = posixpath.normpath(text)
    if path == ".." or path.startswith(("../", "/")):
        raise _wrong(text, WrongAddress.OUTSIDE)
    return Buildpack(text, path=path)


def _wrong(text: str, wrong: WrongAddress) -> Exception:
    return failed(BadBuildpackAddress(text, wrong))

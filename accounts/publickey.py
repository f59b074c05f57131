"""Reading an OpenSSH public key line (RFC 4253 §6.6; `man sshd`, AUTHORIZED_KEYS FILE FORMAT), purely."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from core.errors import UserError

SMALLEST_RSA_BITS = 2048
LONGEST_LINE = 16_384
_KINDS = frozenset(
    {
        "ssh-ed25519",
        "ssh-rsa",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
    }
)
_MAKE_ONE = "Make one with: ssh-keygen -t ed25519 and give its .pub file."


@dataclass(frozen=True)
class PublicKey:
    """A key as it stands in a `.pub` file; `fingerprint` as `ssh-keygen -l` shows it."""

    line: str
    comment: str
    fingerprint: str


def parse(text: str) -> PublicKey:
    """The one key in `text`; raises UserError for anything else, never repeating what was given."""
    if "PRIVATE KEY" in text or text.startswith("PuTTY-User-Key-File"):
        raise UserError("That is a private key; it must never leave your computer.", "Give the .pub file beside it.")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if len(lines) != 1 or len(lines[0]) > LONGEST_LINE:
        raise UserError(f"Expected one public key on one line, found {len(lines)} lines.", _MAKE_ONE)
    kind, blob, comment = (*lines[0].split(None, 2), "", "")[:3]
    if kind == "ssh-dss":
        raise UserError("DSA keys are too weak to be accepted.", _MAKE_ONE)
    if kind not in _KINDS:
        raise UserError("That is not an OpenSSH public key, which begins with a word like ssh-ed25519.", _MAKE_ONE)
    raw = _decode(kind, blob)
    digest = base64.b64encode(hashlib.sha256(raw).digest()).decode().rstrip("=")
    return PublicKey(f"{kind} {blob} {comment}".strip(), comment[:200], f"SHA256:{digest}")


def _decode(kind: str, blob: str) -> bytes:
    """The key's bytes, after checking that they are a sound key of that kind."""
    try:
        raw = base64.b64decode(blob, validate=True)
        key = load_ssh_public_key(f"{kind} {blob}".encode())
    except (binascii.Error, ValueError, UnsupportedAlgorithm) as error:
        raise UserError(f"The {kind} key is damaged or cut off.", "Copy the whole line of the .pub file.") from error
    if isinstance(key, RSAPublicKey) and key.key_size < SMALLEST_RSA_BITS:
        message = f"The RSA key has {key.key_size} bits; at least {SMALLEST_RSA_BITS} are needed."
        raise UserError(message, _MAKE_ONE)
    return raw

"""SSH keys; the fingerprints are those that `ssh-keygen -l` shows."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from accounts import Accounts, Identity
from core.errors import NotFound, UserError


def ed25519_line(comment: str = "ada@laptop") -> str:
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    return f"{public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()} {comment}\n"


def rsa_line(bits: int) -> str:
    public = rsa.generate_private_key(65537, bits).public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


@pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
def test_a_key_made_by_ssh_keygen_is_known_by_its_fingerprint(
    accounts: Accounts, ada: Identity, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "a comment", "-f", str(path)], check=True)
    shown = subprocess.run(["ssh-keygen", "-lf", f"{path}.pub"], check=True, capture_output=True, text=True).stdout
    key = accounts.add_key(ada.user_id, Path(f"{path}.pub").read_text())
    assert key.fingerprint == shown.split()[1]
    assert key.comment == "a comment"
    assert accounts.identify_key(key.fingerprint) == ada
    assert accounts.keys(ada.user_id) == [key]


def test_an_unknown_fingerprint_is_nobodys(accounts: Accounts) -> None:
    assert accounts.identify_key("SHA256:AAAA") is None


def test_a_key_without_comment_is_taken(accounts: Accounts, ada: Identity) -> None:
    assert accounts.add_key(ada.user_id, rsa_line(2048)).comment == ""


def test_a_key_stands_for_one_user(accounts: Accounts, ada: Identity, bob: Identity) -> None:
    line = ed25519_line()
    accounts.add_key(ada.user_id, line)
    with pytest.raises(UserError, match="is already in use"):
        accounts.add_key(bob.user_id, line)


def test_the_same_key_with_another_comment_is_the_same_key(accounts: Accounts, ada: Identity) -> None:
    line = ed25519_line()
    accounts.add_key(ada.user_id, line)
    with pytest.raises(UserError, match="is already in use"):
        accounts.add_key(ada.user_id, " ".join(line.split()[:2]) + " other")


def test_a_private_key_is_refused_and_not_repeated(accounts: Accounts, ada: Identity) -> None:
    private = ed25519.Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    with pytest.raises(UserError, match="That is a private key") as refusal:
        accounts.add_key(ada.user_id, private.decode())
    assert private.decode().splitlines()[1] not in str(refusal.value)


def test_a_short_rsa_key_is_refused(accounts: Accounts, ada: Identity) -> None:
    with pytest.raises(UserError, match="has 1024 bits; at least 2048"):
        accounts.add_key(ada.user_id, rsa_line(1024))


def test_a_dsa_key_is_refused(accounts: Accounts, ada: Identity) -> None:
    with pytest.raises(UserError, match="DSA keys are too weak"):
        accounts.add_key(ada.user_id, "ssh-dss AAAAB3NzaC1kc3MAAACBAO a@b")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "found 0 lines"),
        ("hello", "is not an OpenSSH public key"),
        ("ssh-ed25519", "is damaged or cut off"),
        ("ssh-ed25519 AAAA", "is damaged or cut off"),
        ("ssh-ed25519 !!!! c", "is damaged or cut off"),
        ("ssh-ed25519-cert-v01@openssh.com AAAA", "is not an OpenSSH public key"),
        ('command="rm" ssh-ed25519 AAAA', "is not an OpenSSH public key"),
        (ed25519_line() + ed25519_line(), "found 2 lines"),
    ],
)
def test_garbage_is_refused_with_what_was_found(accounts: Accounts, ada: Identity, line: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        accounts.add_key(ada.user_id, line)


def test_a_key_whose_type_and_body_differ_is_refused(accounts: Accounts, ada: Identity) -> None:
    body = ed25519_line().split()[1]
    with pytest.raises(UserError, match="is damaged or cut off"):
        accounts.add_key(ada.user_id, f"ssh-rsa {body}")


@pytest.mark.parametrize("by", ["id", "fingerprint"])
def test_a_key_is_removed_by_id_or_fingerprint(accounts: Accounts, ada: Identity, by: str) -> None:
    key = accounts.add_key(ada.user_id, ed25519_line())
    accounts.remove_key(ada.user_id, getattr(key, by))
    assert accounts.identify_key(key.fingerprint) is None
    with pytest.raises(NotFound):
        accounts.remove_key(ada.user_id, key.id)


def test_nobody_removes_another_users_key(accounts: Accounts, ada: Identity, bob: Identity) -> None:
    key = accounts.add_key(ada.user_id, ed25519_line())
    with pytest.raises(NotFound):
        accounts.remove_key(bob.user_id, key.id)
    assert accounts.identify_key(key.fingerprint) == ada

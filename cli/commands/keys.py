"""SSH keys: who may push over SSH."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path

import click

from cli.client import segment
from cli.commandline import command, json_option
from cli.errors import CliError
from cli.printing import as_json, problem, progress, table
from cli.records import Key, read
from cli.session import Session, pass_session

_USUAL_FILES = ("id_ed25519.pub", "id_ecdsa.pub", "id_rsa.pub")
_PUBLIC_KEY = re.compile(r"^(ssh-[a-z0-9-]+|ecdsa-sha2-[a-z0-9-]+|sk-[a-z0-9@.-]+) [A-Za-z0-9+/]+=*( .*)?$")


@command("keys", examples=["portside keys", "portside keys --json"])
@json_option
@pass_session
def keys(session: Session) -> None:
    """List your SSH keys."""
    found = [read(Key.of, each) for each in session.api().get_list("/account/keys")]
    if session.as_json:
        as_json([asdict(key) for key in found])
    elif found:
        table(("FINGERPRINT", "COMMENT"), [(key.fingerprint, _comment(key)) for key in found])
    else:
        problem("You have no SSH keys here.", "Run `portside keys:add`.")


@command("keys:add", examples=["portside keys:add", "portside keys:add ~/.ssh/work.pub"])
@click.argument("file", required=False, type=click.Path(path_type=Path))
@json_option
@pass_session
def keys_add(session: Session, file: Path | None) -> None:
    """Add an SSH public key; without FILE your usual one (~/.ssh/id_ed25519.pub, id_ecdsa.pub, id_rsa.pub)."""
    path = file.expanduser() if file else _usual_key(Path(session.environ.get("HOME") or Path.home()) / ".ssh")
    public_key = read_public_key(path)
    key = read(Key.of, session.api().post("/account/keys", {"public_key": public_key}))
    if session.as_json:
        as_json(asdict(key))
    progress(f"Added {path}: {key.fingerprint}")


@command("keys:remove", examples=["portside keys:remove me@laptop", "portside keys:remove SHA256:AbC..."])
@click.argument("key", metavar="COMMENT|FINGERPRINT")
@pass_session
def keys_remove(session: Session, key: str) -> None:
    """Remove an SSH key, named by its comment or fingerprint."""
    api = session.api()
    listed = [read(Key.of, each) for each in api.get_list("/account/keys")]
    found = [each for each in listed if key in {each.id, each.fingerprint, _comment(each)}]
    if not found:
        raise CliError(f"You have no key {key}.", "See `portside keys`.")
    if len(found) > 1:
        raise CliError(
            f"{len(found)} of your keys are called {key}.", "Name it by its fingerprint: see `portside keys`."
        )
    api.delete(f"/account/keys/{segment(found[0].id)}")
    progress(f"Removed {found[0].fingerprint}.")


def read_public_key(path: Path) -> str:
    """The one line of an OpenSSH public key file.

    Raises:
        CliError: there is none, or it is something else. A private key is refused, and nothing of it is sent or shown.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        raise CliError(f"{path} can't be read: {error.strerror}.", "Give the path of a .pub file.") from None
    if "PRIVATE KEY" in text:
        raise CliError(f"{path} is a private key. It was not sent.", f"Give the public one: {path}.pub")
    if not _PUBLIC_KEY.match(text) or "\n" in text:
        raise CliError(f"{path} is not an OpenSSH public key.", "Make one with `ssh-keygen -t ed25519`.")
    return text


def _usual_key(folder: Path) -> Path:
    for name in _USUAL_FILES:
        if (folder / name).is_file():
            return folder / name
    raise CliError(f"There is no SSH public key in {folder}.", "Make one with `ssh-keygen -t ed25519`.")


def _comment(key: Key) -> str:
    """The key's comment, which is also the third word of the public key."""
    return key.comment or " ".join(key.public_key.split()[2:])


COMMANDS = (keys, keys_add, keys_remove)

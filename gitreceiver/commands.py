"""What a client asks for: its ref commands read from the wire and judged before any object is. No I/O.

The wire format is git's: https://git-scm.com/docs/pack-protocol, "Reference Update Request".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dulwich.errors import GitProtocolError
from dulwich.objects import valid_hexsha
from dulwich.refs import Ref, check_ref_format

DEPLOY_REFS = ("refs/heads/main", "refs/heads/master")
OWN_REFS = "refs/portside/"
NOTHING = "0" * 40


@dataclass(frozen=True)
class Command:
    """Move `ref` from `old` to `new`; None stands for "there is none"."""

    ref: str
    old: str | None
    new: str | None

    @property
    def deploys(self) -> bool:
        return self.ref in DEPLOY_REFS

    @property
    def short(self) -> str:
        """The name as people say it: `main`, `v1.0`."""
        return self.ref.split("/", 2)[-1] if self.ref.startswith(("refs/heads/", "refs/tags/")) else self.ref

    @property
    def kind(self) -> str:
        return "tag" if self.ref.startswith("refs/tags/") else "branch"


@dataclass(frozen=True)
class Refusal:
    """Why something is not taken: `reason` for git's brackets, `hint` for the lines above them."""

    reason: str
    hint: str = ""


def parse(line: bytes) -> Command:
    """A command from its line `OLD NEW REF`; raises GitProtocolError when it isn't one."""
    parts = line.rstrip(b"\n").split(b" ", 2)
    if len(parts) != 3 or not all(len(sha) == 40 and valid_hexsha(sha) for sha in parts[:2]):
        raise GitProtocolError(f"not a ref update: {line[:200]!r}")
    old, new = (None if (text := sha.decode().lower()) == NOTHING else text for sha in parts[:2])
    return Command(parts[2].decode(errors="surrogateescape"), old, new)


def is_good_name(ref: str) -> bool:
    """Whether git would let a client write `ref`: the rules of `git check-ref-format`, and at least `refs/x/y`."""
    name = ref.encode(errors="surrogateescape")
    return name.startswith(b"refs/") and check_ref_format(Ref(name[len(b"refs/") :]))


def judge(commands: Sequence[Command]) -> dict[str, Refusal]:
    """The refused among `commands`, by ref, as far as it can be told without looking at anything else."""
    times = Counter(command.ref for command in commands)
    deploying = {command.ref for command in commands if command.deploys}
    verdicts = {command.ref: _verdict(command, times, deploying) for command in commands}
    return {ref: refusal for ref, refusal in verdicts.items() if refusal is not None}


def _verdict(command: Command, times: Counter[str], deploying: set[str]) -> Refusal | None:
    if not is_good_name(command.ref):
        return Refusal("not a valid ref name", "See `git check-ref-format --help` for what a name may contain.")
    if command.ref.startswith(OWN_REFS):
        return Refusal("refs/portside/ is Portside's own", "Push branches and tags.")
    if not command.ref.startswith(("refs/heads/", "refs/tags/")):
        return Refusal("only branches and tags are stored", "Push refs/heads/… or refs/tags/….")
    if command.ref.startswith(tuple(f"{ref}/" for ref in DEPLOY_REFS)):
        return Refusal("its name would stand in the way of a deploy branch", "Name it without main/ or master/.")
    if times[command.ref] > 1:
        return Refusal("named twice in one push", f"Push {command.short} once.")
    if len(deploying) > 1 and command.deploys:
        hint = "main and master both deploy. Push one of them: git push portside main"
        return Refusal("main and master in one push", hint)
    if command.deploys and command.new is None:
        hint = f"{command.short} is what the app was deployed from. To remove the app: portside destroy"
        return Refusal("the deploy branch can't be deleted", hint)
    if command.old is None and command.new is None:
        return Refusal("nothing to delete")
    return None

"""A push comes in: from the commands and the pack to stored objects, moved refs and a recorded deploy.

Nothing is said to the client from here, so it is all done before the client can be lost; `receive` tells it then.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dulwich.errors import RefFormatError

from accounts import Identity
from core import timing
from core.edge import contained
from core.errors import UserError
from core.ids import AppId
from gitreceiver.commands import Command, Refusal, judge
from gitreceiver.desk import PushDesk, RefUpdate, Watched
from gitreceiver.disk import REASON, DiskNearlyFull
from gitreceiver.git import Git
from gitreceiver.quarantine import PackIntake, PackRefused, move_in, quarantine, store
from gitreceiver.repositories import Repositories
from gitreceiver.types import RECEIVE


@dataclass(frozen=True)
class Request:
    """What the client sent before its pack. `shallow`: its repository lacks history."""

    commands: tuple[Command, ...]
    options: tuple[str, ...] = ()
    capabilities: frozenset[bytes] = frozenset()
    shallow: bool = False

    @property
    def has_pack(self) -> bool:
        return any(command.new is not None for command in self.commands)


@dataclass(frozen=True)
class Landed:
    """What became of a request: the refused by ref, the stored, and the deploy to follow, if there is one.

    `unpacked` is None, or why the pack was not taken at all.
    """

    refusals: dict[str, Refusal]
    stored: tuple[Command, ...] = ()
    deploying: Command | None = None
    watched: Watched | None = None
    unpacked: str | None = None


class Landing:
    """Takes pushes to one app by one person."""

    def __init__(self, repositories: Repositories, desk: PushDesk, app_id: AppId, identity: Identity) -> None:
        self._repositories = repositories
        self._settings = repositories.settings
        self._desk = desk
        self._app_id = app_id
        self._identity = identity

    def land(self, request: Request, intake: PackIntake | None, tick: Callable[[], None]) -> Landed:
        """Store what may be stored and record the deploy. `intake` brings the pack; None when there is none."""
        refusals = judge(request.commands)
        wanted = [command for command in request.commands if command.ref not in refusals]
        if not wanted:
            return Landed(refusals)
        if intake is None:
            return self._take(request, None, tick, wanted, refusals)
        try:
            claim = self._desk.make_room(self._app_id, builds=any(command.deploys for command in wanted))
        except DiskNearlyFull as error:
            full = Refusal(REASON, str(error))
            return Landed({command.ref: full for command in request.commands})
        landed = Landed(refusals)
        try:
            landed = self._take(request, intake, tick, wanted, refusals)
        finally:
            with contained("settling a claim on the disk"):
                push_id = landed.watched.push_id if landed.watched else None
                self._desk.settle_room(claim, push_id, intake.received_bytes)
        return landed

    def _take(
        self,
        request: Request,
        intake: PackIntake | None,
        tick: Callable[[], None],
        wanted: Sequence[Command],
        refusals: dict[str, Refusal],
    ) -> Landed:
        try:
            with timing.step(RECEIVE), quarantine(self._repositories, self._app_id) as aside:
                git = self._repositories.git(self._app_id, aside)
                if intake is not None:
                    store(git, intake, idle_s=self._settings.idle_s, tick=tick)
                with self._repositories.locked(self._app_id):
                    updates = self._examine(git, wanted, refusals)
                    move_in(aside, self._repositories.path(self._app_id) / "objects")
                    stored = self._move_refs(wanted, refusals)
                    deploying = next((command for command in wanted if command.ref in updates), None)
                    hold = self._hold(deploying)
        except PackRefused as error:
            return self._not_unpacked(request, refusals, error)
        if deploying is None or hold is None:
            return Landed(refusals, stored)
        return self._hand_in(deploying, updates, hold, request.options, Landed(refusals, stored))

    def _examine(self, git: Git, wanted: Sequence[Command], refusals: dict[str, Refusal]) -> dict[str, RefUpdate]:
        """Check the new objects; add to `refusals`; give the updates of deploy branches. Raises PackRefused."""
        new = {command.new for command in wanted if command.new is not None}
        types = git.types(new)
        if new and (new - types.keys() or not git.is_connected(new)):
            raise PackRefused("objects are missing from the push", incomplete=True)
        updates = {}
        for command in wanted:
            if command.new is None:
                continue
            if command.kind == "branch" and types[command.new] != "commit":
                refusals[command.ref] = Refusal("a branch must point at a commit", f"{command.short} does not.")
            elif command.deploys:
                update = self._deploy_update(git, command)
                if update is None:
                    refusals[command.ref] = _moved(command)
                else:
                    updates[command.ref] = update
        return updates

    def _deploy_update(self, git: Git, command: Command) -> RefUpdate | None:
        """None when the branch moved since the client looked, and the new commit does not build on where it is now.

        A client's force is not on the wire: it shows in a commit that does not descend from what the client saw.
        """
        assert command.new is not None
        now = self._repositories.branch(self._app_id, command.ref)
        if now is None or git.is_ancestor(now, command.new):
            return RefUpdate(command.ref, now, command.new, forced=False)
        if now == command.old:
            return RefUpdate(command.ref, now, command.new, forced=True)
        return None

    def _move_refs(self, wanted: Sequence[Command], refusals: dict[str, Refusal]) -> tuple[Command, ...]:
        """Move everything but deploy branches, which move when the deploy has succeeded."""
        moved = []
        for command in wanted:
            if command.deploys or command.ref in refusals:
                continue
            try:
                if self._repositories.replace_ref(self._app_id, command.ref, command.old, command.new):
                    moved.append(command)
                else:
                    refusals[command.ref] = _moved(command)
            except (OSError, RefFormatError):
                hint = f"A name and its own prefix (a and a/b) can't both be a {command.kind}."
                refusals[command.ref] = Refusal("another name is in the way", hint)
        return tuple(moved)

    def _hold(self, deploying: Command | None) -> str | None:
        if deploying is None or deploying.new is None:
            return None
        return self._repositories.hold_arriving(self._app_id, deploying.new)

    def _hand_in(
        self, deploying: Command, updates: dict[str, RefUpdate], hold: str, options: Sequence[str], landed: Landed
    ) -> Landed:
        """Record the deploy. `hold` keeps its commit until the desk does."""
        try:
            watched = self._desk.receive(self._app_id, self._identity, tuple(updates.values()), tuple(options))
        except UserError as error:
            refusal = Refusal(error.message, error.hint)
            return Landed({**landed.refusals, deploying.ref: refusal}, landed.stored)
        finally:
            self._repositories.let_go(self._app_id, hold)
        return Landed(landed.refusals, landed.stored, deploying, watched)

    def _not_unpacked(self, request: Request, refusals: dict[str, Refusal], error: PackRefused) -> Landed:
        why = Refusal(error.reason, error.detail)
        if error.incomplete and request.shallow:
            why = Refusal("a shallow clone lacks the history", "Fetch it, then push again: git fetch --unshallow")
        elif error.too_big:
            most = self._settings.max_pack_mb
            why = Refusal(f"the pack is bigger than {most} MB", "Keep large files out of the repository's history.")
        return Landed({**{command.ref: why for command in request.commands}, **refusals}, unpacked=why.reason)


def _moved(command: Command) -> Refusal:
    return Refusal("fetch first", f"{command.short} has moved since you last fetched: git pull, then push again.")

"""git's receive-pack, spoken with dulwich: what comes in goes to `Landing`, what came of it goes back to the client.

The protocol is https://git-scm.com/docs/pack-protocol; the order of things follows git's builtin/receive-pack.c.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dulwich.errors import GitProtocolError, HangupException
from dulwich.protocol import (
    SIDE_BAND_CHANNEL_DATA,
    ReceivableProtocol,
    capability_agent,
    format_ref_line,
    pkt_seq,
)
from dulwich.server import ReceivePackHandler

from core import clock
from core.edge import unit_of_work
from core.errors import PortsideError
from core.timing import Recorder, recording
from gitreceiver.client import ClientGone, Screen
from gitreceiver.commands import NOTHING, Command, Refusal, parse
from gitreceiver.desk import Outcome, PushDesk, Watched
from gitreceiver.landing import Landed, Landing, Request
from gitreceiver.public import OneRepo, PublicRepo
from gitreceiver.quarantine import PackIntake
from gitreceiver.settings import ReceiverSettings

_MOST_LINES = 10_000  # of commands, options or shallow marks in one request
_DRAIN_S = 30.0


class PushHandler(ReceivePackHandler):
    """One push, from the first byte to the last; with `advertise_refs`, the first half only (smart HTTP)."""

    def __init__(
        self,
        repo: PublicRepo,
        proto: ReceivableProtocol,
        landing: Landing,
        desk: PushDesk,
        settings: ReceiverSettings,
        *,
        gone: Callable[[], bool],
        stateless_rpc: bool,
        advertise_refs: bool = False,
    ) -> None:
        super().__init__(OneRepo(repo), [""], proto, stateless_rpc=stateless_rpc, advertise_refs=advertise_refs)
        self._recv = proto.recv
        self._landing = landing
        self._desk = desk
        self._settings = settings
        self._gone = gone

    def capabilities(self) -> Iterable[bytes]:
        names = (b"report-status", b"delete-refs", b"quiet", b"ofs-delta", b"side-band-64k", b"push-options")
        return [*names, b"object-format=sha1", capability_agent()]

    def handle(self) -> None:
        if self.advertise_refs or not self.stateless_rpc:
            self._advertise()
        if self.advertise_refs:
            return
        request = self._read_request()
        if request is None:
            return
        sideband = b"side-band-64k" in request.capabilities
        screen = Screen(self.proto, sideband=sideband, keepalive_s=self._settings.keepalive_s)
        intake = None
        if request.has_pack:
            limit_bytes = self._settings.max_pack_bytes
            intake = PackIntake(self._recv, limit_bytes, half_duplex=self.stateless_rpc)
        landed = self._land(request, intake, screen)
        if intake is not None:
            intake.make_heard(self._settings.idle_s)
        _show(landed, request, screen)
        self._report(request, landed, self._watch(landed.watched, screen))
        if intake is not None and landed.refusals:
            intake.finished.wait(_DRAIN_S)  # a client that still sends hears us only if we listen

    def _advertise(self) -> None:
        """The refs, as `git receive-pack` does: without HEAD, capabilities on the first line or on a made-up one."""
        refs = sorted((ref, sha) for ref, sha in self.repo.get_refs().items() if ref.startswith(b"refs/"))
        for number, (ref, sha) in enumerate(refs or [(b"capabilities^{}", NOTHING.encode())]):
            line = format_ref_line(ref, sha, list(self.capabilities())) if number == 0 else format_ref_line(ref, sha)
            self.proto.write_pkt_line(line)
        self.proto.write_pkt_line(None)

    def _read_request(self) -> Request | None:
        """The commands and what goes with them; None when the client wants nothing."""
        try:
            lines = self._read_lines()
        except HangupException:
            return None
        shallow = any(line.startswith(b"shallow ") for line in lines)
        updates = [line for line in lines if not line.startswith(b"shallow ")]
        if not updates:
            return None
        first, _, offered = updates[0].partition(b"\0")
        capabilities = frozenset(offered.split())
        self.set_client_capabilities(capabilities)
        commands = tuple(parse(line) for line in [first, *updates[1:]])
        options = self._read_lines() if b"push-options" in capabilities else []
        texts = tuple(option.rstrip(b"\n").decode(errors="replace") for option in options)
        return Request(commands, texts, capabilities, shallow)

    def _read_lines(self) -> list[bytes]:
        lines: list[bytes] = []
        for line in self.proto.read_pkt_seq():
            lines.append(line)
            if len(lines) > _MOST_LINES:
                raise GitProtocolError(f"more than {_MOST_LINES} lines in one request")
        return lines

    def _land(self, request: Request, intake: PackIntake | None, screen: Screen) -> Landed:
        try:
            with unit_of_work("receiving a push"), recording(Recorder(clock.now())):
                return self._landing.land(request, intake, screen.tick)
        except ClientGone:
            raise
        except PortsideError as error:
            why = Refusal(error.message)
            return Landed({command.ref: why for command in request.commands})

    def _watch(self, watched: Watched | None, screen: Screen) -> Outcome:
        """Show the deploy's log until it ends. Losing the client ends only the showing."""
        if watched is None:
            return Outcome(True)
        try:
            with unit_of_work("following a push"):
                for line in self._desk.follow(watched.push_id, self._gone):
                    if line is None:
                        screen.tick()
                    else:
                        screen.line(line)
                outcome = self._desk.outcome(watched.push_id)
        except ClientGone:
            raise
        except PortsideError as error:
            return Outcome(False, error.message)
        if self._gone():
            raise ClientGone
        return outcome

    def _report(self, request: Request, landed: Landed, outcome: Outcome) -> None:
        """The last word, in the form of report-status: how the pack and each ref fared."""
        if b"report-status" not in request.capabilities:
            return
        lines = [f"unpack {landed.unpacked or 'ok'}\n"]
        lines += [_status(command, landed, outcome) for command in request.commands]
        report = pkt_seq(*(line.encode(errors="surrogateescape") for line in lines))
        if b"side-band-64k" in request.capabilities:
            self.proto.write_sideband(SIDE_BAND_CHANNEL_DATA, report)
            self.proto.write_pkt_line(None)
        else:
            self.proto.write(report)


def _status(command: Command, landed: Landed, outcome: Outcome) -> str:
    reason = outcome.reason if command == landed.deploying and not outcome.ok else ""
    if command.ref in landed.refusals:
        reason = landed.refusals[command.ref].reason
    return f"ng {command.ref} {' '.join(reason.split())}\n" if reason else f"ok {command.ref}\n"


def _show(landed: Landed, request: Request, screen: Screen) -> None:
    """A line or a few for everything that needs one."""
    for command in landed.stored:
        done = "deleted" if command.new is None else "stored; only main and master deploy"
        screen.line(f"-----> {command.kind.capitalize()} {command.short} {done}")
    said: set[Refusal] = set()
    for command in request.commands:
        refusal = landed.refusals.get(command.ref)
        if refusal is not None and refusal not in said:
            screen.trouble(f"{command.short}: {refusal.reason}", refusal.hint)
            said.add(refusal)

"""One git service for one client, whatever it came through: who may have it, and the running of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from typing import Protocol

from dulwich.errors import GitProtocolError, HangupException
from dulwich.protocol import ReceivableProtocol
from dulwich.server import PackHandler

from accounts import Accounts, Identity, Permission
from core.edge import unit_of_work
from core.errors import Forbidden, NotFound, PortsideError
from core.ids import AppId
from gitreceiver.client import ClientGone
from gitreceiver.desk import PushDesk
from gitreceiver.landing import Landing
from gitreceiver.public import FetchHandler, OneRepo, PublicRepo
from gitreceiver.receive import PushHandler
from gitreceiver.repositories import Repositories
from gitreceiver.settings import ReceiverSettings

log = logging.getLogger("portside.git")


class Service(StrEnum):
    """What git asks a server for."""

    FETCH = "git-upload-pack"
    PUSH = "git-receive-pack"


class Connection(Protocol):
    """The two directions between a client and us."""

    @property
    def stateless(self) -> bool:
        """Whether it is one request and one answer (HTTP), the refs having been told before."""
        ...

    def recv(self, size: int) -> bytes:
        """At most `size` bytes as soon as there are some; empty at the end. Raises ClientGone."""
        ...

    def write(self, data: bytes) -> None:
        """Send all of it; raises ClientGone."""
        ...

    def gone(self) -> bool:
        """Whether the client is known to have left."""
        ...


@dataclass(frozen=True)
class GitParts:
    """What serving git takes. `resolve_app` gives the id of an app by its name."""

    accounts: Accounts
    resolve_app: Callable[[str], AppId | None]
    repositories: Repositories
    desk: PushDesk
    settings: ReceiverSettings

    def admit(self, identity: Identity, name: str, service: Service) -> AppId:
        """The app to serve; NotFound when there is none that `identity` may see, Forbidden when it may only see it."""
        app_id = self.resolve_app(name)
        if app_id is None or not self._may(identity, app_id, Permission.VIEW):
            raise NotFound(f"There is no app {name} that {identity.email} may see.", "To list yours: portside apps")
        if service is Service.PUSH and not self._may(identity, app_id, Permission.DEPLOY):
            raise Forbidden(f"{identity.email} may see {name} but not deploy it.", "Ask its owner for access.")
        return app_id

    def _may(self, identity: Identity, app_id: AppId, permission: Permission) -> bool:
        try:
            self.accounts.require(identity, app_id, permission)
        except Forbidden:
            return False
        return True

    def advertise(self, identity: Identity, app_id: AppId, service: Service) -> bytes:
        """The refs and capabilities, as smart HTTP gives them in answer to `info/refs`."""
        answer = _Answer()
        with closing(self._open(app_id)) as repo:
            proto = Wire(answer)
            proto.write_pkt_line(f"# service={service}\n".encode())
            proto.write_pkt_line(None)
            self._handler(repo, proto, answer, identity, app_id, service, advertise=True).handle()
        return answer.body.getvalue()

    def serve(self, identity: Identity, app_id: AppId, service: Service, connection: Connection) -> bool:
        """Run the service to its end; gives whether it went through. Trouble is told to the client and logged."""
        proto = Wire(connection)
        try:
            with unit_of_work(f"{service} of app {app_id}"), closing(self._open(app_id)) as repo:
                try:
                    self._handler(repo, proto, connection, identity, app_id, service).handle()
                except HangupException as error:
                    raise ClientGone from error
                except GitProtocolError as error:
                    raise ProtocolBroken(f"git protocol error: {error}") from error
            return True
        except ClientGone:
            log.info("%s of app %s: the client left", service, app_id)
        except PortsideError as error:
            with suppress(ClientGone):
                proto.write_pkt_line(f"ERR {error.message}\n".encode())
        return False

    def _open(self, app_id: AppId) -> PublicRepo:
        self.repositories.create(app_id)
        return PublicRepo(self.repositories.path(app_id))

    def _handler(
        self,
        repo: PublicRepo,
        proto: Wire,
        connection: Connection,
        identity: Identity,
        app_id: AppId,
        service: Service,
        *,
        advertise: bool = False,
    ) -> PackHandler:
        stateless = connection.stateless
        if service is Service.FETCH:
            return FetchHandler(OneRepo(repo), [""], proto, stateless_rpc=stateless, advertise_refs=advertise)
        landing = Landing(self.repositories, self.desk, app_id, identity)
        return PushHandler(
            repo,
            proto,
            landing,
            self.desk,
            self.settings,
            gone=connection.gone,
            stateless_rpc=stateless,
            advertise_refs=advertise,
        )


class ProtocolBroken(PortsideError):
    """The client did not speak git's protocol."""


class Wire(ReceivableProtocol):
    """git's packets over a connection. Unlike dulwich's own, it takes an empty packet (`0004`) for what it is."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection.recv, _counted(connection.write))

    def read(self, size: int) -> bytes:
        return super().read(size) if size > 0 else b""


class _Answer:
    """A connection to nobody, for what is only written."""

    stateless = True

    def __init__(self) -> None:
        self.body = BytesIO()

    def recv(self, size: int) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        self.body.write(data)

    def gone(self) -> bool:
        return False


def _counted(write: Callable[[bytes], None]) -> Callable[[bytes], int]:
    def count(data: bytes) -> int:
        write(data)
        return len(data)

    return count

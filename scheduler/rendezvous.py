"""Where the clients of attached runs connect: TLS, as Heroku's rendezvous.

The client sends `TICKET` (Heroku's), or `TICKET?framed` (ours), and gets `rendezvous` in a record of its own; then the
bytes of the run go both ways, in the form of `wire`. One asyncio loop holds all connections; each run has three threads
for what blocks: the container's output, its input, and records.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

from core.edge import contained
from core.errors import PortsideError
from scheduler.attached import Attending
from scheduler.run_records import name_of
from scheduler.runtime import Attachment
from scheduler.tables import RunRow
from scheduler.wire import ERRORS, Codec, Framed, Input, Malformed, Plain, Resize, Signal

log = logging.getLogger("portside.gateway")

_T = TypeVar("_T")
_TICKET_S = 10.0
_LONGEST_TICKET = 1024
_READ_BYTES = 64 * 1024
_LINGER_S = 0.5  # Heroku's client dies of its own late 0x04 if the connection is closed sooner
_BEATS = 3
_SEND_LOOK_S = 1.0
_GONE = "Its client went away."
_GREETING = b"rendezvous\r\n"


class Rendezvous:
    """The server. `serving` listens for as long as its block runs."""

    def __init__(self, attending: Attending, tls: ssl.SSLContext) -> None:
        self._attending = attending
        self._tls = tls

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[int]:
        """Listen; gives the port."""
        settings = self._attending.runs.settings
        host, port = settings.run_host, settings.run_port
        listening = asyncio.start_server(self._serve, host, port, ssl=self._tls, ssl_handshake_timeout=_TICKET_S)
        server = await listening
        log.info("attached runs on port %d", port)
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contained("an attached run"), suppress(OSError, asyncio.TimeoutError):
            _keep_alive(writer)
            async with asyncio.timeout(_TICKET_S):
                first = await reader.read(_LONGEST_TICKET)
            ticket, _, form = first.decode("ascii", "replace").strip().partition("?")
            row = await asyncio.to_thread(self._attending.admit, ticket)
            if row is not None:
                codec: Codec = Framed() if form == "framed" else Plain(bool(row.columns))
                await _Conversation(self._attending, row, codec, reader, writer).hold()
        writer.close()


@dataclass
class _Conversation:
    """One client and one run."""

    attending: Attending
    row: RunRow
    codec: Codec
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    gone: threading.Event = field(default_factory=threading.Event)
    last_byte_at: float = 0.0

    def __post_init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._pool = ThreadPoolExecutor(3, thread_name_prefix=name_of(self.row))

    async def hold(self) -> None:
        """From the greeting to the end of the run or of the connection."""
        self.last_byte_at = began_at = self._loop.time()
        attachment: Attachment | None = None
        beats = asyncio.create_task(self._beat())
        try:
            await self._send(_GREETING)
            try:
                attachment = await self._in_thread(lambda: self.attending.begin(self.row))
            except PortsideError as error:
                await self._tell(error.message)
                await self._send(self.codec.ended(1))
                return
            await self._carry(attachment)
            await asyncio.sleep(began_at + _LINGER_S - self._loop.time() if isinstance(self.codec, Plain) else 0)
        finally:
            beats.cancel()
            self.gone.set()
            if attachment is not None:
                attachment.close()
            self._pool.shutdown(wait=False)

    async def _carry(self, attachment: Attachment) -> None:
        work = asyncio.create_task(self._to_its_end(attachment))
        client = asyncio.create_task(self._from_client(attachment))
        try:
            await asyncio.wait({work, client}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await asyncio.to_thread(self.attending.abandon, self.row, _GONE)
            else:
                work.result()
        finally:
            for task in (work, client):
                task.cancel()
            await asyncio.gather(work, client, return_exceptions=True)

    async def _to_its_end(self, attachment: Attachment) -> None:
        await self._in_thread(lambda: self._copy_output(attachment))
        done = await self._in_thread(lambda: self.attending.finish(self.row, attachment.container_id, self.gone))
        exit_code, reason = done
        if reason:
            await self._tell(reason)
        await self._send(self.codec.ended(exit_code))

    def _copy_output(self, attachment: Attachment) -> None:
        """In a thread: each piece waits until the one before is sent."""
        while (piece := attachment.read()) is not None and not self.gone.is_set():
            sending = asyncio.run_coroutine_threadsafe(self._send(self.codec.output(*piece)), self._loop)
            with suppress(OSError):
                self._await(sending)

    def _await(self, sending: Future[None]) -> None:
        """In a thread: unlike the loop, it must not wait for what never comes once the loop ends."""
        while not self.gone.is_set():
            with suppress(TimeoutError):
                sending.result(_SEND_LOOK_S)
                return

    async def _from_client(self, attachment: Attachment) -> None:
        """Until the client goes away."""
        with suppress(OSError, Malformed):
            while data := await self.reader.read(_READ_BYTES):
                self.last_byte_at = self._loop.time()
                for event in self.codec.events(data):
                    match event:
                        case Input(b""):
                            await self._in_thread(attachment.end_input)
                        case Input(piece):
                            await self._in_thread(lambda piece=piece: attachment.write(piece))  # type: ignore[misc]
                        case Resize(size):
                            await asyncio.to_thread(self.attending.resize, attachment.container_id, size)
                        case Signal(name):
                            await asyncio.to_thread(self.attending.signal, attachment.container_id, name)

    async def _beat(self) -> None:
        settings = self.attending.runs.settings
        while True:
            await asyncio.sleep(settings.run_seen_s / _BEATS)
            with contained("the sign of life of a run"):
                await asyncio.to_thread(self.attending.beat, self.row)
            if self.row.columns and self._loop.time() - self.last_byte_at > settings.run_idle_s:
                reason = f"Nothing was typed or shown for {settings.run_idle_s:.0f} s."
                await asyncio.to_thread(self.attending.abandon, self.row, reason)

    async def _tell(self, text: str) -> None:
        await self._send(self.codec.output(ERRORS, f"\r\n !     {text}\r\n".encode()))

    async def _send(self, data: bytes) -> None:
        self.last_byte_at = self._loop.time()
        if data:
            self.writer.write(data)
            await self.writer.drain()

    async def _in_thread(self, work: Callable[[], _T]) -> _T:
        return await self._loop.run_in_executor(self._pool, work)


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """A client whose machine vanished is noticed within two minutes."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 5)):
        if hasattr(socket, name):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

"""HTTP as bytes: a client that sends what it is given, and an app that keeps what it was sent."""

from __future__ import annotations

import socket
import socketserver
import threading
from contextlib import suppress
from dataclasses import dataclass

from router import Backend

PATIENCE_S = 20.0


@dataclass(frozen=True)
class Seen:
    """A request as an app that is strict about lengths reads it."""

    line: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name]


class RecordingApp(socketserver.ThreadingTCPServer):
    """Answers 200 with its name to each request on a connection, and keeps each."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), _Reader)
        self.name = name
        self.seen: list[Seen] = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def backend(self) -> Backend:
        return Backend(self.name, "127.0.0.1", int(self.server_address[1]))

    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a connection that the router cut

    def stop(self) -> None:
        self.shutdown()
        self.server_close()


class _Reader(socketserver.StreamRequestHandler):
    server: RecordingApp

    def handle(self) -> None:
        while (request := self._request()) is not None:
            self.server.seen.append(request)
            body = self.server.name.encode()
            self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    def _request(self) -> Seen | None:
        line = self.rfile.readline()
        if not line:
            return None
        headers = []
        while (field := self.rfile.readline()) not in (b"\r\n", b""):
            name, _, value = field.decode("latin-1").partition(":")
            headers.append((name, value.strip()))
        found = Seen(line.decode("latin-1").strip(), tuple(headers), b"")
        return Seen(found.line, found.headers, self._body(found))

    def _body(self, head: Seen) -> bytes:
        """Both lengths at once are not to come through, so it takes either."""
        if not head.all("transfer-encoding"):
            return self.rfile.read(int((head.all("content-length") or ["0"])[0]))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline() not in (b"\r\n", b""):
            pass  # a trailer
        return body


def exchange(port: int, data: bytes) -> bytes:
    """Send the bytes; what comes back until the other side closes."""
    answer = b""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as connection,
        suppress(ConnectionResetError, BrokenPipeError),
    ):
        connection.sendall(data)
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


def statuses(answer: bytes) -> list[int]:
    """The status of each response in a row of responses that all say their length."""
    found = []
    while answer:
        head, _, rest = answer.partition(b"\r\n\r\n")
        found.append(int(head.split(b" ", 2)[1]))
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        answer = rest[int(lengths[0].split(b":")[1]) if lengths else len(rest) :]
    return found

"""One command to a socket of HAProxy's runtime API, and its answer: HAProxy answers and closes."""

from __future__ import annotations

import socket

from core.errors import Unavailable


class RouterDown(Unavailable):
    """The router is not running."""


class CutOff(Unavailable):
    """The router closed the connection before it had answered, as a master does that starts anew."""


def ask(path: str, command: str, timeout_s: float) -> str:
    """Send one command (with its payload, if it has one) to the socket at `path`, and give the answer.

    Raises RouterDown when nothing listens there, CutOff when who listened went away, Unavailable when no answer comes
    within `timeout_s`.
    """
    chunks: list[bytes] = []
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_s)
            connection.connect(path)
            connection.sendall(command.encode("ascii") + b"\n")
            connection.shutdown(socket.SHUT_WR)  # else the master waits for more commands
            while chunk := connection.recv(65536):
                chunks.append(chunk)
    except (ConnectionRefusedError, FileNotFoundError) as error:
        raise RouterDown("The router is not running.", "Start it: portside-server up") from error
    except (ConnectionResetError, BrokenPipeError) as error:
        raise CutOff(f"The router ended the connection: {error}.", "See `portside-server status`.") from error
    except OSError as error:
        raise Unavailable(f"The router does not answer: {error}.", "See `portside-server status`.") from error
    return b"".join(chunks).decode(errors="replace").strip()

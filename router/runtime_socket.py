"""Commands to a socket of HAProxy's runtime API, and their answers: HAProxy answers and closes."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence

from core.errors import Unavailable

_LINE_BYTES = 8000  # HAProxy takes commands of one line as long as they fit in half a buffer of 16 KB
_BETWEEN = "\n\n"  # an empty line ends each answer ("Unix Socket commands" of its management guide)


class RouterDown(Unavailable):
    """The router is not running."""


class CutOff(Unavailable):
    """The router closed the connection before it had answered, as a master does that starts anew."""


class Refused(Unavailable):
    """The router answers, and would not do what it was told."""


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


def ask_all(path: str, questions: Sequence[str], timeout_s: float) -> list[str]:
    """The answers to questions without payload, one by one as `ask` gives them, over as few connections as may be.

    Raises as `ask`; Unavailable also when it is not clear which answer is whose.
    """
    answers: list[str] = []
    for line in _lines(questions):
        text = ask(path, ";".join(line), timeout_s)
        found = text.split(_BETWEEN) if len(line) > 1 else [text]
        if len(found) != len(line):
            raise Unavailable("The router's answers are not clear.", "See the router's log.")
        answers += found
    return answers


def _lines(questions: Sequence[str]) -> Iterator[list[str]]:
    """The questions, in order, as many together as one line takes."""
    line: list[str] = []
    for question in questions:
        if line and sum(map(len, line)) + len(line) + len(question) > _LINE_BYTES:
            yield line
            line = []
        line.append(question)
    if line:
        yield line

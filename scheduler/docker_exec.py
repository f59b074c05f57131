"""A command inside a running container of the Docker engine, with a time limit that the engine does not have."""

from __future__ import annotations

import time
from typing import Any

from docker.errors import APIError

from scheduler import shell
from scheduler.docker_attachment import DockerAttachment
from scheduler.runtime import Executed

_CAN_NOT, _UNKNOWN = 126, 127
_STDOUT = 1
_LOOK_AGAIN_S = 0.01
_MOST_OUTPUT_BYTES = 64 * 1024


def execute(api: Any, container_id: str, argv: list[str], timeout_s: float) -> Executed:
    """See `Runtime.execute`. `api` is the SDK's low-level client, whose errors pass but for those told there."""
    end = time.monotonic() + timeout_s
    try:
        exec_id = api.exec_create(container_id, argv)["Id"]
        answer = api.exec_start(exec_id, socket=True)
    except APIError as error:
        if error.status_code in (404, 409):  # gone, ended or frozen
            return Executed(_CAN_NOT, str(error.explanation))
        if error.status_code in (400, 500) and "exec" in str(error.explanation):  # no shell in the image
            return Executed(_UNKNOWN, str(error.explanation))
        raise
    pieces = _output_until(end, container_id, answer)
    code = _exit_code(api, exec_id, end)
    group, output = _parted(pieces)
    if code is None and group.isdigit():
        api.exec_start(api.exec_create(container_id, shell.to_kill(group))["Id"])
    return Executed(code, output)


def _output_until(end: float, container_id: str, answer: Any) -> list[tuple[int, bytes]]:
    """What it writes, to its end or until the time is up, each piece with its stream; the connection is closed then."""
    connection = getattr(answer, "_sock", answer)
    attachment, kept_bytes = DockerAttachment(container_id, connection, answer, terminal=False), 0
    pieces: list[tuple[int, bytes]] = []
    try:
        while (left_s := end - time.monotonic()) > 0:
            connection.settimeout(left_s)
            piece = attachment.read()
            if piece is None:
                break
            if kept_bytes < _MOST_OUTPUT_BYTES:
                pieces.append(piece)
                kept_bytes += len(piece[1])
    finally:
        attachment.close()
    return pieces


def _parted(pieces: list[tuple[int, bytes]]) -> tuple[str, str]:
    """The process group, which its shell wrote first, and the rest. Of two streams either may come first."""
    first = next((number for number, (stream, _) in enumerate(pieces) if stream == _STDOUT), None)
    output = [data for _, data in pieces]
    group = b""
    if first is not None and output[first].partition(b"\n")[0].isdigit():
        group, _, output[first] = output[first].partition(b"\n")
    return group.decode(), b"".join(output).decode(errors="replace")


def _exit_code(api: Any, exec_id: str, end: float) -> int | None:
    """The engine knows it a moment after the output has ended."""
    while (found := api.exec_inspect(exec_id))["Running"] or found["ExitCode"] is None:
        if time.monotonic() >= end:
            return None
        time.sleep(_LOOK_AGAIN_S)
    return int(found["ExitCode"])

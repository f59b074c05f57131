"""Watch a release or a build until it is final, whatever the connection does meanwhile.

The server keeps the whole output and gives it from the start each time, so after a cut we ask again and leave out what
was shown already. What decides is the record's status, never the end of the stream.
"""

from __future__ import annotations

import time
from codecs import getincrementaldecoder

from cli.client import Api, Json
from cli.errors import ApiError, Unreachable
from cli.printing import problem, stream_piece

_POLL_S = 0.25
_PATIENCE_S = 60.0


def follow(api: Api, path: str, record: Json, *, to_stdout: bool = False) -> Json:
    """Print the output of the record at `path` until its status is final; give the final record.

    Raises:
        ApiError: the record is gone. Unreachable: no answer for a minute.
    """
    output = _Output(api, to_stdout)
    out_of_reach_since: float | None = None
    while True:
        was_final = is_final(record)
        try:
            is_whole = output.show(record.get("output_stream_url"))
            record = record if was_final else api.get(path)
            if was_final or (is_whole and is_final(record)):
                output.end()
                return record
            out_of_reach_since = None
        except Unreachable:
            now = time.monotonic()
            if out_of_reach_since is None:
                out_of_reach_since = now
                problem("The connection was cut. What was begun goes on; trying to reach the server again…")
            if now - out_of_reach_since > _PATIENCE_S:
                raise
        if out_of_reach_since is not None or not is_final(record):
            time.sleep(_POLL_S)


def is_final(record: Json) -> bool:
    """Whether a release or build has ended, well or badly."""
    return record.get("status") != "pending"


class _Output:
    """What of a record's output has been shown."""

    def __init__(self, api: Api, to_stdout: bool) -> None:
        self._api = api
        self._to_stdout = to_stdout
        self._shown = 0
        self._last = "\n"

    def show(self, url: str | None) -> bool:
        """Print what is new at `url`, for as long as the server keeps it open; give whether there was a stream."""
        if not url:
            return False
        seen = 0
        decoder = getincrementaldecoder("utf-8")("replace")
        try:
            with self._api.stream(url) as response:
                for chunk in response.iter_bytes():
                    piece = decoder.decode(chunk)
                    self._print(piece[max(self._shown - seen, 0) :])
                    seen += len(piece)
                    self._shown = max(self._shown, seen)
        except ApiError as error:
            if error.status != 404:  # 404: nothing is written yet (Heroku's convention)
                raise
            return False
        return True

    def end(self) -> None:
        """Leave the terminal at the start of a line."""
        if self._last != "\n":
            self._print("\n")

    def _print(self, text: str) -> None:
        if text:
            stream_piece(text, to_stdout=self._to_stdout)
            self._last = text[-1]

"""An upload by the Docker Engine, asked for over its API: starting the `docker` command for it takes longer than most.

https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImagePush
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import quote

from docker import APIClient
from docker.auth import encode_header, get_config_header, resolve_repository_name
from docker.errors import DockerException
from docker.types import CancellableStream
from requests import RequestException, Response

from core.errors import DeadlineExceeded

ASK_EVERY_S = 0.05


def push(api: APIClient, name: str, deadline_s: float, stopped: Callable[[], BaseException | None]) -> str:
    """Upload the engine's image `name` (`host/repository:tag`); gives "", or why the upload failed.

    Raises what `stopped` gives (asked every 50 ms) or DeadlineExceeded; either ends the upload. Raises DockerException
    or RequestException when the engine does not answer as it should.
    """
    upload = _Upload(_begun(api, name, deadline_s))
    upload.start()
    end = time.monotonic() + deadline_s
    try:
        reason = stopped()
        while reason is None and not upload.done.wait(ASK_EVERY_S):
            reason = stopped()
            if time.monotonic() > end:
                raise DeadlineExceeded(f"it took longer than {deadline_s:.0f} s")
        if reason is not None:
            raise reason
    finally:
        upload.end()
    return upload.problem


def _begun(api: APIClient, name: str, timeout_s: float) -> Response:
    """The engine's answer, which lasts as long as the upload. It wants the header for a login even with none."""
    repository, _, tag = name.rpartition(":")
    login = get_config_header(api, resolve_repository_name(repository)[0]) or encode_header({})
    answer: Response = api.post(
        f"{api.base_url}/v{api.api_version}/images/{quote(repository, safe='/:')}/push",
        params={"tag": tag},
        headers={"X-Registry-Auth": login.decode() if isinstance(login, bytes) else login},
        stream=True,
        timeout=timeout_s,
    )
    return answer


class _Upload(threading.Thread):
    """Reads how the upload goes: a line of JSON for each step, with `error` in it when it has failed."""

    def __init__(self, answer: Response) -> None:
        super().__init__(name="upload", daemon=True)
        self._answer = answer
        self.problem = ""
        self.done = threading.Event()

    def run(self) -> None:
        try:
            if not self._answer.ok:
                self.problem = str(self._answer.json().get("message") or self._answer.status_code)
                return
            for line in self._answer.iter_lines():
                self.problem = self.problem or str(json.loads(line).get("error", "")) if line else self.problem
        except (RequestException, DockerException, OSError, ValueError, AttributeError) as error:
            self.problem = self.problem or f"the engine broke off ({type(error).__name__})"
        finally:
            self.done.set()

    def end(self) -> None:
        """Hang up, upon which the engine stops; no harm after the end."""
        if not self.done.is_set():
            with suppress(OSError, DockerException):
                CancellableStream(iter(()), self._answer).close()
        self.join(timeout=5)
        self._answer.close()

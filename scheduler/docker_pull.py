"""A download by the Docker Engine, asked for over its API; docker-py's own way waits for ever when a registry hangs.

https://docs.docker.com/reference/api/engine/version/v1.41/#tag/Image/operation/ImageCreate
"""

from __future__ import annotations

import json
from typing import Any

from docker.auth import get_config_header, resolve_repository_name
from docker.utils import parse_repository_tag
from requests.exceptions import ConnectionError as Broken
from requests.exceptions import ReadTimeout

SILENCE_S = 60.0


def pull(api: Any, ref: str, silence_s: float = SILENCE_S) -> str:
    """Have the engine fetch the image `ref` (`host/repository@digest`); gives "", or why it could not.

    Given up once nothing was heard of it for `silence_s`; the engine tells of every piece that comes.
    """
    repository, tag = parse_repository_tag(ref)
    login = get_config_header(api, resolve_repository_name(repository)[0])
    try:
        answer = api.post(
            f"{api.base_url}/v{api.api_version}/images/create",
            params={"fromImage": repository, "tag": tag or "latest"},
            headers={"X-Registry-Auth": login} if login else {},
            stream=True,
            timeout=silence_s,
        )
        with answer:
            if not answer.ok:
                return str(answer.json().get("message") or answer.status_code)
            lines = [json.loads(line) for line in answer.iter_lines() if line]
    except (ReadTimeout, Broken) as error:
        if isinstance(error, ReadTimeout) or "timed out" in str(error):
            return f"nothing was heard of it for {silence_s:.0f} s"
        raise
    return next((str(line["error"]) for line in lines if "error" in line), "")

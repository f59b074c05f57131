"""What the engine tells of a container, as a `Container`."""

from __future__ import annotations

import re
from typing import Any

from core.ids import AppId
from scheduler.docker_streams import LABEL
from scheduler.runtime import Container

_EXIT_CODE = re.compile(r"^Exited \((\d+)\)")


def inspected(found: dict[str, Any], network: str) -> Container:
    """From GET /containers/ID/json."""
    state, labels = found["State"], found["Config"]["Labels"]
    ended = state["Status"] in ("exited", "dead")
    return Container(
        id=found["Id"],
        instance_id=labels[f"{LABEL}.instance"],
        app_id=AppId(labels[f"{LABEL}.app"]),
        version=int(labels[f"{LABEL}.version"]),
        process=labels[f"{LABEL}.process"],
        state=state["Status"],
        address=_address(found, network),
        exit_code=state["ExitCode"] if ended else None,
        out_of_memory=bool(state["OOMKilled"]),
    )


def listed(found: dict[str, Any], network: str) -> Container:
    """From an entry of GET /containers/json."""
    labels = found["Labels"]
    exited = _EXIT_CODE.match(found["Status"])
    return Container(
        id=found["Id"],
        instance_id=labels.get(f"{LABEL}.instance", ""),
        app_id=AppId(labels.get(f"{LABEL}.app", "")),
        version=int(labels.get(f"{LABEL}.version", 0)),
        process=labels.get(f"{LABEL}.process", ""),
        state=found["State"],
        address=_address(found, network),
        exit_code=int(exited[1]) if exited else None,
    )


def _address(found: dict[str, Any], network: str) -> str:
    attached = found["NetworkSettings"]["Networks"].get(network) or {}
    return str(attached.get("IPAddress") or "")

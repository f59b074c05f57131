"""What makes two builds the same build."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from core.ids import AppId


def build_key(app_id: AppId, tree_id: str, template: str, base_id: str, config: Mapping[str, str]) -> str:
    """SHA-256 (64 hex digits) over all that decides what a build gives.

    `template` is the text of the pack's Dockerfile template, `base_id` the image it starts from, `config` the
    build-time config. Equal keys: the same image would come out.
    """
    return _digest([app_id, tree_id, template, base_id, config_key(app_id, config)])


def config_key(app_id: AppId, config: Mapping[str, str]) -> str:
    """SHA-256 of an app's build-time config, in any order; "" when there is none."""
    return _digest([app_id, sorted(config.items())]) if config else ""


def build_time(config: Mapping[str, str], prefixes: tuple[str, ...]) -> dict[str, str]:
    """The part of an app's config whose names start with one of a pack's prefixes."""
    return {name: value for name, value in sorted(config.items()) if prefixes and name.startswith(prefixes)}


def _digest(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

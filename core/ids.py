"""The identities that cross package boundaries.

An app is known everywhere by its immutable id; its name is resolved once, at the edge, so that a rename or a reused
name inherits nothing.
"""

from __future__ import annotations

import re
import uuid
from typing import NewType

AppId = NewType("AppId", str)
UserId = NewType("UserId", str)

_UUID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


def new_id() -> str:
    """A fresh random UUID (version 4) in its usual 36-character form."""
    return str(uuid.uuid4())


def is_id(text: str) -> bool:
    """Whether `text` has the form of an id rather than of a name."""
    return bool(_UUID.match(text))

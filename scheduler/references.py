"""Where the image of what an app runs is pulled from."""

from __future__ import annotations

import json

from sqlalchemy.orm import Session

from core.ids import AppId
from scheduler.records import locked_run


def move(session: Session, app_id: AppId, release_id: str, image_ref: str) -> None:
    """From `image_ref` now, if it is that release that the app runs."""
    row = locked_run(session, app_id)
    if row is not None and row.release_id == release_id:
        row.spec = json.dumps({**json.loads(row.spec), "image_ref": image_ref})

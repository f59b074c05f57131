"""What is left of an app's requests when the app is no more."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from core.ids import AppId, new_id
from router import RequestLine, Router, Tally

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def heard(router: Router, app_id: AppId) -> None:
    """As the listener does of a request, and others of what else an app is told."""
    router.requests.append(app_id, [RequestLine(NOW, "method=GET")])
    router.metrics.add(app_id, Tally(1), NOW.timestamp())
    router.notices.note(app_id, "a new certificate")


def files(home: Path) -> list[str]:
    return sorted(path.name for folder in ("requests", "notices") for path in (home / folder).iterdir())


def test_a_late_line_of_a_forgotten_app_is_removed_and_no_other(memory_router: Router, tmp_path: Path) -> None:
    gone, here = AppId(new_id()), AppId(new_id())
    for app_id, name in ((gone, "old"), (here, "shop")):
        memory_router.name_app(app_id, name)
        heard(memory_router, app_id)
    kept = sorted([f"{here}.log", f"{here}.metrics", f"{here}.log"])
    memory_router.forget_app(gone)
    assert files(tmp_path) == kept
    heard(memory_router, gone)
    assert len(files(tmp_path)) == 6
    memory_router.leftovers.drop()
    memory_router.leftovers.drop()
    assert files(tmp_path) == kept


def test_what_is_no_file_of_an_app_stays(memory_router: Router, tmp_path: Path) -> None:
    memory_router.leftovers.drop()
    (tmp_path / "requests").mkdir()
    (tmp_path / "requests" / "README").touch()
    memory_router.leftovers.drop()
    assert (tmp_path / "requests" / "README").exists()

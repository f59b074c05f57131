"""The logs of an app, on an engine in memory."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path

from core.ids import AppId
from core.queue import Queue
from router import RequestLog
from scheduler import LogLine, ProcessType, doors
from scheduler.logs import AppLogs
from scheduler.tasks import RECONCILE_APP
from tests.scheduler.conftest import Platform
from tests.scheduler.fakes import IDLE, SERVE


def test_a_line_looks_like_herokus() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert str(LogLine(at, "app", "web.1", "hello")) == "2026-01-02T03:04:05.000000+00:00 app[web.1]: hello"


def test_lines_of_all_instances_are_merged_by_time_and_limited(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id, processes=(ProcessType("web", f"echo up; {SERVE}"),)))
    lines = [line for line in platform.scheduler.logs(app_id) if line]
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    assert {f"{line.source}: {line.text}" for line in lines} == {
        "portside: Starting process of v1",
        "portside: State changed from starting to up",
        "app: up",
    }
    assert len(list(platform.scheduler.logs(app_id, lines=1))) == 1


def test_only_the_process_asked_for_is_shown(platform: Platform, app_id: AppId) -> None:
    types = (ProcessType("web", SERVE), ProcessType("worker", IDLE))
    platform.deploy(platform.spec(app_id, processes=types))
    platform.scheduler.scale(app_id, {"worker": 1})
    platform.deploy(platform.spec(app_id, version=2, processes=types))
    for process in ("worker", "worker.1"):
        shown = {line.process for line in platform.scheduler.logs(app_id, process=process) if line}
        assert shown == {"worker.1"}


def test_what_became_of_certificates_is_shown_among_them(platform: Platform, app_id: AppId, tmp_path: Path) -> None:
    platform.deploy(platform.spec(app_id))
    notices = RequestLog(tmp_path, 16_000)
    logs = AppLogs(platform.database, platform.runtime, RequestLog(tmp_path / "requests", 0), notices)

    def shown(process: str | None) -> list[str]:
        return [
            f"{line.source}[{line.process}]" for line in logs.read(app_id, 99, False, process, lambda: True) if line
        ]

    notices.note(app_id, "www.example.com: certificate issued")
    assert shown("certs") == ["portside[certs]"]
    assert shown(None)[-1] == "portside[certs]"
    assert {*shown("web"), *shown("router")} == {"portside[web.1]"}
    stream = logs.read(app_id, 0, True, "certs", lambda: False)
    assert next(stream) is None
    notices.note(app_id, "www.example.com: certificate renewed")
    assert [line.text for line in itertools.islice(filter(None, stream), 1)] == ["www.example.com: certificate renewed"]
    stream.close()  # type: ignore[attr-defined]


def test_following_ticks_while_nothing_comes(platform: Platform, app_id: AppId) -> None:
    platform.deploy(platform.spec(app_id))
    stream = platform.scheduler.logs(app_id, follow=True)
    assert [next(stream), next(stream)] != [None, None]
    assert next(stream) is None
    stream.close()  # type: ignore[attr-defined]


def test_the_queue_has_a_door_for_one_app(platform: Platform, app_id: AppId) -> None:
    queue = Queue("memory://")
    doors(queue, platform.scheduler, platform.storage, platform.resizing, 60.0)
    platform.deploy(platform.spec(app_id))
    platform.scheduler.scale(app_id, {"web": 2})
    queue.celery.tasks[RECONCILE_APP](app_id)
    assert len(platform.scheduler.instances(app_id)) == 2

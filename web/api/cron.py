"""Cron entries of the live release: listed, run now, suspended and resumed. Portside's own endpoints."""

from __future__ import annotations

from accounts import Permission
from core import clock
from scheduler import Cron, CronRun
from web.api import runs, shapes
from web.api.routing import Answer, AppCall, Routes

routes = Routes()


@routes("GET", "/apps/<app>/cron", Permission.VIEW)
def list_entries(call: AppCall) -> Answer:
    """In app.json's order."""
    return Answer([_entry(one) for one in call.parts.scheduler.crons.of_app(call.app.id)])


@routes("GET", "/apps/<app>/cron-runs", Permission.VIEW)
def list_history(call: AppCall) -> Answer:
    """What came of the last moments of each entry, newest first."""
    return Answer([_run(one) for one in call.parts.scheduler.crons.history(call.app.id)])


@routes("POST", "/apps/<app>/cron/<entry>/actions/run", Permission.DEPLOY)
def run_now(call: AppCall, entry: str) -> Answer:
    """Begin a run of the entry; it is answered as `POST /apps/<app>/dynos` does."""
    run = call.parts.scheduler.crons.run_now(call.app.id, entry, call.identity.email)
    return Answer(runs.shape(call, run), 201)


@routes("POST", "/apps/<app>/cron/<entry>/actions/suspend", Permission.DEPLOY)
def suspend(call: AppCall, entry: str) -> Answer:
    return Answer(_entry(call.parts.scheduler.crons.suspend(call.app.id, entry, True)))


@routes("POST", "/apps/<app>/cron/<entry>/actions/resume", Permission.DEPLOY)
def resume(call: AppCall, entry: str) -> Answer:
    return Answer(_entry(call.parts.scheduler.crons.suspend(call.app.id, entry, False)))


def _entry(record: Cron) -> shapes.Json:
    entry = record.entry
    return {
        "id": entry.id,
        "command": entry.command,
        "schedule": entry.schedule,
        "concurrency_policy": str(entry.policy),
        "maintenance": entry.maintenance,
        "suspended": record.suspended,
        "time_limit": entry.limit_s,
        "next_at": None if record.next_at is None else clock.iso(record.next_at),
        "last": None if record.last is None else _run(record.last),
    }


def _run(record: CronRun) -> shapes.Json:
    return {
        "id": record.id,
        "entry": {"id": record.entry_id},
        "due_at": clock.iso(record.due_at),
        "state": "up" if record.state == "running" else str(record.state),
        "run": record.run,
        "exit_code": record.exit_code,
        "detail": record.reason or None,
        "ended_at": None if record.ended_at is None else clock.iso(record.ended_at),
    }

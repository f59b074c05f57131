"""What the router counted: of one app as JSON, of all that one may see for Prometheus. Portside's own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from flask import Response

from accounts import Permission
from core import clock
from core.errors import UserError
from core.ids import AppId
from releases import App
from router import BOUNDS_MS, CLASSES, Tally
from web.api import shapes
from web.api.routing import Access, Answer, AppCall, Call, Routes

routes = Routes()
MOST_MINUTES = 24 * 60
MOST_POINTS = 120
_PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


@routes("GET", "/apps/<app>/metrics", Permission.VIEW)
def show_metrics(call: AppCall) -> Answer:
    """`minutes` (60): how far back, a day at most. At most 120 points, each a multiple of 10 s."""
    found = call.parts.router.metrics.period(AppId(call.app.id), _minutes(call), MOST_POINTS)
    body = {
        "app": {"id": call.app.id, "name": call.app.name},
        "point_s": found.point_s,
        "whole": _shape(found.whole, 60 * found.minutes),
        "releases": [{"version": version or None, **_shape(each)} for version, each in found.releases.items()],
        "points": [{"at": _moment(point.at), **_shape(point.tally, found.point_s)} for point in found.points],
    }
    return Answer(body)


@routes("GET", "/metrics", Access.LOGGED_IN)
def prometheus(call: Call) -> Response:
    """The totals of every app that one may see, in Prometheus' text format."""
    visible = call.parts.accounts.visible_apps(call.identity)
    apps = call.parts.releases.apps(visible)
    text = "".join(f"{line}\n" for line in _lines([(app, call.parts.router.metrics.total(app.id)) for app in apps]))
    return Response(text, content_type=_PROMETHEUS)


def _lines(totals: list[tuple[App, Tally]]) -> Iterator[str]:
    yield "# HELP portside_apps Apps that the token may see."
    yield "# TYPE portside_apps gauge"
    yield f"portside_apps {len(totals)}"
    yield "# HELP portside_requests_total Requests that the router got for an app, by class of status."
    yield "# TYPE portside_requests_total counter"
    for app, total in totals:
        for name, count in zip(CLASSES, total.classes, strict=True):
            yield f'portside_requests_total{{app="{app.name}",status="{name}"}} {count}'
    yield "# HELP portside_request_seconds_bucket Requests by the time that the app took, cumulated."
    yield "# TYPE portside_request_seconds_bucket counter"
    for app, total in totals:
        cumulated = 0
        for count, bound in zip(total.times, (*(bound / 1000 for bound in BOUNDS_MS), "+Inf"), strict=True):
            cumulated += count
            yield f'portside_request_seconds_bucket{{app="{app.name}",le="{bound}"}} {cumulated}'


def _minutes(call: AppCall) -> int:
    text = call.request.args.get("minutes", "60")
    if not text.isdecimal() or not 1 <= int(text) <= MOST_MINUTES:
        raise UserError(f"minutes is {text!r}; it must be 1 to {MOST_MINUTES}.", "A day is kept: --minutes 1440.")
    return int(text)


def _shape(tally: Tally, seconds: float | None = None) -> shapes.Json:
    return {
        "requests": tally.requests,
        "per_second": None if seconds is None else round(tally.requests / seconds, 3),
        "status": dict(zip(CLASSES, tally.classes, strict=True)),
        "p50_ms": tally.percentile(0.5),
        "p95_ms": tally.percentile(0.95),
        "p99_ms": tally.percentile(0.99),
    }


def _moment(at: int) -> str:
    return clock.iso(datetime.fromtimestamp(at, UTC))

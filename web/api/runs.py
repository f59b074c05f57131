"""One-off runs, which are dynos of the type `run`: begun, and listed with those that ended lately."""

from __future__ import annotations

from urllib.parse import urlsplit

from accounts import Permission
from core.errors import NotFound, UserError
from scheduler import STANDARD, Run, RunWish
from web.api import shapes
from web.api.routing import Answer, AppCall, Routes

routes = Routes()


@routes("POST", "/apps/<app>/dynos", Permission.DEPLOY)
def begin(call: AppCall) -> Answer:
    """`command`, `attach` (false), `env`, `size` (`1g:0.5`), `time_to_live` (seconds), `force_no_tty`.

    An attached run has a terminal if `env` has COLUMNS and LINES, as Heroku's client sends them from one. Its client
    then connects to `attach_url` (TLS; the certificate's SHA-256 is `attach_fingerprint`), once.
    """
    env, attached = _env(call), call.body.flag("attach")
    wish = RunWish(
        command=call.body.needed_text("command"),
        user_email=call.identity.email,
        attached=attached,
        terminal=_terminal(env) if attached and not call.body.flag("force_no_tty") else None,
        env={name: value for name, value in env.items() if name not in ("COLUMNS", "LINES")},
        limit_s=call.body.number("time_to_live"),
        size=call.body.text("size") or STANDARD,
    )
    asked = call.parts.scheduler.runs.ask(call.app.id, wish)
    if not attached:
        return Answer(shape(call, asked.run), 201)
    url = f"rendezvous://{_host(call)}:{call.parts.run_door.port}/{asked.ticket}"
    return Answer(shape(call, asked.run, url, call.parts.run_door.fingerprint), 201)


@routes("GET", "/apps/<app>/runs", Permission.VIEW)
def list_runs(call: AppCall) -> Answer:
    """Those that go on, and those that ended within the last hour, oldest first (Portside's own)."""
    return Answer([shape(call, run) for run in call.parts.scheduler.runs.of_app(call.app.id)])


@routes("GET", "/apps/<app>/runs/<run>", Permission.VIEW)
def show_run(call: AppCall, run: str) -> Answer:
    return Answer(shape(call, call.parts.scheduler.runs.find(call.app.id, run)))


def going(call: AppCall) -> list[Run]:
    """The app's runs that are not over."""
    return [run for run in call.parts.scheduler.runs.of_app(call.app.id) if not run.over]


def shape(call: AppCall, run: Run, attach_url: str | None = None, proof: str = "") -> shapes.Json:
    try:
        release_id = call.parts.releases.release(call.app.id, str(run.version)).id
    except NotFound:  # the records are older than what runs: a backup was restored
        release_id = None
    return shapes.run(run, call.app, release_id, attach_url, proof)


def _env(call: AppCall) -> dict[str, str]:
    value = call.body.values.get("env") or {}
    if not isinstance(value, dict) or not all(isinstance(item, str | int) for item in value.values()):
        raise UserError("The field env must be an object of strings.", 'Send {"env": {"NAME": "value"}}.')
    return {str(name): str(item) for name, item in value.items()}


def _terminal(env: dict[str, str]) -> tuple[int, int] | None:
    columns, lines = env.get("COLUMNS", ""), env.get("LINES", "")
    return (int(columns), int(lines)) if columns.isdecimal() and lines.isdecimal() else None


def _host(call: AppCall) -> str:
    host = urlsplit(call.links.base).hostname or "localhost"
    return f"[{host}]" if ":" in host else host

"""The API's list and the dashboard's home with a thousand apps."""

from __future__ import annotations

import time

import httpx

from accounts import AppRole, TokenKind
from bench.bed import Bed
from bench.figures import Row, Samples
from core.ids import new_id
from gitreceiver import Journal, PushKind, RefUpdate

APPS = 1000
ROUNDS, WARM_UP = 20, 5


def api_list(bed: Bed) -> Row:
    """GET /apps with 1,000 apps in one answer (`Range: name ..; max=1000`).

    From sending the request to having the whole answer, over loopback on a kept-alive connection: a little more than
    the server's own time. Every app has an owner, a host name and a push.
    """
    fill(bed)
    headers = {"Authorization": f"Bearer {bed.token}", "Range": "name ..; max=1000"}
    return _timed(bed, f"API list of {APPS:,} apps", "/apps", headers, 50)


def home(bed: Bed) -> Row:
    """The dashboard's home with the same 1,000 apps, as a browser that is signed in gets it; timed as the list."""
    fill(bed)
    _, secret = bed.parts.accounts.issue_token(bed.owner.user_id, "bench", 3600, TokenKind.SESSION)
    return _timed(bed, f"dashboard home with {APPS:,} apps", "/", {"Cookie": f"portside_session={secret}"}, 100)


def fill(bed: Bed) -> None:
    """Make the records of apps until there are a thousand; nothing is deployed."""
    parts = bed.parts
    journal = Journal(parts.database)
    for number in range(len(parts.releases.apps()), APPS):
        app = parts.releases.create_app(f"many-{number:04d}", bed.owner.user_id)
        parts.accounts.grant(app.id, bed.owner.user_id, AppRole.OWNER)
        parts.router.name_app(app.id, app.name)
        push_id = new_id()
        update = RefUpdate("refs/heads/main", None, f"{number:040x}")
        journal.add(push_id, app.id, PushKind.PUSH, update, (), bed.owner)
        journal.withdraw(push_id, "only a record")
        journal.record(push_id, log_closed=True)


def _timed(bed: Bed, what: str, path: str, headers: dict[str, str], budget_ms: float) -> Row:
    took_ms = []
    with httpx.Client(base_url=bed.platform.api_url, headers=headers, trust_env=False, timeout=60) as client:
        for _ in range(WARM_UP + ROUNDS):
            begun = time.monotonic()
            answer = client.get(path)
            took_ms.append((time.monotonic() - begun) * 1000)
            if answer.status_code != 200 or answer.text.count("many-") < APPS // 2:
                raise RuntimeError(f"{path} gave {answer.status_code} and not the apps: {answer.text[:200]}")
    samples = Samples(tuple(took_ms[WARM_UP:]), "ms")
    size = f"{len(answer.content) / 1000:.0f} kB"
    return Row(what, str(samples), "", samples.median, budget_ms, "ms", size, {"measured": samples.values})
